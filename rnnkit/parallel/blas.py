"""BLAS on one thread while replicates run, each on a thread of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING

import scipy

if TYPE_CHECKING:
    from threadpoolctl import LibController


class OneThread:
    """A context in which the BLAS that kernels call has one thread: from the first user's entry to the last one's exit.

    Each would otherwise bring back what it had found, and the last one might have found one thread.
    """

    def __init__(self, make_lock: Callable[[], AbstractContextManager]) -> None:
        """Take what makes a lock: threads, and what they share, are made in `rnnkit.parallel` alone."""
        self.make_lock, self.changing, self.users, self.before = make_lock, make_lock(), 0, []

    def __enter__(self) -> None:
        with self.changing:
            if self.users == 0:
                self.before = [library.get_num_threads() for library in _libraries()]
                _set_threads([1] * len(self.before))
            self.users += 1

    def __exit__(self, *raised: object) -> None:
        with self.changing:
            self.users = max(self.users - 1, 0)  # a child forked inside has begun anew
            if self.users == 0:
                _set_threads(self.before)

    def forget(self) -> None:
        """Begin anew: in a forked child nobody is inside."""
        self.changing, users, self.users = self.make_lock(), self.users, 0
        if users:
            _set_threads(self.before)


def _set_threads(counts: list[int]) -> None:
    for library, n in zip(_libraries(), counts, strict=True):
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)  # threadpoolctl 3.8 leaves OpenBLAS to the first thread that asks, and ignores others
        library.set_num_threads(n)
        release(force=True)


@cache
def _libraries() -> list["LibController"]:
    """Return the BLAS that kernels call; to look for them takes milliseconds, to set their threads microseconds."""
    from threadpoolctl import ThreadpoolController  # here, since it sets an environment variable of OpenMP's

    scipy.linalg.blas  # noqa: B018  loads one
    return ThreadpoolController().select(user_api="blas").lib_controllers
