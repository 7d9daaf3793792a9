"""What no contender can beat here: the rate of large products, and the rate at which caches are read.

Forward + BPTT of a net makes three products of the size of its weights in each step: forward, back to the states, and
the sum over steps for dW. With many rows all three go at the rate of a large product at best. With a batch of 1 the
first two read all of W_xh and W_hh once a step, at the rate of the caches they fit in, shared among the cores; dW is a
product over steps.
"""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
from instances import GATES, Sizes

from rnnkit._compile.jit import jit
from rnnkit.parallel import map_replicates

GEMM = 2048
READS, READ_SECONDS, REST = 9, 0.02, 0.1  # measurements of a rate; seconds that each reads; until others' threads sleep


def flops_of_one_product(sizes: Sizes) -> float:
    """Return the flops of one of the three products over all steps, with W_hh and with W_xh."""
    return 2.0 * sizes.T * sizes.B * (sizes.H + sizes.I) * GATES[sizes.kind] * sizes.H


def flops_of(sizes: Sizes) -> float:
    """Return the flops of all products; dL/dx is asked of nobody."""
    to_x = 2.0 * sizes.T * sizes.B * sizes.I * GATES[sizes.kind] * sizes.H
    return 3 * flops_of_one_product(sizes) - to_x


def gemm_rate(dtype: str) -> float:
    """Return flops a second of a product of GEMM^3 on all cores, the median of five."""
    a = np.ones((GEMM, GEMM), dtype)
    out = np.empty_like(a)
    seconds = [_seconds(lambda: np.dot(a, a, out)) for _ in range(5)]
    return 2.0 * GEMM**3 / float(np.median(seconds))


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@jit
def _read(words, times):
    total = 0
    for _ in range(times):
        for i in range(words.size):  # whole numbers: LLVM may add them in any order, so in vectors
            total += words[i]
        words[0] = total & 1
    return total


@cache
def read_rate(bytes_: int, cores: int) -> float:
    """Return bytes a second that all cores read together of an array that is shared among them; the best of some."""
    time.sleep(REST)
    part = max(1, bytes_ // cores // 8)
    parts = [np.ones(part, np.int64) for _ in range(cores)]
    _read(parts[0], 1)
    one = min(_seconds(lambda: _read(parts[0], 10)) for _ in range(3)) / 10
    times = max(1, int(READ_SECONDS / one))
    best = min(_seconds(lambda: map_replicates(lambda i: _read(parts[i], times), cores)) for _ in range(READS))
    return times * 8 * part * cores / best


def limit_seconds(sizes: Sizes, gemm: float, cores: int) -> float:
    """Return the least seconds that forward + BPTT can take, by the products at the rate `gemm` or by reading W."""
    if sizes.B > 1:
        return flops_of(sizes) / gemm
    weights = (sizes.H + sizes.I) * GATES[sizes.kind] * sizes.H * np.dtype(sizes.dtype).itemsize
    return 2 * sizes.T * weights / read_rate(weights, cores) + flops_of_one_product(sizes) / gemm
