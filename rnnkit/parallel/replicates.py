"""Replicates: a function of a number, called for many numbers, each call on a thread of its own."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from rnnkit._arguments import function as check_function
from rnnkit._arguments import integer, shown
from rnnkit.parallel.blas import OneThread
from rnnkit.parallel.threads import get_num_threads

Cancellation = threading.Event
Result = TypeVar("Result")
_one_blas_thread = OneThread(threading.Lock)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_blas_thread.forget)


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
