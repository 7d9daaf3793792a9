"""A Numba that nobody tried: its self-test decides, once per installation, and says what it found."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import rnnkit
from rnnkit._compile import self_test
from rnnkit._compile.internals import TRIED, is_tried

TIMEOUT = 600  # seconds for one process: with a cold cache it compiles for some ten
ROOT = Path(rnnkit.__file__).parents[1]
NEW = "0.99.1"
KERNEL = """
import numpy as np
from rnnkit._compile.self_test import _total
print(_total(np.arange(4.0)))
"""
SABOTAGE = """
from numba.core import caching
def raises(*_):
    raise RuntimeError("no such key")
caching.FunctionCache._index_key = raises
"""
pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def run(tmp_path, sabotage="", code=KERNEL):
    """Run code where Numba says that it is another version, with a cache of its own."""
    site = tmp_path / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(f"import numba\nnumba.__version__ = {NEW!r}\n{sabotage}")
    path = os.pathsep.join([str(site), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)


def test_this_numba_was_tried():
    assert is_tried()


def test_every_check_passes():
    for check in self_test.CHECKS:
        check()


def test_one_that_passes_goes_on_and_is_told_once(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    told = f"rnnkit was not tried with Numba {NEW}; its self-test passes. Said once per installation.\n"
    assert (first.stdout, first.stderr) == ("6.0\n", told)
    assert (second.stdout, second.stderr) == ("6.0\n", "")


def test_one_that_fails_names_the_check_and_the_versions_that_work(tmp_path):
    done = run(tmp_path, SABOTAGE)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"RuntimeError: rnnkit was not tried with Numba {NEW}, and its self-test fails: ")
    assert f"Versions that work: {', '.join(TRIED)}, as by pip install 'numba=={TRIED[-1]}.*'" in last


def test_parts_that_are_gone_are_told_at_import(tmp_path):
    done = run(tmp_path, "from numba.core import caching\ndel caching.FunctionCache\n", "import rnnkit")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: rnnkit rests on parts of Numba that {NEW} does not have (cannot import name")
    assert f"Versions that work: {', '.join(TRIED)}" in last
