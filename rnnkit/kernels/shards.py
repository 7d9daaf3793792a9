"""Some rows of a batch through a run of steps, forward and back: what every form of the sequence kernels is made of.

Written with one matrix, W = [W_hh; W_xh; b_h] (H+I+1 rows), and one row for all that enters a step:

    u_t = [h_{t-1}, x_t, 1],    h_t = phi(u_t W)
    delta_t = (d+L/dh_t + dL/dh_t of the steps after) * phi'(a_t)
    [dL/dh_{t-1}, dL/dx_t] = delta_t [W_hh; W_xh]^T,    dL/dW = sum_t u_t^T delta_t

With symbols for x a step begins with their rows of W_xh, and u_t = [h_{t-1}, 1]. Gated cells have 4 H columns and
their own step between the products (`lstm_step`, `gru_step`); a GRU has u_t = [h_{t-1}, 1, x_t] and two matrices.

The rows of a batch meet only in the sum over dL/dW. A batch is cut into shards, each runs its whole sequence by itself
(on its own core in `rnnkit.parallel`), and the shards' sums are added in order. dL/dW is summed from chunks of steps
whose u and delta are still in cache.

`states` = (h, c, gates) and `place` = (column, reverse, lengths) as in `layer.py`.
"""

import numpy as np
from numba import types

from rnnkit._jit import jit
from rnnkit._simd.apart import compiled_apart
from rnnkit._simd.denormals import flush_denormals, restore_denormals
from rnnkit._simd.vectors import VECTOR_BYTES
from rnnkit.kernels.activations import activate
from rnnkit.kernels.cells import GRU, LSTM, count_blocks, count_gates
from rnnkit.kernels.cut import chunk_steps, shard_bounds
from rnnkit.kernels.padding import clear_padded, hand_over_padded, keep_padded
from rnnkit.kernels.products import aligned, padded, spread_rows, tile_for
from rnnkit.kernels.rows import add_columns, add_to_symbol_rows, copy_columns
from rnnkit.kernels.steps import (
    add_to_sums,
    element,
    elman_step_back,
    enter_gates,
    enter_x,
    gated_step,
    gated_step_back,
    take_back,
    write_dx,
)
from rnnkit.kernels.weights import width_of_x

FORMS = [(float_, x) for float_ in (types.float32, types.float64) for x in (float_[:, :, ::1], types.int64[:, ::1])]


def forward_types(float_: types.Float, x: types.Array) -> tuple:
    """Return the types of the arguments of `forward_shard`."""
    rows, cube = float_[:, ::1], float_[:, :, ::1]
    states, place = (
        types.Tuple([cube, cube, float_[:, :, :, ::1]]),
        types.Tuple([types.intp, types.intp, types.int64[::1]]),
    )
    return types.intp, x, types.Tuple([rows, cube, cube]), types.intp, states, place


def backward_types(float_: types.Float, x: types.Array) -> tuple:
    """Return the types of the arguments of `backward_shard`."""
    cube, (_, _, _, _, states, place) = float_[:, :, ::1], forward_types(float_, x)
    weights, parts, hidden = types.Tuple([cube, cube]), types.Tuple([cube] * 3), float_[:, :, :, ::1]
    return types.intp, cube, x, weights, types.intp, states, place, cube, cube, parts, hidden


@compiled_apart("rnnkit_forward_shard", [forward_types(*form) for form in FORMS])
def forward_shard(shard, x, weights, cell, states, place):
    """Fill the rows of a shard in the states, from the first state and x. weights: from `pack_forward`."""
    (h, c, g), (column, reverse, lengths), (first, n_rows) = states, place, shard_bounds(shard, x.shape[1])
    (W_xh, P, P_x), T, bytes_ = weights, x.shape[0], h.itemsize
    H, tile = W_xh.shape[1] // count_gates(cell), tile_for(n_rows, P.shape[0])
    width = padded(H, bytes_)
    ld = spread_rows(max(width, H + 1 + width_of_x(x)), bytes_)
    u_t, u_next, state = aligned(n_rows, ld, h.dtype), aligned(n_rows, ld, h.dtype), aligned(n_rows, H, h.dtype)
    gates = aligned(n_rows, count_blocks(cell) * H + VECTOR_BYTES // bytes_, h.dtype)
    mode = flush_denormals()
    copy_columns(u_t, 0, h, element(h, T + 1 if reverse else 0, first) + column, n_rows, H)
    copy_columns(state, 0, u_t, 0, n_rows, H)
    for step in range(T):
        t = T - 1 - step if reverse else step
        before, after = t + 2 if reverse else t, t + 1
        enter_x(u_t, 0, x, t, first, n_rows, H, cell)
        enter_gates(u_next if cell < LSTM else gates, u_t, x, t, first, n_rows, W_xh, P, P_x, tile, H, cell)
        if cell < LSTM:
            activate(u_next, 0, ld, n_rows, width, cell)  # whole vectors: what pads them is overwritten, or not read
        else:
            gated_step(t, before, after, first, n_rows, gates, state, c, g, cell)
            copy_columns(u_next, 0, state, 0, n_rows, H)
        if lengths.size > 0:
            keep_padded(u_next, 0, u_t, 0, first, n_rows, H, lengths, t)
            copy_columns(state, 0, u_next, 0, n_rows, H)
            if cell == LSTM:
                keep_padded(c, element(c, after, first), c, element(c, before, first), first, n_rows, H, lengths, t)
        copy_columns(h, element(h, after, first) + column, u_next, 0, n_rows, H)
        u_t, u_next = u_next, u_t
    restore_denormals(mode)


@jit
def workspace(n_rows, n_steps, H, n_x, dtype, cell):
    """Return u and delta of a chunk of steps, and [dL/dh, dL/dx], a GRU's dL/dx, and the d of `gated_step_back`."""
    n, bytes_ = n_steps * n_rows, np.empty(1, dtype).itemsize
    u = aligned(n, spread_rows(H + n_x + 1, bytes_), dtype)
    delta = aligned(n, spread_rows(count_blocks(cell) * H + VECTOR_BYTES // bytes_, bytes_), dtype)
    dh_dx = aligned(n_rows, padded(H + n_x, bytes_), dtype)  # of its own: cores that share lines wait
    n_d = 1 if cell < LSTM else 7
    d = aligned(n_d * n_rows, H, dtype).reshape(n_d, n_rows, H)
    return u, delta, dh_dx, aligned(n_rows, padded(n_x, bytes_), dtype), d


@compiled_apart("rnnkit_backward_shard", [backward_types(*form) for form in FORMS])
def backward_shard(shard, dh, x, weights, cell, states, place, dx, carry, parts, hidden):
    """Take the rows of a shard in carry, dL/dh (and dL/dc), from the last step to before the first; write their dx.

    dh: (n, B, columns), immediate gradient at the last n states, added on the way; n may be 0; 0 beyond a row's length.
    weights: from `pack_backward`. dx: written by a layer's first direction, added to by its second.
    parts: the shards' sums of dL/dW, added to at [shard].
    hidden: (states, T, B, H), all of dL/dh_t (and dL/dc_t), written; (states, 0, B, H) where nobody asks.
    """
    (T, B), H, (first, n_rows), (P, P_x) = x.shape[:2], carry.shape[2], shard_bounds(shard, x.shape[1]), weights
    (h, c, g), (column, reverse, lengths), no_dh, gru, lstm = states, place, T - dh.shape[0], cell == GRU, cell == LSTM
    n_steps, tile, asked = chunk_steps(B), tile_for(n_rows, P.shape[0]), hidden.shape[1] > 0
    u, delta, dh_dx, dx_t, d = workspace(n_rows, n_steps, H, width_of_x(x), dh.dtype, cell)
    of_W, of_x, of_symbols = parts[0][shard], parts[1][shard], parts[2]
    mode = flush_denormals()
    copy_columns(dh_dx, 0, carry, element(carry, 0, first), n_rows, H)
    if lstm:
        copy_columns(d, 0, carry, element(carry, 1, first), n_rows, H)
    for end in range(T, 0, -n_steps):
        start = max(0, end - n_steps)
        for step in range(end - 1, start - 1, -1):
            t, row = T - 1 - step if reverse else step, (step - start) * n_rows
            before, after, at = t + 2 if reverse else t, t + 1, (t * B + first) * H
            copy_columns(u, row * u.shape[1], h, element(h, before, first) + column, n_rows, H)
            enter_x(u, row, x, t, first, n_rows, H, cell)
            if t >= no_dh:
                add_columns(dh_dx, 0, dh, element(dh, t - no_dh, first) + column, n_rows, H)
            if asked:
                copy_columns(hidden, at, dh_dx, 0, n_rows, H)
            if cell < LSTM:
                elman_step_back(after, first, n_rows, dh_dx, delta, row, h, column, H, cell)
            else:
                gated_step_back(t, before, after, first, n_rows, dh_dx, d, u, delta, row, c, g, cell)
            if asked and lstm:
                copy_columns(hidden, T * B * H + at, d, n_rows * H, n_rows, H)
            if lengths.size > 0:
                clear_padded(u, delta, row, first, n_rows, lengths, t)
            take_back(dh_dx, dx_t, delta, row, n_rows, P, P_x, tile, H, cell)
            if lengths.size > 0:
                kept = element(carry, 0, first)
                hand_over_padded(dh_dx, dh_dx.shape[1], carry, kept, first, n_rows, H, lengths, t)
                if lstm:
                    hand_over_padded(d, H, carry, kept + B * H, first, n_rows, H, lengths, t)
            write_dx(dx, t, first, n_rows, dx_t if gru else dh_dx, 0 if gru else H, 1 if column > 0 else 0)
            add_to_symbol_rows(of_symbols, shard, x, t, first, n_rows, delta, row * delta.shape[1] + (H if gru else 0))
        add_to_sums(of_W, of_x, u, delta, (end - start) * n_rows, H)
    copy_columns(carry, element(carry, 0, first), dh_dx, 0, n_rows, H)
    if lstm:
        copy_columns(carry, element(carry, 1, first), d, 0, n_rows, H)
    restore_denormals(mode)
