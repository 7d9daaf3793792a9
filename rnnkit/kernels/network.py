"""A whole network in compiled code, forward and back: what training and its tests run.

A network is its weights in one array, `flat`, laid out as in `rnnkit.networks.parameters`, and its `Sizes`. Its input x
is a pair, (numbers (T, B, I), symbols (T, B)), of which one is empty; so with `answers.py` all of this is compiled once
a dtype, where each mix of types took 6 s more. Nothing is checked.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.cells.descriptor import SAVED, STATES
from rnnkit.kernels.engine.sums import sum_parts, zero_sums
from rnnkit.kernels.engine.weights import empty_dx
from rnnkit.kernels.engine.words import layer_sizes, words
from rnnkit.kernels.layer import backward_layer, forward_layer
from rnnkit.kernels.readout import _readout_backward, _readout_forward
from rnnkit.kernels.rows import copy_columns


class Sizes(NamedTuple):
    """cell: a handle. directions: 1 or 2. last: 1 where the output is of the last states alone, else of every step."""

    I: int  # noqa: E741
    H: int
    O: int  # noqa: E741
    cell: int
    layers: int
    directions: int
    last: int


def as_pair(x: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (..., T, B, n), or integers (..., T, B), as the pair of both; leading axes are of updates."""
    if np.issubdtype(x.dtype, np.integer):
        return np.empty((*x.shape[:-2], 0, 0, 0), dtype), x
    return x, np.empty((*x.shape[:-3], 0, 0), np.int64)


@jit
def steps_and_rows(x):
    """Return (T, B)."""
    numbers, symbols = x
    return symbols.shape if symbols.size > 0 else numbers.shape[:2]


@jit
def direction_inputs(k, sizes):
    """Return how many columns enter direction k: of the first layer x, of others the states below."""
    return sizes.I if k < sizes.directions else sizes.directions * sizes.H


@jit
def direction_start(k, sizes):
    """Return where the weights of direction k (of all layers, from below) begin in the flat array."""
    H, cell, directions = sizes.H, sizes.cell, sizes.directions
    first, later = (
        count_weights(cell, direction_inputs(0, sizes), H),
        count_weights(cell, direction_inputs(directions, sizes), H),
    )
    return min(k, directions) * first + max(k - directions, 0) * later


@jit
def count_weights(cell, inputs, H):
    """Return how many weights one direction has."""
    xh, hh, b, units = layer_sizes(cell, inputs, H)
    return xh + hh + b + units


@jit
def direction_weights(flat, k, sizes):
    """Return views (W_xh, W_h, b_h, units) of direction k, the last three in one row each."""
    H, cell, n, at = sizes.H, sizes.cell, direction_inputs(k, sizes), direction_start(k, sizes)
    xh, hh, b, units = layer_sizes(cell, n, H)
    W_h, b_h, u = at + xh, at + xh + hh, at + xh + hh + b
    return flat[at:W_h].reshape(n, xh // n), flat[W_h:b_h], flat[b_h:u], flat[u : u + units]


@jit
def recurrent_weights(flat, sizes):
    """Return a view (H, columns) of the recurrent weights of the lowest layer, W_hh where the first state has all."""
    W_h = direction_weights(flat, 0, sizes)[1]
    return W_h.reshape(sizes.H, W_h.size // sizes.H)


@jit
def readout_weights(flat, sizes):
    """Return views (W_hy, b_y)."""
    at, n = direction_start(sizes.layers * sizes.directions, sizes), sizes.directions * sizes.H
    return flat[at : at + n * sizes.O].reshape(n, sizes.O), flat[at + n * sizes.O :]


@jit
def empty_states(T, B, sizes, dtype):
    """Return (h, inner, saved) of all layers and directions, first states zero; see `layer.py`."""
    H, cell, layers, directions = sizes.H, sizes.cell, sizes.layers, sizes.directions
    n, d = layers * directions, words(cell)
    h = np.zeros((layers, T + directions, B, directions * H), dtype)
    return h, np.zeros((n, d[STATES] - 1, T + directions, B, H), dtype), np.empty((n, T, d[SAVED], B, H), dtype)


@jit
def states_of(k, states, sizes):
    """Return (states, layout) of direction k, as the kernels of a layer take them."""
    H, directions = sizes.H, sizes.directions
    (h, inner, saved), reverse = states, k % directions
    return (h[k // directions], inner[k], saved[k]), (reverse * H, reverse, np.empty(0, np.int64))


@jit
def features_of(states, T, sizes):
    """Return what enters the readout, (S, B, directions H): states of the last layer."""
    H, directions, h = sizes.H, sizes.directions, states[0][sizes.layers - 1]
    if not sizes.last:
        return h[1 : T + 1]
    features = np.empty((1, h.shape[1], directions * H), h.dtype)
    for reverse in range(directions):
        end = (1 if reverse else T) * h.shape[1] * directions * H
        copy_columns(features, reverse * H, h, end + reverse * H, h.shape[1], H)
    return features


@jit
def direction_forward(flat, sizes, k, x, states):
    """Fill the states of direction k, which x (T, B, n) or (T, B) enters."""
    W_xh, W_h, b_h, units = direction_weights(flat, k, sizes)
    own, layout = states_of(k, states, sizes)
    forward_layer(x, W_xh, W_h, b_h, units, sizes.cell, own, layout)


@jit
def network_forward(flat, sizes, x, states):
    """Fill the states and return (features, y (S, B, O))."""
    (numbers, symbols), T, layers, directions = x, steps_and_rows(x)[0], sizes.layers, sizes.directions
    for k in range(layers * directions):
        if k >= directions:
            direction_forward(flat, sizes, k, states[0][k // directions - 1][1 : T + 1], states)
        elif symbols.size > 0:
            direction_forward(flat, sizes, k, symbols, states)
        else:
            direction_forward(flat, sizes, k, numbers, states)
    features = features_of(states, T, sizes)
    W_hy, b_y = readout_weights(flat, sizes)
    return features, _readout_forward(features, W_hy, b_y)


@jit
def last_carry(dh, sizes, carry):
    """Hand dL/dh (1, B, directions H) of the last states to the carry of the last layer's directions."""
    H, layers, directions = sizes.H, sizes.layers, sizes.directions
    for reverse in range(directions):
        k = (layers - 1) * directions + reverse
        at = k * carry.shape[1] * carry.shape[2] * H
        copy_columns(carry, at, dh, reverse * H, carry.shape[2], H)


@jit
def direction_backward(flat, sizes, k, dh, x, states, dx, g, buffers):
    """Write the gradients of the weights of direction k into g, and those of what enters it into dx."""
    cell, (_, carry, hidden) = sizes.cell, buffers
    W_xh, W_h, _, units = direction_weights(flat, k, sizes)
    own, layout = states_of(k, states, sizes)
    parts = zero_sums(x, W_xh, cell)
    backward_layer(dh, x, W_xh, W_h, units, cell, own, layout, dx, carry[k], parts, hidden[k])
    dW_xh, dW_h, db_h, dunits = direction_weights(g, k, sizes)
    sum_parts(parts, cell, dW_xh, dW_h, db_h, dunits)


@jit
def network_backward(flat, sizes, x, states, features, dy, g, buffers):
    """Write the gradient of every weight into g, flat as the weights. buffers: dx of two layers, carry, hidden."""
    (numbers, symbols), layers, directions, last = x, sizes.layers, sizes.directions, sizes.last
    T, (dx, carry, _), (W_hy, _) = steps_and_rows(x)[0], buffers, readout_weights(flat, sizes)
    back, (dW_hy, db_y) = _readout_backward(dy, features, W_hy), readout_weights(g, sizes)
    copy_columns(dW_hy, 0, back.dW_hy, 0, dW_hy.shape[0], dW_hy.shape[1])
    copy_columns(db_y, 0, back.db_y, 0, 1, db_y.size)
    carry.fill(0)
    dh = back.dh
    if last:
        last_carry(dh, sizes, carry)
        dh = dh[:0]
    for layer in range(layers - 1, -1, -1):
        for k in range(layer * directions, (layer + 1) * directions):
            if layer > 0:
                below = states[0][layer - 1][1 : T + 1]
                direction_backward(flat, sizes, k, dh, below, states, dx[layer % 2], g, buffers)
            elif symbols.size > 0:
                direction_backward(flat, sizes, k, dh, symbols, states, empty_dx(symbols, g.dtype), g, buffers)
            else:
                direction_backward(flat, sizes, k, dh, numbers, states, empty_dx(numbers, g.dtype), g, buffers)
        dh = dx[layer % 2]


@jit
def empty_buffers(T, B, sizes, dtype, with_hidden):
    """Return what `network_backward` works in."""
    H, cell, layers, directions = sizes.H, sizes.cell, sizes.layers, sizes.directions
    n, n_states = layers * directions, words(cell)[STATES]
    dx = np.empty((2, T if layers > 1 else 0, B, directions * H), dtype)
    hidden = np.empty((n, n_states, T if with_hidden else 0, B, H), dtype)
    return dx, np.zeros((n, n_states, B, H), dtype), hidden
