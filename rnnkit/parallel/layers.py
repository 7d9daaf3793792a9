"""One layer forward and back with the rows of its batch on all cores; `rnnkit.kernels.layer` does the same on one."""

from typing import Any

import numpy as np
from numba import config

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.atomics import load, store
from rnnkit._compile.simd.outlined import as_tasks
from rnnkit.kernels import layer
from rnnkit.kernels.engine.backward import backward_rows
from rnnkit.kernels.engine.forward import forward_rows
from rnnkit.kernels.engine.sums import sum_parts, zero_sums
from rnnkit.kernels.engine.team import STALLED, new_team, no_team
from rnnkit.kernels.engine.weights import pack_backward, pack_forward
from rnnkit.kernels.partition import SHARD_ROWS, count_shards, count_tasks, shards_together
from rnnkit.parallel.pool import ALONE, BACKOFF, SPINS, WORKERS, run_tasks
from rnnkit.parallel.threads import SPIN_SECONDS, THREADS

# Multiplications without a helper after the system has put one off, some 5 ms to .3 s: twice as many each time it does
# so again, half as many after a call in which it did not.
LEAST_ALONE, MOST_ALONE = 1 << 26, 1 << 32
# Seconds of long waits for each multiplication that a helper is worth, a fifth to half of what it spares: forward,
# 512 units, one row and 50 steps, an RNN takes .45 ms with a helper and .72 alone, an LSTM 5.0 and 7.4.
WORTH = 1e-11
LEAST_SHARED = 1 << 15  # recurrent weights of a layer from which on its products are shared: 182 units, of an LSTM 91

_forward_tasks, _backward_tasks = as_tasks(forward_rows), as_tasks(backward_rows)


@jit
def team_for(pool, x, W_h):
    """Return the words of a team where a batch is one shard and a thread can help, but not soon after a stall."""
    if count_shards(x.shape[1]) > 1 or pool[WORKERS] == 0:
        return no_team()
    alone = load(pool, ALONE)
    if alone > 0:
        store(pool, ALONE, alone - x.shape[0] * W_h.size)
        return no_team()
    return new_team()


@jit
def run_all(pool, task, frame, n, team, work):
    """Run the tasks, or one and its helper; after a stall calls have none for a while. work: multiplications."""
    if team.size == 0:
        run_tasks(pool, task, frame, n)
        return
    run_tasks(pool, task, frame, 2)
    back_off(pool, team, work)


@jit
def back_off(pool, team, work):
    """Let calls have no helper for a while if the owner of this one, of so many multiplications, waited too long."""
    if team[STALLED] * SPIN_SECONDS > WORTH * work * pool[SPINS]:
        store(pool, BACKOFF, min(max(LEAST_ALONE, 2 * load(pool, BACKOFF)), MOST_ALONE))
        store(pool, ALONE, load(pool, BACKOFF))
    else:
        store(pool, BACKOFF, load(pool, BACKOFF) // 2)


@jit
def _forward_spread(pool, x, W_xh, W_h, b_h, units, cell, states, layout):
    weights, team = pack_forward(x, W_xh, W_h, b_h, units, cell), team_for(pool, x, W_h)
    together = shards_together(x.shape[1], pool[WORKERS] + 1, weights[1].nbytes)
    _run_forward(pool, x.shape[0] * W_h.size, (together, x, weights, cell, states, layout, team))


@jit
def _backward_spread(pool, dh, x, W_xh, W_h, units, cell, states, layout, dx, carry, parts, hidden):
    weights, team = pack_backward(x, W_xh, W_h, units, cell), team_for(pool, x, W_h)
    together = shards_together(x.shape[1], pool[WORKERS] + 1, weights[0].nbytes)
    arguments = together, dh, x, weights, cell, states, layout, dx, carry, parts, hidden, team
    _run_backward(pool, x.shape[0] * W_h.size, arguments)


@jit
def _run_forward(pool, work, arguments):  # a function of its own: its caller keeps the arrays alive until it returns
    task, frame = _forward_tasks(arguments)
    run_all(pool, task, frame, count_tasks(arguments[1].shape[1], arguments[0]), arguments[6], work)


@jit
def _run_backward(pool, work, arguments):
    task, frame = _backward_tasks(arguments)
    run_all(pool, task, frame, count_tasks(arguments[2].shape[1], arguments[0]), arguments[11], work)


@jit
def _forward_plain_spread(pool, x, W_xh, W_hh, b_h, cell, h, inner, saved):
    units = layer.no_units(h.dtype)
    _forward_spread(pool, x, W_xh, W_hh.reshape(-1), b_h, units, cell, (h, inner, saved), layer.plain_layout())


@jit
def _backward_plain_spread(pool, dh, carry, x, W_xh, W_hh, cell, h, inner, saved, dx, dW_xh, dW_hh, db_h):
    parts, units = zero_sums(x, W_xh, cell), layer.no_units(h.dtype)
    back = (h, inner, saved), layer.plain_layout(), dx, carry, parts, layer.no_hidden(carry)
    _backward_spread(pool, dh, x, W_xh, W_hh.reshape(-1), units, cell, *back)
    sum_parts(parts, cell, dW_xh, dW_hh.reshape(-1), db_h, units)


def forward_plain(x: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.forward_plain` does, on all cores."""
    if _is_spread(x, W_hh):
        _forward_plain_spread(THREADS.words_of_pool(), x, W_xh, W_hh, *arguments)
    else:
        layer.forward_plain(x, W_xh, W_hh, *arguments)


def backward_plain(
    dh: np.ndarray, carry: np.ndarray, x: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, *arguments: Any
) -> None:
    """Do what `rnnkit.kernels.layer.backward_plain` does, on all cores."""
    if _is_spread(x, W_hh):
        _backward_plain_spread(THREADS.words_of_pool(), dh, carry, x, W_xh, W_hh, *arguments)
    else:
        layer.backward_plain(dh, carry, x, W_xh, W_hh, *arguments)


def forward_layer(x: np.ndarray, W_xh: np.ndarray, W_h: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.forward_layer` does, on all cores."""
    if _is_spread(x, W_h):
        _forward_spread(THREADS.words_of_pool(), x, W_xh, W_h, *arguments)
    else:
        layer.forward_layer(x, W_xh, W_h, *arguments)


def backward_layer(dh: np.ndarray, x: np.ndarray, W_xh: np.ndarray, W_h: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.backward_layer` does, on all cores."""
    if _is_spread(x, W_h):
        _backward_spread(THREADS.words_of_pool(), dh, x, W_xh, W_h, *arguments)
    else:
        layer.backward_layer(dh, x, W_xh, W_h, *arguments)


def _is_spread(x: np.ndarray, W_h: np.ndarray) -> bool:
    """Return whether threads gain: on a batch of several shards, or on a large matrix."""
    return (x.shape[1] >= 2 * SHARD_ROWS or W_h.size >= LEAST_SHARED) and not config.DISABLE_JIT
