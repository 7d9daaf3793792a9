"""Replicates on threads: the order, the bytes, BLAS on one thread meanwhile, and real concurrency."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from numba import config
from threadpoolctl import threadpool_info, threadpool_limits

from rnnkit import parallel
from rnnkit.kernels import TANH, rnn_backward, rnn_forward
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams

PATIENCE = 10  # seconds until a thread that waits alone gives up; two that run at once meet within .01


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_results_come_back_in_the_order_of_replicates(threads):
    first_may_end = threading.Event()

    def last_first(replicate):
        if replicate == 1 or threads == 1 or config.NUMBA_NUM_THREADS == 1:
            first_may_end.set()
        assert first_may_end.wait(PATIENCE)
        return replicate

    assert map_replicates(last_first, 9, threads) == list(range(9))


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bytes(make_net, threads):
    def gradients(replicate):
        net, dh = make_net(T=12, B=9, I=3, H=33, dtype=np.float32, seed=streams(0, replicate).init)
        h = rnn_forward(*net, TANH)
        return [h.tobytes(), *(a.tobytes() for a in rnn_backward(dh, net.x, h, net.W_xh, net.W_hh, TANH))]

    alone = map_replicates(gradients, 8, 1)
    assert alone[0] != alone[1]
    assert map_replicates(gradients, 8, threads) == alone


def test_two_replicates_run_at_once():
    both = threading.Barrier(2)
    ranks = map_replicates(lambda _: both.wait(PATIENCE), 2, threads=2)
    assert sorted(ranks) == [0, 1]


def test_one_thread_runs_one_replicate_at_a_time():
    names = map_replicates(lambda _: threading.current_thread().name, 5, threads=1)
    assert len(set(names)) == 1


def test_threads_default_to_those_of_calls():
    before, both = parallel.get_num_threads(), threading.Barrier(2)
    try:
        parallel.set_num_threads(2)
        assert sorted(map_replicates(lambda _: both.wait(PATIENCE), 2)) == [0, 1]
        parallel.set_num_threads(1)
        assert len(set(map_replicates(lambda _: threading.current_thread().name, 5))) == 1
    finally:
        parallel.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_by_a_replicate_has_its_blas_threads():
    code = """
import os, warnings
from threadpoolctl import threadpool_info, threadpool_limits
from rnnkit.parallel import map_replicates
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of forks beside threads

def threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

def in_a_child(_):
    child = os.fork()
    if not child:
        os._exit(0 if threads() == {2} else 1)
    return os.waitpid(child, 0)[1], threads()

with threadpool_limits(limits=2, user_api="blas"):
    print(map_replicates(in_a_child, 1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[(0, {1})]\n", "")


def test_calls_that_overlap_leave_blas_its_threads():
    """The second begins inside the first and ends after it."""
    first_is_in, second_is_in, first_has_ended = threading.Event(), threading.Event(), threading.Event()

    def first(_):
        first_is_in.set()
        assert second_is_in.wait(PATIENCE)

    def second(_):
        second_is_in.set()
        assert first_has_ended.wait(PATIENCE)
        return blas_threads()

    with threadpool_limits(limits=2, user_api="blas"):
        before, inside = blas_threads(), []
        other = threading.Thread(target=lambda: inside.extend(map_replicates(second, 1)))
        one = threading.Thread(target=map_replicates, args=(first, 1))
        one.start()
        assert first_is_in.wait(PATIENCE)
        other.start()
        one.join()
        first_has_ended.set()
        other.join()
        assert inside == [[1] * len(before)]
        assert blas_threads() == before == [2] * len(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_blas_has_one_thread_inside_and_its_own_again_after(threads):
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        inside = map_replicates(lambda _: blas_threads(), 3, threads)
        assert before == [2] * len(before)
        assert inside == [[1] * len(before)] * 3
        assert blas_threads() == before


def fail_at_2(replicate):
    if replicate == 2:
        raise ArithmeticError(f"replicate {replicate} diverged")
    return replicate


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_comes_out_and_blas_is_restored(threads):
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with pytest.raises(ArithmeticError, match="replicate 2 diverged"):
            map_replicates(fail_at_2, 4, threads)
        assert blas_threads() == before


@pytest.mark.parametrize(("name", "n", "threads"), [("n", 0, 1), ("n", -1, None), ("threads", 1, 0)])
def test_fewer_than_one_is_refused_by_name(name, n, threads):
    with pytest.raises(ValueError, match=f"^{name} must be an integer >= 1, got"):
        map_replicates(lambda replicate: replicate, n, threads)
