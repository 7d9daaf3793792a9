"""One direction of one layer of any cell: what the public sequence kernels and the networks are made of.

x       (T, B, I) inputs, or (T, B) int64 symbols
cell    a handle (`rnnkit.cells.handles`)
W_xh (I, G), G = H for each block that x enters; W_h: the recurrent weights in one row, for each state that enters
        blocks (H, its blocks H), C-contiguous; b_h and units: likewise, H for each block with a bias, for each number
states  h      (T+1, B, columns) with h[t+1] after step t and h[0] before the first; a layer of two directions has
               (T+2, B, 2 H), and the second begins at h[T+1]: the outputs of both are h[1 : T+1], side by side
        inner  (states - 1, T+1 or T+2, B, H): the other states of a direction; h is the first
        saved  (T, saved, B, H): what a step leaves for the backward pass
layout  column   where this direction's H columns of h begin
        reverse  1 to go from the last step to the first
        lengths  (B,) int64: a step t >= lengths[b] hands the state on; or (0,)

Weight gradients are the caller's to begin (`zero_sums`) and end (`sum_parts`), so that runs of steps can be chained.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.cells.descriptor import BACKWARD, FORWARD, SAVED, STATES
from rnnkit.cells.handles import provide, words_of
from rnnkit.kernels._checks import FLOATS
from rnnkit.kernels.engine.backward import backward_rows
from rnnkit.kernels.engine.forward import forward_rows
from rnnkit.kernels.engine.sums import sum_parts, zero_sums
from rnnkit.kernels.engine.team import no_team
from rnnkit.kernels.engine.weights import last_states, pack_backward, pack_forward
from rnnkit.kernels.partition import count_tasks, shards_together
from rnnkit.kernels.rows import copy_columns


@jit
def set_state(out, state):
    """Copy a state (B, H); `out[:] = state` would take a second to compile."""
    copy_columns(out, 0, state, 0, state.shape[0], state.shape[1])


@jit
def plain_layout():
    """Return the layout of the one direction of a layer, all rows of full length."""
    return 0, 0, np.empty(0, np.int64)


@jit
def no_units(dtype):
    """Return the numbers of units of a cell without any."""
    return np.empty(0, dtype)


@jit
def first_alone(h):
    """Return (h, inner, saved) of a cell that has and keeps nothing but its first state."""
    S, B, H = h.shape
    return h, np.empty((0, S, B, H), h.dtype), np.empty((S - 1, 0, B, H), h.dtype)


@jit
def no_hidden(carry):
    """Return what takes no gradients of states."""
    return np.empty((carry.shape[0], 0, carry.shape[1], carry.shape[2]), carry.dtype)


@jit
def forward_layer(x, W_xh, W_h, b_h, units, cell, states, layout):
    """Fill the states from the first one."""
    weights, team = pack_forward(x, W_xh, W_h, b_h, units, cell), no_team()
    together = shards_together(x.shape[1], 1, weights[1].nbytes)
    for task in range(count_tasks(x.shape[1], together)):
        forward_rows(task, together, x, weights, cell, states, layout, team)


@jit
def backward_layer(dh, x, W_xh, W_h, units, cell, states, layout, dx, carry, parts, hidden):
    """Take carry from after the last step to before the first; add to each shard's part of the weight gradients.

    dh, dx, carry, parts, hidden: see `backward_rows`.
    """
    weights, team = pack_backward(x, W_xh, W_h, units, cell), no_team()
    together = shards_together(x.shape[1], 1, weights[0].nbytes)
    for task in range(count_tasks(x.shape[1], together)):
        backward_rows(task, together, dh, x, weights, cell, states, layout, dx, carry, parts, hidden, team)


@jit
def forward_plain(x, W_xh, W_hh, b_h, cell, h, inner, saved):
    """Do `forward_layer` for a plain layer: of one direction, with rows of full length and no numbers of units."""
    forward_layer(x, W_xh, W_hh.reshape(-1), b_h, no_units(h.dtype), cell, (h, inner, saved), plain_layout())


@jit
def backward_plain(dh, carry, x, W_xh, W_hh, cell, h, inner, saved, dx, dW_xh, dW_hh, db_h):
    """Write all gradients of a plain layer; carry goes to before the first step."""
    parts, none = zero_sums(x, W_xh, cell), no_units(W_xh.dtype)
    back = (h, inner, saved), plain_layout(), dx, carry, parts, no_hidden(carry)
    backward_layer(last_states(dh), x, W_xh, W_hh.reshape(-1), none, cell, *back)
    sum_parts(parts, cell, dW_xh, dW_hh.reshape(-1), db_h, none)


PLAIN_LAYOUT = 0, 0, np.empty(0, np.int64)  # `plain_layout`, made once
NONE = {dtype: (np.empty((0, 0, 0, 0), dtype), np.empty(0, dtype)) for dtype in FLOATS}  # arrays of four axes, units


def with_nothing_else(h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (h, inner, saved) of a cell that has and keeps nothing but its first state."""
    return h, NONE[h.dtype][0], NONE[h.dtype][0]


def no_dh(carry: np.ndarray) -> np.ndarray:
    """Return dh (0, B, H): the loss enters by the carry alone."""
    return carry[:0]


def empty_states(cell: int, T: int, B: int, H: int, directions: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return (inner, saved) of one direction, to be filled; directions: of the layer."""
    states, saved = sizes_of(cell)
    if states == 1 and saved == 0:
        return NONE[dtype][0], NONE[dtype][0]
    return np.empty((states - 1, T + directions, B, H), dtype), np.empty((T, saved, B, H), dtype)


@cache
def sizes_of(cell: int) -> tuple[int, int]:
    """Return how many states a cell has and how many numbers of a step it saves."""
    d = words_of(cell)
    return int(d[STATES]), int(d[SAVED])


def forward(run: Callable, x: np.ndarray, first: tuple, weights: tuple, cell: int) -> tuple:
    """Return (h, inner, saved) from Python; run: `forward_plain`, or the same on all cores.

    first: the first states (B, H). weights: W_xh, W_hh, b_h of a cell without numbers of units.
    """
    (T, B), H, dtype = x.shape[:2], first[0].shape[1], first[0].dtype
    h, (inner, saved) = np.empty((T + 1, B, H), dtype), empty_states(cell, T, B, H, 1, dtype)
    h[0] = first[0]
    for s in range(1, len(first)):
        inner[s - 1, 0] = first[s]
    W_xh, W_hh, b_h = weights
    provide(cell, FORWARD, dtype)
    run(x, W_xh, W_hh, b_h, cell, h, inner, saved)
    return h, inner, saved


def backward(
    run: Callable, dh: np.ndarray, carry: np.ndarray, x: np.ndarray, weights: tuple, cell: int, states: tuple
) -> tuple:
    """Return (dx, dW_xh, dW_hh, db_h) from Python, and take carry to the first state.

    run: `backward_plain`, or the same on all cores; compiled once for all cells. weights: W_xh, W_hh.
    """
    (W_xh, W_hh), (H, G), dtype = weights, weights[1].shape, dh.dtype
    dx = np.empty(x.shape if x.ndim == 3 else (*x.shape, 0), dtype)
    gradients = dx, np.empty(W_xh.shape, dtype), np.empty((H, G), dtype), np.empty(H if G == H else 4 * H, dtype)
    provide(cell, BACKWARD, dtype)
    run(dh if dh.ndim == 3 else dh[None], carry, x, W_xh, W_hh, cell, *states, *gradients)
    return gradients
