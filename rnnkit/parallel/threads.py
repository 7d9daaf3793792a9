"""The threads of this process that share the shards of a call, and how many there are."""

import atexit
import os
import threading

import numpy as np
from numba import config

from rnnkit._arguments import integer
from rnnkit.kernels.partition import MAX_SHARDS
from rnnkit.parallel import pool

SPIN_SECONDS = 5e-5  # of waiting before a thread sleeps; how that was chosen is written in `rnnkit.parallel`


class Threads:
    """The threads of this process, and the words that they share with callers."""

    def __init__(self) -> None:
        """Begin none yet."""
        self.n = config.NUMBA_NUM_THREADS
        self.forget()

    def forget(self) -> None:
        """Begin anew: in a forked child there are none."""
        self.changing, self.words, self.started = threading.Lock(), None, []

    def words_of_pool(self) -> np.ndarray:
        """Return the words of a pool whose threads run."""
        if self.words is None:
            with self.changing:
                self.words = self._start() if self.words is None else self.words
        return self.words

    def _start(self) -> np.ndarray:
        words = pool.new(min(self.n, MAX_SHARDS) - 1, SPIN_SECONDS)
        for w in range(words[pool.WORKERS]):
            thread = threading.Thread(target=pool.work, args=(words, w), name=f"rnnkit-{w}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # as many as this process may have, or it is ending
                words[pool.WORKERS] = w
                break
            self.started.append(thread)
        return words

    def stop(self) -> None:
        """Let the threads end, and wait until they have."""
        with self.changing:
            words, self.words = self.words, None
            if words is not None:
                pool.stop(words)
            while self.started:
                self.started.pop().join()


THREADS = Threads()
atexit.register(THREADS.stop)  # before the code that they run is gone
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=THREADS.forget)


def get_num_threads() -> int:
    """Return how many threads share a call: NUMBA_NUM_THREADS unless `set_num_threads` has said otherwise."""
    return THREADS.n


def set_num_threads(n: int) -> None:
    """Let n threads share a call from now on; bytes do not depend on it. Raises ValueError for n below 1."""
    n = integer("n", n, 1)
    THREADS.stop()
    THREADS.n = n


def threading_layer() -> str:
    """Return what shares the shards of a call: the pool of rnnkit, or nothing where one thread is all there is."""
    return "none" if THREADS.n == 1 or config.DISABLE_JIT else "rnnkit's pool"
