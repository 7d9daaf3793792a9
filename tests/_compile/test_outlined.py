"""Outlined code: there before any kernel needs it, and for callers that numba loads by itself."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from numba import config

from rnnkit._compile import cache, pointer_slots
from rnnkit._compile import jit as _jit

TIMEOUT = 120  # seconds for one process: it compiles for about 15
USER = """
import sys
import numba, numpy as np
from rnnkit._compile.pointer_slots import OUTLINED
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.kernels.products import product

@numba.njit(cache=True)
def users(C, A, P):
    product(C, 0, A, 0, 3, P, (3, P.shape[0]), 0)

rng = np.random.default_rng(0)
A, W = rng.standard_normal((3, 5)), rng.standard_normal((5, 8))
lanes = VECTOR_BYTES // 8
P = np.ascontiguousarray(W.reshape(5, 8 // lanes, lanes).transpose(1, 0, 2))
C = np.zeros((3, 8))
before = any(a._compiled for a in OUTLINED)
if "broken" in sys.argv:
    for a in OUTLINED:
        a._compile = lambda: 1 / 0
users(C, A, P)
print(np.allclose(C, A @ W), sum(users.stats.cache_hits.values()), before, [a.symbol for a in OUTLINED if a._compiled])
"""
pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")


def run(tmp_path, *arguments):
    script, root = tmp_path / "user.py", Path(pointer_slots.__file__).parents[2]
    script.write_text(USER)
    environment = os.environ | {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", str(script), *arguments]
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)


def test_a_function_that_numba_loads_from_a_users_cache_finds_it(tmp_path):
    cold, warm, broken = run(tmp_path), run(tmp_path), run(tmp_path, "broken")
    assert cold.stdout.startswith("True 0 False ["), cold.stderr
    assert "rnnkit_tile_float64" in cold.stdout
    assert warm.stdout.strip() == "True 1 False ['rnnkit_tile_float64']", warm.stderr  # what is called, when it is
    assert (broken.returncode, broken.stdout) == (1, "")  # not a wrong number
    assert "ZeroDivisionError" in broken.stderr
    for path in (tmp_path / "rnnkit").rglob("*.nbc"):  # beside them stands the user's, which is numba's own
        path.write_bytes(path.read_bytes()[:-1])
    damaged = run(tmp_path)  # compiled in the midst of the user's call, which cannot be told of an exception
    assert (damaged.stdout, damaged.stderr.count("\n")) == (warm.stdout, 1)


def test_it_is_compiled_once(monkeypatch):
    monkeypatch.setattr(pointer_slots, "OUTLINED", [])
    made = []
    function = pointer_slots.Outlined("rnnkit_test_once", 1, lambda: made.append(1) or SimpleNamespace(address=1))
    assert made == []
    function.provide()
    function.provide()
    assert made == [1]
    assert function._slot.value == 1


def test_the_vector_code_is_known_to_the_door():
    assert {"tile", "move_rows"} <= {a.symbol.removeprefix("rnnkit_").rpartition("_")[0] for a in _jit.OUTLINED}


def test_a_cell_is_of_these_sources_alone():
    """Code that a user's cache kept from another version of rnnkit does not find it, and so cannot call it wrongly."""
    assert pointer_slots.slot_name("rnnkit_tile_float64") == f"rnnkit_tile_float64_{cache.FINGERPRINT}"


FORKED = """
import multiprocessing
import numpy as np
from rnnkit import kernels
from rnnkit.kernels import gru_forward, lstm_forward

z = np.zeros


def gru():
    assert not gru_forward(z((2, 1, 3)), z((1, 4)), z((3, 12)), z((4, 12)), z(16)).h.any()


lstm_forward(z((2, 1, 3)), z((1, 4)), z((1, 4)), z((3, 16)), z((4, 16)), z(16))
child = multiprocessing.get_context("fork").Process(target=gru)
child.start()
child.join()
print(child.exitcode)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_loads_what_its_parent_did_not(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(pointer_slots.__file__).parents[2])}
    for _ in range(2):  # with a cold cache of its own cell, and with a warm one
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
        assert done.stdout.strip() == "0", done.stderr
