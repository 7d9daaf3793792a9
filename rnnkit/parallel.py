"""The only place that makes threads: replicates of one point, spread over the cores.

Each replicate runs whole on one thread with single-threaded BLAS, and results come back in the order asked for, so
1 thread and N give the same bytes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import scipy
from numba import config
from threadpoolctl import threadpool_limits

Result = TypeVar("Result")


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
    scipy.linalg.blas  # noqa: B018  loads the BLAS that kernels call: threadpoolctl limits only what is loaded
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(n)))
