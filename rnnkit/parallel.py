"""The only place that makes threads: shards of one batch, or replicates of one point, spread over the cores.

    from rnnkit.parallel import rnn_forward, rnn_backward       the serial kernels' arguments and bytes, on all cores

A batch is cut by its size alone (`rnnkit.kernels.cut`), and results are joined in order, so 1 thread, N threads and
the serial kernels give the same bytes. NUMBA_NUM_THREADS or `set_num_threads` say how many threads run, of replicates
too where a call does not say it.

Shards run on a pool of our own (`rnnkit._pool`), begun by the first call and anew in a forked child. One call at a time
has it, others run their shards themselves. Mean microseconds of forward + BPTT, H 64, B 20, T 100, in turns with the
serial kernels (860 to 1,010 quiet, 1,360 to 2,460 beside two processes that keep both cores busy), one run of each,
when threads still took shards beside each other (`experiments/benchmark.py --only busy` measures this pool anew):

    layer                            quiet   busy   busy / quiet   busy / serial busy
    this pool                          713   1427       2.0              0.8
    numba's OpenMP                     636   4405       6.9              2.4
    the same, OMP_WAIT_POLICY=PASSIVE  722   1653       2.3              0.9
    numba's TBB (PyPI's 2021.13)       866   2176       2.5              0.9
    numba's workqueue                  910   1884       2.1              1.4

OpenMP deals out shards in advance and spins for milliseconds, is not on every machine, and cannot be used after a fork;
workqueue ends the process when two threads call at once. Quiet, this pool takes .92 to 1.06 times as long as OpenMP (H
16 to 512, batches of 1, 20 and 128, 50 steps; medians of 24 turns). It took 1.2 times at 16 and 32 units while threads
counted references to the same arrays and took shards beside each other, and 1.1 times there with 10 us of spinning.
Handing over through a ThreadPoolExecutor costs 100 us, longer than a small net's whole sequence.

A batch under 16 rows is one shard and runs on one thread. Tried for it at H = 512: the columns of W_hh cut in two, each
half in its core's L2 cache, the cores meeting after every step. Beside a program that kept both cores busy, the best
forward pass took 0.84 ms for 0.89 (one row, 50 steps), and the median call 1.3 to 430 ms for 1.1 to 1.5.
"""

import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np
from numba import config

from rnnkit import _pool, checkpointed
from rnnkit._arguments import function as check_function
from rnnkit._arguments import integer, shown
from rnnkit._blas import OneThread
from rnnkit._jit import jit
from rnnkit._pool import run_tasks
from rnnkit._simd.apart import as_tasks
from rnnkit.kernels import gru, layer, lstm, sequence
from rnnkit.kernels.cut import MAX_SHARDS, count_shards
from rnnkit.kernels.engine.backward import backward_shard
from rnnkit.kernels.engine.forward import forward_shard
from rnnkit.kernels.engine.weights import pack_backward, pack_forward
from rnnkit.kernels.sequence import SequenceGradients

Cancellation = threading.Event
Result = TypeVar("Result")
SPIN_SECONDS = 5e-5  # of waiting before a thread sleeps; how that was chosen is written above
_forward_tasks, _backward_tasks = as_tasks(forward_shard), as_tasks(backward_shard)


class _Threads:
    """The threads of this process, and the words that they share with callers."""

    def __init__(self) -> None:
        """Begin none yet."""
        self.n = config.NUMBA_NUM_THREADS
        self.forget()

    def forget(self) -> None:
        """Begin anew: in a forked child there are none."""
        self.changing, self.words, self.started = threading.Lock(), None, []

    def pool(self) -> np.ndarray:
        """Return the words of a pool whose threads run."""
        if self.words is None:
            with self.changing:
                self.words = self._start() if self.words is None else self.words
        return self.words

    def _start(self) -> np.ndarray:
        words = _pool.new(min(self.n, MAX_SHARDS) - 1, SPIN_SECONDS)
        for w in range(words[_pool.WORKERS]):
            thread = threading.Thread(target=_pool.work, args=(words, w), name=f"rnnkit-{w}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # as many as this process may have, or it is ending
                words[_pool.WORKERS] = w
                break
            self.started.append(thread)
        return words

    def stop(self) -> None:
        """Let the threads end, and wait until they have."""
        with self.changing:
            words, self.words = self.words, None
            if words is not None:
                _pool.stop(words)
            while self.started:
                self.started.pop().join()


_threads, _one_blas_thread = _Threads(), OneThread(threading.Lock)
atexit.register(_threads.stop)  # before the code that they run is gone
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget)
    os.register_at_fork(after_in_child=_one_blas_thread.forget)


def get_num_threads() -> int:
    """Return how many threads share a call: NUMBA_NUM_THREADS unless `set_num_threads` has said otherwise."""
    return _threads.n


def set_num_threads(n: int) -> None:
    """Let n threads share a call from now on; bytes do not depend on it. Raises ValueError for n below 1."""
    n = integer("n", n, 1)
    _threads.stop()
    _threads.n = n


def threading_layer() -> str:
    """Return what shares the shards of a call: the pool of rnnkit, or nothing where one thread is all there is."""
    return "none" if _threads.n == 1 or config.DISABLE_JIT else "rnnkit's pool"


@jit
def _forward_spread(pool, x, W_xh, W_h, b_h, units, cell, states, place):
    _run_forward(pool, (x, pack_forward(x, W_xh, W_h, b_h, units, cell), cell, states, place))


@jit
def _backward_spread(pool, dh, x, W_xh, W_h, units, cell, states, place, dx, carry, parts, hidden):
    weights = pack_backward(x, W_xh, W_h, units, cell)
    _run_backward(pool, (dh, x, weights, cell, states, place, dx, carry, parts, hidden))


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
        _forward_spread(_threads.pool(), x, *arguments)
    else:
        layer.forward_layer(x, *arguments)


def backward_layer(dh: np.ndarray, x: np.ndarray, *arguments: Any) -> None:
    """Do what `rnnkit.kernels.layer.backward_layer` does, on all cores."""
    if _is_spread(x):
        _backward_spread(_threads.pool(), dh, x, *arguments)
    else:
        layer.backward_layer(dh, x, *arguments)


def _is_spread(x: np.ndarray) -> bool:
    return count_shards(x.shape[1]) > 1 and not config.DISABLE_JIT


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
    threads: default `get_num_threads()`.
    cancelled: set when a replicate has raised, or at Ctrl-C; a long function looks at it, and those that have not begun
    are dropped. The first exception raised by a replicate is raised here. Raises ValueError for n or threads below 1.
    """
    threads = get_num_threads() if threads is None else threads
    check_function("function", function)
    n, threads = integer("n", n, 1), integer("threads", threads, 1)
    if cancelled is not None and not isinstance(cancelled, Cancellation):
        raise ValueError(f"cancelled must be a Cancellation, got {shown(cancelled)}")
    with _one_blas_thread, ThreadPoolExecutor(threads) as pool:
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
