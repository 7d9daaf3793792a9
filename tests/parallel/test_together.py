"""Shards that go through the steps together: the bytes of each alone, and the numbers of the reference."""

from itertools import pairwise

import numpy as np
import pytest
from numba import config
from one_layer import calls, same

from rnnkit import kernels, parallel, reference
from rnnkit.kernels.engine.sums import LEAST_GATHERED
from rnnkit.kernels.partition import count_shards, count_tasks, shards_together, task_bounds

T, B = 30, 37  # 4 shards of 9 or 10 rows; three chunks of steps
SIZES = {"rnn": 400, "lstm": 200, "gru": 240}  # units: the weights have more than 1 MB in float64
ROUNDING = 1e-12  # another order of sums over 1110 rows, relative to the largest


@pytest.mark.parametrize("B", [1, 8, 20, 37, 64, 128, 1000])
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_tasks_take_every_row_once_and_whole_shards(B, threads):
    assert shards_together(B, threads, 1 << 19) == 1
    together = shards_together(B, threads, 1 << 21)
    tasks = [task_bounds(task, together, B) for task in range(count_tasks(B, together))]
    assert [first for first, *_ in tasks] == [0, *np.cumsum([n for _, n, *_ in tasks])[:-1]]
    assert sum(n for _, n, *_ in tasks) == B
    assert [end for *_, end in tasks][-1] == count_shards(B)
    assert all(later[2] == earlier[3] for earlier, later in pairwise(tasks))


@pytest.mark.skipif(config.DISABLE_JIT, reason="one thread does all")
@pytest.mark.parametrize("symbols", [False, True])
@pytest.mark.parametrize("kind", SIZES)
def test_the_bytes_of_shards_alone(kind, symbols):
    (run, W_hh), before = calls(kind, SIZES[kind], B, T, "float64", symbols), parallel.get_num_threads()
    assert [shards_together(B, threads, W_hh.nbytes) for threads in (1, 2, 4)] == [4, 2, 1]
    wanted = run(kernels)
    try:
        for threads in (2, 4):
            parallel.set_num_threads(threads)
            assert same(run(parallel), wanted)
    finally:
        parallel.set_num_threads(before)


@pytest.mark.parametrize("kind", SIZES)
def test_large_layers_against_the_reference(kind):
    assert SIZES[kind] >= LEAST_GATHERED
    run, _ = calls(kind, SIZES[kind], B, T, "float64")
    for a, b in zip(run(kernels), run(reference), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING * np.abs(b).max())
