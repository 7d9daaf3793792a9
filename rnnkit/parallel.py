"""The only place that makes threads: shards of one batch, or replicates of one point, spread over the cores.

    from rnnkit.parallel import rnn_forward, rnn_backward       the serial kernels' arguments and bytes, on all cores

A batch is cut by its size alone (`rnnkit.kernels.cut`), and results are joined in order, so 1 thread, N threads and
the serial kernels give the same bytes. NUMBA_NUM_THREADS or `numba.set_num_threads` say how many threads run.

Shards run in numba's `prange`: handing one over costs 2 us while its threads are awake, 100 us through a
ThreadPoolExecutor, which is longer than a small net's whole sequence. Its pool has two traps, both kept away here: it
may be entered by one thread at a time (others run their shards themselves), and not in a forked child (which does too).

A batch under 16 rows is one shard and runs on one thread. Tried for it at H = 512: the columns of W_hh cut in two, each
half in its core's L2 cache, the cores meeting after every step. Beside a program that kept both cores busy, the best
forward pass took 0.84 ms for 0.89 (one row, 50 steps), and the median call 1.3 to 430 ms for 1.1 to 1.5.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
import scipy
from numba import config, prange
from threadpoolctl import ThreadpoolController

from rnnkit import checkpointed
from rnnkit._jit import jit_on_all_cores
from rnnkit.kernels import sequence
from rnnkit.kernels._checks import check_activation, check_arrays
from rnnkit.kernels.cut import count_shards
from rnnkit.kernels.rows import copy_columns
from rnnkit.kernels.sequence import SequenceGradients
from rnnkit.kernels.shards import backward_shard, forward_shard
from rnnkit.kernels.weights import pack_backward, pack_forward

Result = TypeVar("Result")
_pool = threading.Lock()  # held while the threads of prange work


def _after_fork() -> None:
    _pool.acquire(blocking=False)  # for ever: the threads did not come along


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@jit_on_all_cores
def _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h):
    copy_columns(h[0], h_0)
    weights = pack_forward(x, W_xh, W_hh, b_h)
    for s in prange(count_shards(h.shape[1])):
        forward_shard(s, x, weights, activation, h)


@jit_on_all_cores
def _rnn_backward_add(dh, x, h, W_xh, W_hh, activation, dx, carry, parts):
    P = pack_backward(x, W_xh, W_hh)
    for s in prange(count_shards(h.shape[1])):
        backward_shard(s, dh, x, h, P, activation, dx, carry, parts)


def _forward_into(x: np.ndarray, *arguments: Any) -> None:
    _on_all_cores(_rnn_forward_into, sequence._rnn_forward_into, x.shape[1], x, *arguments)


def _backward_add(dh: np.ndarray, x: np.ndarray, *arguments: Any) -> None:
    _on_all_cores(_rnn_backward_add, sequence._rnn_backward_add, x.shape[1], dh, x, *arguments)


def _on_all_cores(spread: Callable, serial: Callable, B: int, *arguments: Any) -> None:
    """Call the form with threads where there is more than one shard and the pool is free, else the serial one."""
    if count_shards(B) > 1 and _pool.acquire(blocking=False):
        try:
            return spread(*arguments)
        finally:
            _pool.release()
    return serial(*arguments)


def rnn_forward(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Do what `rnnkit.kernels.rnn_forward` does, on all cores: the same arguments, errors and bytes."""
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    h = np.empty((x.shape[0] + 1, *h_0.shape), h_0.dtype)
    _forward_into(x, h_0, W_xh, W_hh, b_h, activation, h)
    return h


def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Do what `rnnkit.kernels.rnn_backward` does, on all cores: the same arguments, errors and bytes."""
    check_arrays(x=x, h=h, W_xh=W_xh, W_hh=W_hh, dh=dh)
    check_activation(activation)
    return sequence.backward(_backward_add, dh, x, h, W_xh, W_hh, activation)


def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Do what the function of `rnnkit.checkpointed` does, on all cores: the same arguments, errors and bytes."""
    return checkpointed.forward_segments(_forward_into, x, h_0, W_xh, W_hh, b_h, activation)


def rnn_backward_checkpointed(
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Do what the function of `rnnkit.checkpointed` does, on all cores: the same arguments, errors and bytes."""
    kernels = _forward_into, _backward_add
    return checkpointed.backward_segments(*kernels, dh, x, checkpoints, W_xh, W_hh, b_h, activation)


def map_replicates(function: Callable[[int], Result], n: int, threads: int | None = None) -> list[Result]:
    """Return [function(0), ..., function(n - 1)], run on `threads` threads.

    function: takes the replicate's number; spends its time in kernels or NumPy, which release the GIL.
    threads: default NUMBA_NUM_THREADS, which is the number of cores unless the environment says otherwise.
    The first exception raised by a replicate is raised here. Raises ValueError for n or threads below 1.
    """
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    for name, value in (("n", n), ("threads", threads)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    with _blas_libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(n)))


@cache
def _blas_libraries() -> ThreadpoolController:
    """Return the control of the BLAS that kernels call; to look for it takes milliseconds, to set it microseconds."""
    scipy.linalg.blas  # noqa: B018  loads it
    return ThreadpoolController()
