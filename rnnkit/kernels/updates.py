"""Updates of a whole network without the interpreter: forward, loss, BPTT, regularizer, clip, step.

`rnnkit.training.loop` calls what stands here, with arrays it has made itself: nothing is checked. For `flat`, `sizes`
and pairs see `network.py`.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.kernels.answers import count_wrong, loss_into
from rnnkit.kernels.clipping import SKIP, _clip_by_norm, _clip_by_value
from rnnkit.kernels.engine.maps import map_recurrent
from rnnkit.kernels.network import (
    direction_weights,
    empty_buffers,
    empty_states,
    network_backward,
    network_forward,
    recurrent_weights,
    steps_and_rows,
)
from rnnkit.kernels.optimizers import _adam, _momentum, _nesterov, _rmsprop, _sgd
from rnnkit.kernels.regularizer import _omega
from rnnkit.kernels.rows import copy_columns
from rnnkit.parametrizations.compiled import NUMBER, OF_PULLBACK, OF_WEIGHTS

LOSS, NORM, CLIPPED, N_NONFINITE, OMEGA = range(5)  # columns of a record
BY_NORM, BY_VALUE = 0, 1
STOP = -1  # beside the policies of `clipping`: a gradient that is not finite ends the training


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
    for k in range(sizes.layers * sizes.directions):
        V, W = direction_weights(flat, k, sizes)[1], direction_weights(effective, k, sizes)[1]
        map_recurrent(maps, OF_WEIGHTS, sizes.cell, V, V, W, sizes.H)


@jit
def map_backward(maps, flat, sizes, g):
    """Take the gradients of recurrent weights in g to those of the free ones."""
    for k in range(sizes.layers * sizes.directions):
        V, dW = direction_weights(flat, k, sizes)[1], direction_weights(g, k, sizes)[1]
        map_recurrent(maps, OF_PULLBACK, sizes.cell, V, dW.copy(), dW, sizes.H)


@jit
def train_block(flat, moments, sizes, frozen, data, step, optimizer, clip, penalty, maps, loss, record):
    """Make one update for each batch of a block; return how many were made: fewer where the training diverged.

    flat, moments (2, n): changed. frozen: (n,) bool, True where a weight stays. data: x, target (pairs) and mask
    (U, S, B), all with an axis of U updates first. step: updates made before.
    optimizer: (rule, learning rate, hyperparameters (3,)). clip: (mode, limit, policy). penalty: (weight, form) of
    `omega`.
    maps: of the recurrent weights, words of `rnnkit.parametrizations.compiled`. loss: a number of `answers`.
    record: (U, 5), filled.
    """
    ((xs, symbols), (targets, classes), masks), (rule, rate, hyperparameters) = data, optimizer
    (mode, limit, policy), (weight, form), g = clip, penalty, np.empty_like(flat)
    T, B = steps_and_rows((xs[0], symbols[0]))
    states, buffers = empty_states(T, B, sizes, flat.dtype), empty_buffers(T, B, sizes, flat.dtype, weight > 0)
    mapped = maps[NUMBER] > 0
    effective = np.empty_like(flat) if mapped else flat
    W_hh, dW_hh = recurrent_weights(effective, sizes), recurrent_weights(g, sizes)
    recurrent = dW_hh.reshape(-1), W_hh.reshape(-1)
    for u in range(masks.shape[0]):
        x, target, mask = (xs[u], symbols[u]), (targets[u], classes[u]), masks[u]
        if mapped:
            map_forward(maps, flat, sizes, effective)
        features, y = network_forward(effective, sizes, x, states)
        dy = np.empty_like(y)
        record[u, LOSS] = loss_into(y, target, mask, loss, dy)
        network_backward(effective, sizes, x, states, features, dy, g, buffers)
        if weight > 0:
            found = _omega(buffers[2][0][0], states[0][0], W_hh, sizes.cell, form)
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
            outcome = _clip_by_norm((g,), limit, max(policy, SKIP), recurrent)
        else:
            outcome = _clip_by_value((g,), limit, max(policy, SKIP), recurrent)
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
    return masks.shape[0]


@jit
def evaluate(flat, sizes, x, target, mask, loss, tolerance):
    """Return (wrong sequences, mean loss) of a batch."""
    T, B = steps_and_rows(x)
    states = empty_states(T, B, sizes, flat.dtype)
    y = network_forward(flat, sizes, x, states)[1]
    value = loss_into(y, target, mask, loss, np.empty_like(y))
    return count_wrong(y, target, mask, loss, tolerance), value
