"""A child forked while another thread compiles or loads a kernel ends, and computes."""

import os
import threading

import pytest
from test_cache import finish, make_house, start

from rnnkit._compile import forks as _forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
# A thread compiles or loads `total` for one signature after the other, while children are forked that compile or load
# other kernels; each is given the time of some hundred compilations.
FORKS = """
import os, sys, threading, time, warnings
import numpy as np
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of forks beside threads
from rnnkit.kernels.b import total, twice, read

PATIENCE = 60
KINDS = [np.dtype(letter).type for letter in "bhilBHILfdFD?"]
compiled = []

def compile_much():
    for kind in KINDS:
        compiled.append(total(kind(1)))

def ends_well(child):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False

thread = threading.Thread(target=compile_much)
thread.start()
results = []
while thread.is_alive():
    child = os.fork()
    if not child:
        right = (twice(1.5), twice(1), read(np.arange(4.0), 1)) == (3.0, 2, 1.0)
        os._exit(0 if right else 1)
    results.append(ends_well(child))
    if not results[-1]:
        break
thread.join()
print(all(results), len(results) > 0, len(compiled) == len(KINDS))
"""


def test_a_child_forked_while_a_thread_compiles_and_while_it_loads(tmp_path):
    house = make_house(tmp_path)
    for kind in ("cold", "warm"):
        assert finish(start(house, FORKS)) == "True True True", kind


def test_a_fork_that_waits_in_vain_goes_on_and_its_child_has_free_locks(monkeypatch):
    """Two locks stand for the compiler's; the second is held by another for ever."""
    free, held = threading.RLock(), threading.RLock()
    monkeypatch.setattr(_forks, "LOCKS", (free, held))
    monkeypatch.setattr(_forks, "PATIENCE", 0.1)
    holder = threading.Thread(target=held.acquire)
    holder.start()
    holder.join()
    _forks._before()
    assert _forks._mine.held == [free]
    _forks._after_in_child()
    assert all(lock.acquire(blocking=False) for lock in (free, held))
