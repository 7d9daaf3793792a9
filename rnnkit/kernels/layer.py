"""One direction of one layer, for every kind of cell: what the public sequence kernels and the networks are made of.

x       (T, B, I) inputs, or (T, B) int64 symbols
cell    TANH, RELU, SIGMOID, IDENTITY (an Elman cell), LSTM or GRU
W_xh (I, G), W_hh (H, G), b_h: G = H, 4 H, 3 H; b_h (H,), (4 H,), for a GRU (4 H,): r, z, n, and n's share of the state
states  h      (T+1, B, columns) with h[t+1] after step t and h[0] before the first; a layer of two directions has
               (T+2, B, 2 H), and the second begins at h[T+1]: the outputs of both are h[1 : T+1], side by side
        c      like h, (., B, H), of an LSTM; else without entries
        gates  (T, 4, B, H) i, f, g, o or r, z, n, q; of an Elman cell without entries
place   column   where this direction's H columns of h begin
        reverse  1 to go from the last step to the first
        lengths  (B,) int64: a step t >= lengths[b] hands the state on; or (0,)

Weight gradients are the caller's to begin (`zero_sums`) and end (`sum_parts`), so that runs of steps can be chained.
"""

from collections.abc import Callable

import numpy as np

from rnnkit._jit import jit
from rnnkit.kernels._checks import FLOATS
from rnnkit.kernels.cells import LSTM
from rnnkit.kernels.cut import count_shards
from rnnkit.kernels.rows import copy_columns
from rnnkit.kernels.shards import backward_shard, forward_shard
from rnnkit.kernels.weights import last_states, pack_backward, pack_forward, sum_parts, zero_sums


@jit
def set_state(out, state):
    """Copy a state (B, H); `out[:] = state` would take a second to compile."""
    copy_columns(out, 0, state, 0, state.shape[0], state.shape[1])


@jit
def plain_place():
    """Return the place of the one direction of a layer, all rows of full length."""
    return 0, 0, np.empty(0, np.int64)


@jit
def elman_states(h):
    """Return (h, c, gates) of an Elman cell."""
    S, B, H = h.shape
    return h, np.empty((0, B, H), h.dtype), np.empty((S - 1, 0, B, H), h.dtype)


@jit
def no_hidden(carry):
    """Return what takes no gradients of states."""
    return np.empty((carry.shape[0], 0, carry.shape[1], carry.shape[2]), carry.dtype)


@jit
def forward_layer(x, W_xh, W_hh, b_h, cell, states, place):
    """Fill the states from the first one."""
    weights = pack_forward(x, W_xh, W_hh, b_h, cell)
    for shard in range(count_shards(x.shape[1])):
        forward_shard(shard, x, weights, cell, states, place)


@jit
def backward_layer(dh, x, W_xh, W_hh, cell, states, place, dx, carry, parts, hidden):
    """Take carry from after the last step to before the first; add to each shard's part of the weight gradients.

    dh, dx, carry, parts, hidden: see `backward_shard`.
    """
    weights = pack_backward(x, W_xh, W_hh, cell)
    for shard in range(count_shards(x.shape[1])):
        backward_shard(shard, dh, x, weights, cell, states, place, dx, carry, parts, hidden)


@jit
def gradients_into(dh, carry, x, W_xh, W_hh, cell, states, dx, dW_xh, dW_hh, db_h):
    """Write all gradients of a layer of one direction; carry (states, B, H) goes from the last state to the first."""
    parts = zero_sums(x, W_xh, W_hh, cell)
    backward_layer(last_states(dh), x, W_xh, W_hh, cell, states, plain_place(), dx, carry, parts, no_hidden(carry))
    sum_parts(parts, dW_xh, dW_hh, db_h)


PLAIN = 0, 0, np.empty(0, np.int64)  # `plain_place`, made once
NONE = {dtype: (np.empty((0, 0, 0), dtype), np.empty((0, 0, 0, 0), dtype)) for dtype in FLOATS}  # c and gates; hidden


def no_dh(carry: np.ndarray) -> np.ndarray:
    """Return dh (0, B, H): the loss enters by the carry alone."""
    return carry[:0]


def first_states(x: np.ndarray, first: tuple[np.ndarray, ...], cell: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (h, c, gates) of one direction to be filled, with h_0 (and c_0) of `first` in place."""
    (T, B), H, dtype = x.shape[:2], first[0].shape[1], first[0].dtype
    states = [np.empty((T + 1, B, H), dtype) for _ in first]
    for state, value in zip(states, first, strict=True):
        state[0] = value
    none = NONE[dtype]
    return states[0], states[1] if cell == LSTM else none[0], np.empty((T, 4, B, H), dtype) if cell >= LSTM else none[1]


def forward(run: Callable, x: np.ndarray, first: tuple, weights: tuple, cell: int) -> tuple:
    """Return (h, c, gates) from Python; run: `forward_layer`, or the same on all cores. first: (h_0,) or (h_0, c_0)."""
    states = first_states(x, first, cell)
    run(x, *weights, cell, states, PLAIN)
    return states


def backward(
    run: Callable, dh: np.ndarray, carry: np.ndarray, x: np.ndarray, weights: tuple, cell: int, states: tuple
) -> tuple:
    """Return (dx, dW_xh, dW_hh, db_h) from Python, and take carry to the first state; run: `backward_layer`, or alike.

    The three calls are compiled once for all forms of BPTT. weights: W_xh, W_hh.
    """
    W_xh, W_hh = weights
    H, G = W_hh.shape
    dx = np.empty(x.shape if x.ndim == 3 else (*x.shape, 0), dh.dtype)
    gradients = np.empty_like(W_xh), np.empty_like(W_hh), np.empty(H if G == H else 4 * H, dh.dtype)
    parts, hidden = zero_sums(x, W_xh, W_hh, cell), NONE[dh.dtype][1]
    run(dh if dh.ndim == 3 else dh[None], x, W_xh, W_hh, cell, states, PLAIN, dx, carry, parts, hidden)
    sum_parts(parts, *gradients)
    return dx, *gradients
