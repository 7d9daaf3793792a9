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
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import numpy as np
import scipy
from numba import config, prange
from threadpoolctl import ThreadpoolController

from rnnkit import checkpointed
from rnnkit._jit import jit_on_all_cores
from rnnkit.kernels import gru, layer, lstm, sequence
from rnnkit.kernels._arguments import function as check_function
from rnnkit.kernels._arguments import integer, shown
from rnnkit.kernels.cut import count_shards
from rnnkit.kernels.sequence import SequenceGradients
from rnnkit.kernels.shards import backward_shard, forward_shard
from rnnkit.kernels.weights import pack_backward, pack_forward

Cancellation = threading.Event
Result = TypeVar("Result")
_pool = threading.Lock()  # held while the threads of prange work


def _after_fork() -> None:
    _pool.acquire(blocking=False)  # for ever: the threads did not come along


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@jit_on_all_cores
def _forward_spread(x, W_xh, W_hh, b_h, cell, states, place):
    weights = pack_forward(x, W_xh, W_hh, b_h, cell)
    for shard in prange(count_shards(x.shape[1])):
        forward_shard(shard, x, weights, cell, states, place)


@jit_on_all_cores
def _backward_spread(dh, x, W_xh, W_hh, cell, states, place, dx, carry, parts, hidden):
    weights = pack_backward(x, W_xh, W_hh, cell)
    for shard in prange(count_shards(x.shape[1])):
        backward_shard(shard, dh, x, weights, cell, states, place, dx, carry, parts, hidden)


def forward_layer(x: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.forward_layer` does, on all cores."""
    _on_all_cores(_forward_spread, layer.forward_layer, x.shape[1], x, *arguments)


def backward_layer(dh: np.ndarray, x: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.backward_layer` does, on all cores."""
    _on_all_cores(_backward_spread, layer.backward_layer, x.shape[1], dh, x, *arguments)


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
    return sequence.forward_by(forward_layer, x, h_0, W_xh, W_hh, b_h, activation)


def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Do what `rnnkit.kernels.rnn_backward` does, on all cores: the same arguments, errors and bytes."""
    return sequence.backward_by(backward_layer, dh, x, h, W_xh, W_hh, activation)


def lstm_forward(
    x: np.ndarray, h_0: np.ndarray, c_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> lstm.LSTMStates:
    """Do what `rnnkit.kernels.lstm_forward` does, on all cores: the same arguments, errors and bytes."""
    return lstm.forward_by(forward_layer, x, h_0, c_0, W_xh, W_hh, b_h)


def lstm_backward(
    dh: np.ndarray,
    dc_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> lstm.LSTMGradients:
    """Do what `rnnkit.kernels.lstm_backward` does, on all cores: the same arguments, errors and bytes."""
    return lstm.backward_by(backward_layer, dh, dc_T, x, h, c, gates, W_xh, W_hh)


def gru_forward(x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray) -> gru.GRUStates:
    """Do what `rnnkit.kernels.gru_forward` does, on all cores: the same arguments, errors and bytes."""
    return gru.forward_by(forward_layer, x, h_0, W_xh, W_hh, b_h)


def gru_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, gates: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> gru.GRUGradients:
    """Do what `rnnkit.kernels.gru_backward` does, on all cores: the same arguments, errors and bytes."""
    return gru.backward_by(backward_layer, dh, x, h, gates, W_xh, W_hh)


def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Do what the function of `rnnkit.checkpointed` does, on all cores: the same arguments, errors and bytes."""
    return checkpointed.forward_segments(forward_layer, x, h_0, W_xh, W_hh, b_h, activation)


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
    return checkpointed.backward_segments(
        forward_layer, backward_layer, dh, x, checkpoints, W_xh, W_hh, b_h, activation
    )


def map_replicates(
    function: Callable[[int], Result],
    n: int,
    threads: int | None = None,
    cancelled: Cancellation | None = None,
) -> list[Result]:
    """Return [function(0), ..., function(n - 1)], run on `threads` threads.

    function: takes the replicate's number; spends its time in kernels or NumPy, which release the GIL.
    threads: default NUMBA_NUM_THREADS, which is the number of cores unless the environment says otherwise.
    cancelled: set when a replicate has raised, or at Ctrl-C; a long function looks at it, and those that have not begun
    are dropped. The first exception raised by a replicate is raised here. Raises ValueError for n or threads below 1.
    """
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    check_function("function", function)
    n, threads = integer("n", n, 1), integer("threads", threads, 1)
    if cancelled is not None and not isinstance(cancelled, Cancellation):
        raise ValueError(f"cancelled must be a Cancellation, got {shown(cancelled)}")
    with _blas_libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        try:
            futures = [pool.submit(function, replicate) for replicate in range(n)]
            done = wait(futures, return_when=FIRST_EXCEPTION).done
            for future in [future for future in futures if future in done]:
                future.result()  # raises what a replicate has raised, though one before it is still at work
            return [future.result() for future in futures]
        except BaseException:
            if cancelled is not None:
                cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@cache
def _blas_libraries() -> ThreadpoolController:
    """Return the control of the BLAS that kernels call; to look for it takes milliseconds, to set it microseconds."""
    scipy.linalg.blas  # noqa: B018  loads it
    return ThreadpoolController()
