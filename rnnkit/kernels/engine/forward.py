"""Some rows of a batch through all steps of a layer, forward.

    a_t = [what enters each product, 1] W, block by block,    s_t = step(a_t, s_{t-1})

What enters a product stands in rows u. For the loops of the cell a step's blocks, states and what is saved for the
backward pass stand apart, one number after the other: a loop over each row of 32 units took three times as long. Long
rows of whole vectors (`stand_apart`) are read where the products wrote them, and their states written to where they
stay: to copy them was 3 to 8% of the time of an LSTM or a GRU of 64 to 256 units. A cell of one block whose step reads
and keeps nothing else, as tanh's, is computed in the rows of u themselves, in whole vectors: what pads them is
overwritten, or not read.
"""

import numpy as np

from rnnkit._compile.simd.borrowed import borrowed, keep
from rnnkit._compile.simd.outlined import outlined
from rnnkit._compile.simd.subnormals import flush_subnormals, restore_subnormals
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import BLOCKS, FORWARD, GROUPS, IN_ROWS, OF_X, SAVED, STATES, UNITS
from rnnkit.kernels.engine.geometry import U_LENGTH
from rnnkit.kernels.engine.steps import (
    element,
    element_of,
    enter_states,
    enter_x,
    fill_tiles,
    make_blocks,
    part_blocks,
    stand_apart,
)
from rnnkit.kernels.engine.tables import forward_table, spread_units
from rnnkit.kernels.engine.team import end_team, help_team
from rnnkit.kernels.engine.types import FORMS, forward_types
from rnnkit.kernels.engine.words import run_loop, set_row, words
from rnnkit.kernels.padding import keep_padded
from rnnkit.kernels.partition import count_tasks, task_bounds
from rnnkit.kernels.products import aligned, padded
from rnnkit.kernels.rows import copy_columns


@outlined("rnnkit_forward_rows", [forward_types(*form) for form in FORMS])
def forward_rows(task, together, x, weights, cell, states, layout, team):
    """Fill the rows of a task, so many shards together, in the states, from the first ones and x.

    weights: from `pack_forward`. A task after the last is the helper of a team (`team.py`), of one task.
    """
    if task == count_tasks(x.shape[1], together):
        help_team(team, states[0])
        return
    x, weights, states, layout, team = borrowed((x, weights, states, layout, team))
    (h, inner, saved), (column, reverse, lengths) = states, layout
    first, n_rows, _, _ = task_bounds(task, together, x.shape[1])
    (W_xh, packed, units, g), d, T, bytes_ = weights, words(cell), x.shape[0], h.itemsize
    S, K, H, in_rows, lanes = d[STATES], d[BLOCKS], W_xh.shape[1] // d[OF_X], d[IN_ROWS] == 1, VECTOR_BYTES // bytes_
    u, a = aligned(2 * n_rows, g[U_LENGTH], h.dtype), aligned(n_rows, K * H + lanes, h.dtype)
    room = aligned(0 if in_rows else (K + d[UNITS] + 2) * n_rows, H, h.dtype)
    in_h, apart = h.reshape(h.shape[0] * h.shape[1], h.shape[2]), stand_apart(d, H, bytes_)
    tiles, table = np.empty((d[GROUPS], 6), np.int64), np.empty((K + 2 * S + d[UNITS] + d[SAVED], 3), np.int64)
    owners = u, a, room, in_h, tiles, table
    u, a, room, in_h, tiles, table = borrowed(owners)
    fill_tiles(d, g, n_rows, tiles)
    forward_table(table, d, a, room, apart, inner, saved, first, n_rows, H, reverse)
    spread_units(room, K * n_rows * H, units, n_rows, H)
    beside, state = in_rows or apart, u if in_rows else room if apart else in_h
    at, half = 0 if in_rows else (K + d[UNITS]) * n_rows * H, n_rows * state.shape[1]  # beside h: two halves, in turn
    rows, size = 1 if apart else n_rows, n_rows * H if apart else padded(H, bytes_) if in_rows else H
    mode = flush_subnormals()
    if beside:
        copy_columns(state, at, h, element(h, T + 1 if reverse else 0, first) + column, n_rows, H)
    for step in range(T):
        t = T - 1 - step if reverse else step
        before, after, row = t + 2 if reverse else t, t + 1, step % 2 * n_rows if in_rows else 0
        if beside:
            now, then = at + step % 2 * half, at + (1 - step % 2) * half
        else:
            now, then = element(h, before, first) + column, element(h, after, first) + column
        if not in_rows:
            enter_states(u, 0, h, column, inner, before, first, n_rows, H, d, g)
        enter_x(u, row, x, t, first, n_rows, d, g)
        make_blocks(a, u, row, x, t, first, n_rows, W_xh, packed, tiles, d, g, team)
        if apart:
            part_blocks(room, 0, a, n_rows, H, d)
        set_row(table, K, state, now, 0, state.shape[1])
        set_row(table, K + S + d[UNITS], state, then, 0, state.shape[1])
        run_loop(d, FORWARD + bytes_ // 8, table, t, rows, size)
        if lengths.size > 0:
            keep_padded(state, then, state, now, first, n_rows, H, lengths, t)
            for s in range(S - 1):
                o, i = element_of(inner, s, after, first), element_of(inner, s, before, first)
                keep_padded(inner, o, inner, i, first, n_rows, H, lengths, t)
        if beside:
            copy_columns(h, element(h, after, first) + column, state, then, n_rows, H)
    end_team(team)
    keep(owners)
    restore_subnormals(mode)
