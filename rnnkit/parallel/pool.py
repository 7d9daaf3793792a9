"""A pool of threads that share the tasks 0..n-1 of one call: they spin for a bounded time, then sleep.

    pool    int64 words; the first ones are named below, each on a cache line of its own
    task    the address of a function of (frame, i), frame the address of its arguments

The caller works too, and everybody takes the next task that nobody has taken. So a thread that the system has put off
delays a call by the task it was at, not by its share of all; and a call finds the pool busy, runs alone, and waits for
nobody. `rnnkit.parallel` owns the threads; why not those of numba's `prange` is written there.

A word that holds n and the number of the next task says which call it is of too, so a thread that comes late cannot
take a task of the wrong call. Before it sleeps a thread says so and looks once more: either it sees the task, or the
caller sees that it is asleep. Locks are CPython's, which sleep in the system and need no interpreter; they are taken
from the beginning, and to release one is to wake who waits for it.
"""

import ctypes
import time

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.atomics import add, call_address, exchange, load, pause, replace, store

LINE = 8  # words of a cache line
CLAIMS, DONE, WAITING, BUSY, STOP, ALONE, FIXED, ASLEEP = (LINE * i for i in range(8))
BACKOFF = ALONE + 1  # both count multiplications, and are the owner's of a team: see `rnnkit.parallel.layers`
TASK, FRAME, WORKERS, SPINS, ACQUIRE, RELEASE, LOCK = range(FIXED, FIXED + 7)  # not written while a call runs
CALL, N = 32, 16  # claims: number of the call, n, and the next task, from these bits on
LOW = 0xFFFF
CALLS = 0x7FFFFFFF


API = ctypes.pythonapi
API.PyThread_allocate_lock.restype = ctypes.c_void_p
API.PyThread_acquire_lock.argtypes = [ctypes.c_void_p, ctypes.c_int]
PAUSES = 1000  # of one measurement: some 10 to 50 us


def new(workers: int, spin_seconds: float) -> np.ndarray:
    """Return the words of a pool: worker w says that it sleeps at ASLEEP + w LINE, its lock is the word after."""
    pool = np.zeros(ASLEEP + LINE * max(1, workers), np.int64)
    pool[WORKERS], pool[SPINS] = workers, spin_seconds / _pause_seconds()
    for place, function in ((ACQUIRE, API.PyThread_acquire_lock), (RELEASE, API.PyThread_release_lock)):
        pool[place] = ctypes.cast(function, ctypes.c_void_p).value
    for place in (LOCK, *(ASLEEP + w * LINE + 1 for w in range(workers))):
        pool[place] = API.PyThread_allocate_lock()  # never freed: a thread may still be on its way out of it
        API.PyThread_acquire_lock(int(pool[place]), 1)
    return pool


def _pause_seconds() -> float:
    """Return how long a pause is, at the best of some measurements: others may want the core, too."""
    spin(1)
    seconds = []
    for _ in range(5):
        before = time.perf_counter()
        spin(PAUSES)
        seconds.append(time.perf_counter() - before)
    return max(min(seconds) / PAUSES, 1e-9)


@jit
def run_tasks(pool, task, frame, n):
    """Run tasks 0..n-1; return when all have ended."""
    if n == 1 or pool[WORKERS] == 0 or exchange(pool, BUSY, 1) == 1:
        for i in range(n):
            call_address(task, (frame, i))
        return
    pool[TASK], pool[FRAME] = task, frame
    store(pool, DONE, 0)
    store(pool, CLAIMS, ((((load(pool, CLAIMS) >> CALL) + 1) & CALLS) << CALL) | (n << N))
    for w in range(min(pool[WORKERS], n - 1)):
        _wake(pool, w)
    _take_tasks(pool)
    _await_end(pool, n)
    store(pool, BUSY, 0)


@jit
def work(pool, w):
    """Be worker w until the pool stops."""
    asleep = ASLEEP + w * LINE
    while load(pool, STOP) == 0:
        _take_tasks(pool)
        if not _spin_for_tasks(pool):
            store(pool, asleep, 1)
            if not ((_has_tasks(pool) or load(pool, STOP) == 1) and exchange(pool, asleep, 0) == 1):
                call_address(pool[ACQUIRE], (pool[asleep + 1], 1))


@jit
def stop(pool):
    """Let all workers end."""
    store(pool, STOP, 1)
    for w in range(pool[WORKERS]):
        _wake(pool, w)


@jit
def spin(n):
    """Pause n times: what a spin costs is measured with it."""
    for _ in range(n):
        pause()


@jit
def _has_tasks(pool):
    claims = load(pool, CLAIMS)
    return claims & LOW < (claims >> N) & LOW


@jit
def _far_apart(i, n, threads):
    """Return which of n tasks is taken as number i, so that those two threads are at are far apart in memory.

    Neighbours write into one cache line: taken in order, 8 shards of 32 units on two threads took 1.4 times as long.
    """
    lane, place = i % threads, i // threads
    return lane * (n // threads) + min(lane, n % threads) + place


@jit
def _take_tasks(pool):
    """Run tasks that nobody has taken until there are none."""
    while True:
        claims = load(pool, CLAIMS)
        i, n = claims & LOW, (claims >> N) & LOW
        if i >= n:
            return
        if replace(pool, CLAIMS, claims, claims + 1):
            call_address(pool[TASK], (pool[FRAME], _far_apart(i, n, pool[WORKERS] + 1)))
            if add(pool, DONE, 1) == n - 1 and exchange(pool, WAITING, 0) == 1:
                call_address(pool[RELEASE], (pool[LOCK],))


@jit
def _await_end(pool, n):
    """Return when all n tasks have ended; whoever ends the last wakes a caller that says it waits."""
    for _ in range(pool[SPINS]):
        if load(pool, DONE) == n:
            return
        pause()
    while load(pool, DONE) < n:
        store(pool, WAITING, 1)
        if not (load(pool, DONE) == n and exchange(pool, WAITING, 0) == 1):
            call_address(pool[ACQUIRE], (pool[LOCK], 1))


@jit
def _spin_for_tasks(pool):
    for _ in range(pool[SPINS]):
        if _has_tasks(pool) or load(pool, STOP) == 1:
            return True
        pause()
    return False


@jit
def _wake(pool, w):
    asleep = ASLEEP + w * LINE
    if exchange(pool, asleep, 0) == 1:
        call_address(pool[RELEASE], (pool[asleep + 1],))
