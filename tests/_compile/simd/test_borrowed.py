"""Borrowed arrays: the same numbers, no counted references, and memory that is there until `keep`."""

import gc

import numpy as np
import pytest
from numba import config
from numba.core.runtime import _nrt_python, rtsys

from rnnkit._compile.jit import jit, jit_inlined
from rnnkit._compile.simd.borrowed import borrowed, keep

N, ROUNDS = 1000, 50


@jit_inlined
def put(out, k):
    """Write to a row, in the code of the caller."""
    out[k] = k


@jit
def fill_borrowed(n):
    """Return the sum of rows that were written through a borrowed array, while others are made and freed."""
    owners = np.empty((n, 3)), np.zeros(n, np.int64)
    (rows, counts), number = borrowed((owners, n))
    for k in range(number):
        put(rows, k)
        put(counts, np.empty(8 * (k + 1)).size // 8 - 1)
    total = rows.sum() + counts.sum()
    keep(owners)
    return total


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="Python counts references itself")
def test_borrowed_arrays_are_valid_until_keep_and_are_freed_after_it():
    gc.collect()
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    totals = {fill_borrowed(N) for _ in range(ROUNDS)}
    after = rtsys.get_allocation_stats()
    _nrt_python.memsys_disable_stats()
    assert totals == {4 * sum(range(N))}
    assert after.alloc > before.alloc
    assert after.alloc - before.alloc == after.free - before.free


def test_in_the_interpreter_nothing_changes():
    values = np.ones(3), (np.zeros(2), 4)
    assert borrowed(values) is values
    assert keep(values) is None
