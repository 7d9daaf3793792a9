"""Some rows of a batch through all steps of a layer, backward through time (BPTT).

    dL/ds_t, all of it:   the loss's at s_t, and what the steps after it hand back
    delta_t = dL/da_t,    dL/ds_{t-1} by the paths that lead through no block:    the cell's loop
    [dL/ds_{t-1}, dL/dx_t] += delta_t W^T,    dL/dW = sum_t u_t^T delta_t,        product by product

dL/dW is summed from chunks of steps whose u and delta are still in cache (`sums.py`). The rows of a batch meet only
there: each shard has sums of its own, which are added in order.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.borrowed import borrowed, keep
from rnnkit._compile.simd.outlined import outlined
from rnnkit._compile.simd.subnormals import flush_subnormals, restore_subnormals
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import (
    BACK_AFTER,
    BACK_BEFORE,
    BACKWARD,
    BLOCKS,
    GROUPS,
    IN_ROWS,
    ORDER,
    SAVED,
    STATES,
    TOTAL,
    UNITS,
)
from rnnkit.kernels.engine.geometry import COLUMN, HAS_X, OUT_LENGTH, U_LENGTH, of_product
from rnnkit.kernels.engine.steps import (
    clear_rest,
    element,
    element_of,
    enter_states,
    enter_x,
    fill_tiles,
    give_back,
    join_blocks,
    stand_apart,
    take_back,
    write_dx,
)
from rnnkit.kernels.engine.sums import add_to_sums
from rnnkit.kernels.engine.tables import backward_table, spread_units
from rnnkit.kernels.engine.team import end_team, help_team
from rnnkit.kernels.engine.types import FORMS, backward_types
from rnnkit.kernels.engine.words import run_loop, set_row, words
from rnnkit.kernels.padding import clear_padded, hand_over_padded
from rnnkit.kernels.partition import chunk_steps, count_tasks, shard_bounds, task_bounds
from rnnkit.kernels.products import aligned, spread_rows
from rnnkit.kernels.rows import add_columns, add_to_symbol_rows, copy_columns


@jit
def add_units(room, of, to, n_units, first, n_rows, H, lengths, t):
    """Add the gradients of units of one step to their sums, n_rows rows each, where a row counts."""
    for i in range(n_units * n_rows):
        if lengths.size == 0 or t < lengths[first + i % n_rows]:
            add_columns(room, to + i * H, room, of + i * H, 1, H)


@jit
def sum_units(of_units, shard, room, at, row, n, n_rows, H):
    """Add the sums of a shard's n rows from `row` on, in order, to those of the shard."""
    for unit in range(of_units.shape[1] // H):
        for r in range(row, row + n):
            to = shard * of_units.shape[1] + unit * H
            add_columns(of_units, to, room, at + (unit * n_rows + r) * H, 1, H)


@outlined("rnnkit_backward_rows", [backward_types(*form) for form in FORMS])
def backward_rows(task, together, dh, x, weights, cell, states, layout, dx, carry, parts, hidden, team):
    """Take the rows of a task in carry, dL/d(states), from the last step to before the first; write their dx.

    dh: (n, B, columns), immediate gradient at the last n states, added on the way; n may be 0; 0 beyond a row's length.
    weights: from `pack_backward`. dx: written by a layer's first direction, added to by its second.
    parts: the shards' sums, from `zero_sums`, added to at [shard].
    hidden: (states, T, B, H), all of the gradients of states, written; (states, 0, B, H) where nobody asks.
    together, team, and a task after the last: as in `forward_rows`.
    """
    if task == count_tasks(x.shape[1], together):
        help_team(team, states[0])
        return
    dh, x, weights, states, layout = borrowed((dh, x, weights, states, layout))
    dx, carry, parts, hidden, team = borrowed((dx, carry, parts, hidden, team))
    (T, B), H, (packed, units, g), d, bytes_ = x.shape[:2], carry.shape[2], weights, words(cell), dh.itemsize
    (h, inner, saved), (column, reverse, lengths), (sums, of_symbols, of_units) = states, layout, parts
    first, n_rows, begin, stop = task_bounds(task, together, B)
    n_steps, asked = chunk_steps(B), hidden.shape[1] > 0
    no_dh = T - dh.shape[0]  # steps before the first with an immediate gradient
    S, K, n_units, n, in_rows = d[STATES], d[BLOCKS], d[UNITS], n_rows * H, d[IN_ROWS] == 1
    u = aligned(n_steps * n_rows, g[U_LENGTH], h.dtype)
    delta = aligned(n_steps * n_rows, spread_rows(K * H + VECTOR_BYTES // bytes_, bytes_), h.dtype)
    out = aligned(n_rows, g[OUT_LENGTH], h.dtype)  # of its own: cores that share lines wait
    room = aligned(0 if in_rows else (2 * S + 2 + K + 3 * n_units) * n_rows, H, h.dtype)
    apart = stand_apart(d, H, bytes_)
    adjoints, rows, size = out if in_rows else room, 1 if apart else n_rows, n if apart else H
    of_blocks, of_units_at = (2 * S + 2) * n, (2 * S + 2 + K) * n  # where these begin in room, as in `backward_table`
    sums_of_units, block = of_units_at + 2 * n_units * n, 4 * S + d[SAVED] + n_units  # the latter a row of the table
    tiles, given = np.empty((d[GROUPS], 6), np.int64), np.zeros(S, np.int64)
    table = np.empty((block + K + n_units, 3), np.int64)
    owners = u, delta, out, room, adjoints, tiles, given, table
    u, delta, out, room, adjoints, tiles, given, table = borrowed(owners)
    fill_tiles(d, g, n_rows, tiles)
    backward_table(table, d, room, apart, h, column, inner, saved, hidden, first, n_rows, H, reverse)
    if in_rows:
        set_row(table, 0, out, 0, 0, out.shape[1])
    spread_units(room, of_units_at, units, n_rows, H)
    if n_units > 0:
        room[sums_of_units // H :].fill(0)
    mode = flush_subnormals()
    for s in range(S):
        copy_columns(adjoints, s * n, carry, element(carry, s, first), n_rows, H)
    for end in range(T, 0, -n_steps):
        start = max(0, end - n_steps)
        for step in range(end - 1, start - 1, -1):
            t, row = T - 1 - step if reverse else step, (step - start) * n_rows
            before, after = t + 2 if reverse else t, t + 1
            enter_states(u, row, h, column, inner, before, first, n_rows, H, d, g)
            enter_x(u, row, x, t, first, n_rows, d, g)
            if t >= no_dh:
                add_columns(adjoints, 0, dh, element(dh, t - no_dh, first) + column, n_rows, H)
            if asked:
                for s in range(S):
                    if d[d[TOTAL] + s] == 0:
                        copy_columns(hidden, element_of(hidden, s, t, first), adjoints, s * n, n_rows, H)
            if not apart:
                for position in range(K):
                    at = row * delta.shape[1] + position * H
                    set_row(table, block + d[d[ORDER] + position], delta, at, 0, delta.shape[1])
            if apart and d[BACK_BEFORE] == 1:
                copy_columns(room, S * n, h, element(h, before, first) + column, n_rows, H)
            if apart and d[BACK_AFTER] == 1:
                copy_columns(room, (S + 1) * n, h, element(h, after, first) + column, n_rows, H)
            run_loop(d, BACKWARD + bytes_ // 8, table, t, rows, size)
            if apart:
                join_blocks(delta, row, room, of_blocks, n_rows, H, d)
            if lengths.size > 0:
                clear_padded(u, delta, row, first, n_rows, lengths, t)
            for k in range(d[GROUPS]):
                w, p = of_product(d, g, k)
                take_back(out, delta, row, n_rows, packed, tiles, d, g, k, team)
                if not in_rows:
                    give_back(room, out, n_rows, H, given, d, g, k)
                if g[p + HAS_X] == 1:
                    write_dx(dx, t, first, n_rows, out, d[w + 2] * H, 1 if column > 0 else 0)
                    if x.ndim == 2:  # known when compiled: what is not taken is not in the code
                        for shard in range(begin, stop):
                            one, n_ones = shard_bounds(shard, B)
                            at = (row + one - first) * delta.shape[1] + g[p + COLUMN]
                            add_to_symbol_rows(of_symbols, shard, x, t, one, n_ones, delta, at)
            if not in_rows:
                clear_rest(room, n_rows, H, given, d)
                add_units(room, of_units_at + n_units * n, sums_of_units, n_units, first, n_rows, H, lengths, t)
            if lengths.size > 0:
                for s in range(S):
                    kept = element(carry, s, first)
                    hand_over_padded(adjoints, s * n, adjoints.shape[1], carry, kept, first, n_rows, H, lengths, t)
        for shard in range(begin, stop):
            one, n_ones = shard_bounds(shard, B)
            add_to_sums(sums, shard, u, delta, one - first, n_ones, n_rows, end - start, tiles, d, g, team)
    for s in range(S):
        copy_columns(carry, element(carry, s, first), adjoints, s * n, n_rows, H)
    for shard in range(begin, stop):
        one, n_ones = shard_bounds(shard, B)
        sum_units(of_units, shard, room, sums_of_units, one - first, n_ones, n_rows, H)
    end_team(team)
    keep(owners)
    restore_subnormals(mode)
