"""One layer forward and back with the shards of its batch on all cores; `rnnkit.kernels.layer` does the same on one."""

from typing import Any

import numpy as np
from numba import config

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.outlined import as_tasks
from rnnkit.kernels import layer
from rnnkit.kernels.engine.backward import backward_shard
from rnnkit.kernels.engine.forward import forward_shard
from rnnkit.kernels.engine.weights import pack_backward, pack_forward
from rnnkit.kernels.partition import SHARD_ROWS, count_shards
from rnnkit.parallel.pool import run_tasks
from rnnkit.parallel.threads import THREADS

_forward_tasks, _backward_tasks = as_tasks(forward_shard), as_tasks(backward_shard)


@jit
def _forward_spread(pool, x, W_xh, W_h, b_h, units, cell, states, layout):
    _run_forward(pool, (x, pack_forward(x, W_xh, W_h, b_h, units, cell), cell, states, layout))


@jit
def _backward_spread(pool, dh, x, W_xh, W_h, units, cell, states, layout, dx, carry, parts, hidden):
    weights = pack_backward(x, W_xh, W_h, units, cell)
    _run_backward(pool, (dh, x, weights, cell, states, layout, dx, carry, parts, hidden))


@jit
def _run_forward(pool, arguments):  # a function of its own: its caller keeps the arrays alive until it returns
    task, frame = _forward_tasks(arguments)
    run_tasks(pool, task, frame, count_shards(arguments[0].shape[1]))


@jit
def _run_backward(pool, arguments):
    task, frame = _backward_tasks(arguments)
    run_tasks(pool, task, frame, count_shards(arguments[1].shape[1]))


def forward_layer(x: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.forward_layer` does, on all cores."""
    if _is_spread(x):
        _forward_spread(THREADS.words_of_pool(), x, *arguments)
    else:
        layer.forward_layer(x, *arguments)


def backward_layer(dh: np.ndarray, x: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.backward_layer` does, on all cores."""
    if _is_spread(x):
        _backward_spread(THREADS.words_of_pool(), dh, x, *arguments)
    else:
        layer.backward_layer(dh, x, *arguments)


def _is_spread(x: np.ndarray) -> bool:
    return x.shape[1] >= 2 * SHARD_ROWS and not config.DISABLE_JIT
