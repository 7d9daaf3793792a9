"""A fork waits until no other thread compiles or loads a kernel: its child could do neither, and would hang.

A child has the thread that forked it and no other, but every lock as it was: one that another thread held stays held.
"""

import os
import threading

from rnnkit._compile.internals import LOCKS

# Seconds: longer than a kernel compiles on a slow machine. Only a deadlock lasts as long; then the fork goes on.
PATIENCE = 300
_mine = threading.local()  # more than one thread may fork


def _before() -> None:
    _mine.held = []
    for lock in LOCKS:
        if lock.acquire(timeout=PATIENCE):
            _mine.held.append(lock)


def _after_in_parent() -> None:
    for lock in reversed(_mine.held):
        lock.release()


def _after_in_child() -> None:
    for lock in reversed(LOCKS):
        if lock in _mine.held:
            lock.release()
        else:
            lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
