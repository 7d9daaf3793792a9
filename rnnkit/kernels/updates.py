"""Updates of a whole network without the interpreter: forward, loss, BPTT, regularizer, clip, step.

A network is its weights in one array, `flat`, laid out as in `rnnkit.networks.parameters`, and its `sizes`:

    (I, H, O, cell, layers, directions, last)     cell: a handle; directions: 1 or 2; last: 1 where the output is of
                                                  the last states alone, else of every step

`rnnkit.training.loop` calls what stands here, with arrays it has made itself: nothing is checked.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.cells.descriptor import SAVED, STATES
from rnnkit.kernels.clipping import SKIP, _clip_by_norm, _clip_by_value
from rnnkit.kernels.engine.maps import map_recurrent
from rnnkit.kernels.engine.weights import empty_dx, sum_parts, zero_sums
from rnnkit.kernels.engine.words import layer_sizes, words
from rnnkit.kernels.layer import backward_layer, forward_layer
from rnnkit.kernels.losses import _as_rows, _mse_rows, _softmax_cross_entropy_rows
from rnnkit.kernels.optimizers import _adam, _momentum, _nesterov, _rmsprop, _sgd
from rnnkit.kernels.readout import _readout_backward, _readout_forward
from rnnkit.kernels.regularizer import _omega
from rnnkit.kernels.rows import copy_columns
from rnnkit.parametrizations.compiled import NUMBER, OF_PULLBACK, OF_WEIGHTS

LOSS, NORM, CLIPPED, N_NONFINITE, OMEGA = range(5)  # columns of a record
BY_NORM, BY_VALUE = 0, 1
STOP = -1  # beside the policies of `clipping`: a gradient that is not finite ends the training


@jit
def direction_inputs(k, sizes):
    """Return how many columns enter direction k: of the first layer x, of others the states below."""
    I, H, _, _, _, directions, _ = sizes  # noqa: E741
    return I if k < directions else directions * H


@jit
def direction_start(k, sizes):
    """Return where the weights of direction k (of all layers, from below) begin in the flat array."""
    _, H, _, cell, _, directions, _ = sizes
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
    H, cell, n, at = sizes[1], sizes[3], direction_inputs(k, sizes), direction_start(k, sizes)
    xh, hh, b, units = layer_sizes(cell, n, H)
    W_h, b_h, u = at + xh, at + xh + hh, at + xh + hh + b
    return flat[at:W_h].reshape(n, xh // n), flat[W_h:b_h], flat[b_h:u], flat[u : u + units]


@jit
def recurrent_weights(flat, sizes):
    """Return a view (H, columns) of the recurrent weights of the lowest layer, W_hh where the first state has all."""
    W_h = direction_weights(flat, 0, sizes)[1]
    return W_h.reshape(sizes[1], W_h.size // sizes[1])


@jit
def readout_weights(flat, sizes):
    """Return views (W_hy, b_y)."""
    _, H, O, _, layers, directions, _ = sizes  # noqa: E741
    at, n = direction_start(layers * directions, sizes), directions * H
    return flat[at : at + n * O].reshape(n, O), flat[at + n * O :]


@jit
def empty_states(T, B, sizes, dtype):
    """Return (h, inner, saved) of all layers and directions, first states zero; see `layer.py`."""
    _, H, _, cell, layers, directions, _ = sizes
    n, d = layers * directions, words(cell)
    h = np.zeros((layers, T + directions, B, directions * H), dtype)
    return h, np.zeros((n, d[STATES] - 1, T + directions, B, H), dtype), np.empty((n, T, d[SAVED], B, H), dtype)


@jit
def states_of(k, states, sizes):
    """Return (states, layout) of direction k, as the kernels of a layer take them."""
    H, directions = sizes[1], sizes[5]
    (h, inner, saved), reverse = states, k % directions
    return (h[k // directions], inner[k], saved[k]), (reverse * H, reverse, np.empty(0, np.int64))


@jit
def features_of(states, T, sizes):
    """Return what enters the readout, (S, B, directions H): states of the last layer."""
    _, H, _, _, layers, directions, last = sizes
    h = states[0][layers - 1]
    if not last:
        return h[1 : T + 1]
    features = np.empty((1, h.shape[1], directions * H), h.dtype)
    for reverse in range(directions):
        end = (1 if reverse else T) * h.shape[1] * directions * H
        copy_columns(features, reverse * H, h, end + reverse * H, h.shape[1], H)
    return features


@jit
def network_forward(flat, sizes, x, states):
    """Fill the states and return (features, y (S, B, O))."""
    T, layers, directions = x.shape[0], sizes[4], sizes[5]
    for k in range(layers * directions):
        W_xh, W_h, b_h, units = direction_weights(flat, k, sizes)
        own, layout = states_of(k, states, sizes)
        if k < directions:
            forward_layer(x, W_xh, W_h, b_h, units, sizes[3], own, layout)
        else:
            forward_layer(states[0][k // directions - 1][1 : T + 1], W_xh, W_h, b_h, units, sizes[3], own, layout)
    features = features_of(states, T, sizes)
    W_hy, b_y = readout_weights(flat, sizes)
    return features, _readout_forward(features, W_hy, b_y)


@jit
def loss_into(y, target, mask, dy):
    """Return the mean loss and fill dy: softmax where target holds classes (S, B), else mse."""
    if target.ndim == 2:  # known when compiled
        return _softmax_cross_entropy_rows(_as_rows(y), target.reshape(-1), mask.reshape(-1), _as_rows(dy))
    return _mse_rows(_as_rows(y), _as_rows(target), mask.reshape(-1), _as_rows(dy))


@jit
def output_is_wrong(y, target, s, b, tolerance):
    """Return whether one output is: its largest logit, or a squared error above tolerance; a nan is wrong."""
    bad = 0
    if target.ndim == 2 and not 0 <= target[s, b] < y.shape[2]:  # no class: nothing is read
        return True
    for o in range(y.shape[2]):
        if target.ndim == 2:
            bad += o != target[s, b] and not y[s, b, o] < y[s, b, target[s, b]]
        else:
            error = np.float64(y[s, b, o]) - np.float64(target[s, b, o])
            bad += not error * error <= tolerance
    return bad > 0


@jit
def count_wrong(y, target, mask, tolerance):
    """Return how many sequences have a counted output that is wrong."""
    (S, B, _), wrong = y.shape, 0
    for b in range(B):
        for s in range(S):
            if mask[s, b] and output_is_wrong(y, target, s, b, tolerance):
                wrong += 1
                break
    return wrong


@jit
def last_carry(dh, sizes, carry):
    """Hand dL/dh (1, B, directions H) of the last states to the carry of the last layer's directions."""
    _, H, _, _, layers, directions, _ = sizes
    for reverse in range(directions):
        k = (layers - 1) * directions + reverse
        at = k * carry.shape[1] * carry.shape[2] * H
        copy_columns(carry, at, dh, reverse * H, carry.shape[2], H)


@jit
def network_backward(flat, sizes, x, states, features, dy, g, buffers):
    """Write the gradient of every weight into g, flat as the weights. buffers: dx of two layers, carry, hidden."""
    _, _, _, cell, layers, directions, last = sizes
    T, (dx, carry, hidden), (W_hy, _) = x.shape[0], buffers, readout_weights(flat, sizes)
    back, (dW_hy, db_y) = _readout_backward(dy, features, W_hy), readout_weights(g, sizes)
    dW_hy[...] = back.dW_hy
    db_y[...] = back.db_y
    carry.fill(0)
    dh = back.dh
    if last:
        last_carry(dh, sizes, carry)
        dh = dh[:0]
    for layer in range(layers - 1, -1, -1):
        for k in range(layer * directions, (layer + 1) * directions):
            W_xh, W_h, _, units = direction_weights(flat, k, sizes)
            own, layout = states_of(k, states, sizes)
            if layer == 0:
                parts = zero_sums(x, W_xh, cell)
                backward_layer(
                    dh, x, W_xh, W_h, units, cell, own, layout, empty_dx(x, g.dtype), carry[k], parts, hidden[k]
                )
            else:
                below = states[0][layer - 1][1 : T + 1]
                parts = zero_sums(below, W_xh, cell)
                backward_layer(
                    dh, below, W_xh, W_h, units, cell, own, layout, dx[layer % 2], carry[k], parts, hidden[k]
                )
            dW_xh, dW_h, db_h, dunits = direction_weights(g, k, sizes)
            sum_parts(parts, cell, dW_xh, dW_h, db_h, dunits)
        dh = dx[layer % 2]


@jit
def empty_buffers(T, B, sizes, dtype, with_hidden):
    """Return what `network_backward` works in."""
    _, H, _, cell, layers, directions, _ = sizes
    n, n_states = layers * directions, words(cell)[STATES]
    dx = np.empty((2, T if layers > 1 else 0, B, directions * H), dtype)
    hidden = np.empty((n, n_states, T if with_hidden else 0, B, H), dtype)
    return dx, np.zeros((n, n_states, B, H), dtype), hidden


@jit
def step_weights(p, g, moments, step, rule, rate, hyperparameters):
    """Change p by the optimizer number `rule`, in the order of `rnnkit.training.optimizers.OPTIMIZERS`."""
    if rule == 0:
        _sgd(p, g, rate)
    elif rule == 1:
        _momentum(p, g, moments[0], rate, hyperparameters[0])
    elif rule == 2:
        _nesterov(p, g, moments[0], rate, hyperparameters[0])
    elif rule == 3:
        _rmsprop(p, g, moments[0], rate, hyperparameters[0], hyperparameters[1])
    else:
        _adam(p, g, moments[0], moments[1], step, rate, hyperparameters[0], hyperparameters[1], hyperparameters[2])


@jit
def map_forward(maps, flat, sizes, effective):
    """Set effective to the weights that run: the recurrent ones are maps of the free ones."""
    copy_columns(effective, 0, flat, 0, 1, flat.size)
    for k in range(sizes[4] * sizes[5]):
        V, W = direction_weights(flat, k, sizes)[1], direction_weights(effective, k, sizes)[1]
        map_recurrent(maps, OF_WEIGHTS, sizes[3], V, V, W, sizes[1])


@jit
def map_backward(maps, flat, sizes, g):
    """Take the gradients of recurrent weights in g to those of the free ones."""
    for k in range(sizes[4] * sizes[5]):
        V, dW = direction_weights(flat, k, sizes)[1], direction_weights(g, k, sizes)[1]
        map_recurrent(maps, OF_PULLBACK, sizes[3], V, dW.copy(), dW, sizes[1])


@jit
def train_block(flat, moments, sizes, frozen, data, step, optimizer, clip, penalty, maps, record):
    """Make one update for each batch of a block; return how many were made: fewer where the training diverged.

    flat, moments (2, n): changed. frozen: (n,) bool, True where a weight stays. data: x (U, T, B, I) or symbols
    (U, T, B); target (U, S, B, O), or classes (U, S, B); mask (U, S, B). step: updates made before.
    optimizer: (rule, learning rate, hyperparameters (3,)). clip: (mode, limit, policy). penalty: (weight, form) of
    `omega`.
    maps: of the recurrent weights, words of `rnnkit.parametrizations.compiled`. record: (U, 5), filled.
    """
    (xs, targets, masks), (rule, rate, hyperparameters), (mode, limit, policy), (weight, form) = (
        data,
        optimizer,
        clip,
        penalty,
    )
    (T, B), g = xs.shape[1:3], np.empty_like(flat)
    states, buffers = empty_states(T, B, sizes, flat.dtype), empty_buffers(T, B, sizes, flat.dtype, weight > 0)
    mapped = maps[NUMBER] > 0
    effective = np.empty_like(flat) if mapped else flat
    W_hh, dW_hh = recurrent_weights(effective, sizes), recurrent_weights(g, sizes)
    for u in range(xs.shape[0]):
        x, target, mask = xs[u], targets[u], masks[u]
        if mapped:
            map_forward(maps, flat, sizes, effective)
        features, y = network_forward(effective, sizes, x, states)
        dy = np.empty_like(y)
        record[u, LOSS] = loss_into(y, target, mask, dy)
        network_backward(effective, sizes, x, states, features, dy, g, buffers)
        if weight > 0:
            found = _omega(buffers[2][0][0], states[0][0], W_hh, sizes[3], form)
            record[u, OMEGA] = found.value
            for i in range(W_hh.shape[0]):
                for j in range(W_hh.shape[1]):
                    dW_hh[i, j] += weight * found.dW_hh[i, j]
        if mapped:
            map_backward(maps, flat, sizes, g)
        for i in range(g.size):
            if frozen[i]:
                g[i] = 0
        if mode == BY_NORM:
            outcome = _clip_by_norm((g,), limit, max(policy, SKIP), (dW_hh, W_hh))
        else:
            outcome = _clip_by_value((g,), limit, max(policy, SKIP), (dW_hh, W_hh))
        if outcome.shrunk:  # of W_hh too, where it is frozen
            for i in range(g.size):
                if frozen[i]:
                    g[i] = 0
        record[u, NORM], record[u, N_NONFINITE] = outcome.norm, outcome.n_nonfinite
        record[u, CLIPPED] = outcome.clipped
        if policy == STOP and (outcome.n_nonfinite > 0 or not np.isfinite(record[u, LOSS])):
            return u
        if not outcome.skipped:
            step_weights(flat, g, moments, step + u + 1, rule, rate, hyperparameters)
    return xs.shape[0]


@jit
def evaluate(flat, sizes, x, target, mask, tolerance):
    """Return (wrong sequences, mean loss) of a batch."""
    states = empty_states(x.shape[0], x.shape[1], sizes, flat.dtype)
    y = network_forward(flat, sizes, x, states)[1]
    loss = loss_into(y, target, mask, np.empty_like(y))
    return count_wrong(y, target, mask, tolerance), loss
