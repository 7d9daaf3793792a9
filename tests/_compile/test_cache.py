"""A stored kernel is never stale: each rule beside plain `numba.njit(cache=True)`, which breaks it."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(find_spec("rnnkit").origin).parent
TIMEOUT = 120  # seconds for one process: import and compilation take about 2; only a hang reaches it
PLAIN_JIT = "import numba\njit = numba.njit(cache=True)\n"
FILE_A = """
from rnnkit._compile.jit import jit

FACTOR = 2.0

@jit
def scale(x):
    return x * FACTOR
"""
FILE_B = """
from rnnkit._compile.jit import jit
from rnnkit.kernels.a import FACTOR, scale

@jit
def total(x):
    return scale(x) + 10 * FACTOR

@jit
def read(v, i):
    return v[i]

@jit
def twice(x):
    return x + x
"""
TOTAL = "from rnnkit.kernels.b import total; print(total(5.0))"
# Element 3 is in the memory of `base` but outside the view: read without a check it is 3.0, and harmless.
READ_OUTSIDE = """
import numpy as np
from rnnkit.kernels.b import read
base = np.arange(4.0)
try:
    print(read(base[:2], 3))
except IndexError:
    print("IndexError")
"""


def make_house(folder: Path, plain: bool = False) -> Path:
    """Lay out a package of two kernel files behind the real door and cache, or behind numba's own cache."""
    kernels = folder / "rnnkit" / "kernels"
    kernels.mkdir(parents=True)
    shutil.copytree(PACKAGE / "_compile", folder / "rnnkit" / "_compile")
    if plain:
        (folder / "rnnkit" / "_compile" / "jit.py").write_text(PLAIN_JIT)
    (folder / "rnnkit" / "__init__.py").touch()
    (kernels / "__init__.py").touch()
    (kernels / "a.py").write_text(FILE_A)
    (kernels / "b.py").write_text(FILE_B)
    return folder


def start(house: Path, code: str, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start Python on `code` in the house, with its own home and caches; no .pyc: its stamp is in seconds."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "PYTHON", "XDG_"))}
    own = {"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(house / "home")}
    own |= {"XDG_CACHE_HOME": str(house / "xdg")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env=kept | own | environment, cwd=house, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen, told: bool = False) -> str:
    """Return what the process printed; it must end well, and tell of a fault of the cache once or not at all."""
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    lines = err.splitlines()
    assert len(lines) == told, err
    assert all(line.startswith("rnnkit: compiled kernels ") for line in lines), err
    return out.strip()


def run(house: Path, code: str, *arguments: str, told: bool = False, **environment: str) -> str:
    return finish(start(house, code, *arguments, **environment), told)


def run_all(houses: list[Path], code: str, **environment: str) -> list[str]:
    """Run `code` in every house at the same time."""
    return [finish(process) for process in [start(house, code, **environment) for house in houses]]


def edit(house: Path, old: str, new: str) -> None:
    path = house / "rnnkit" / "kernels" / "a.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_edit_in_another_file_gives_fresh_code_and_with_plain_numba_the_old(tmp_path):
    houses = [make_house(tmp_path / "own"), make_house(tmp_path / "plain", plain=True)]
    assert run_all(houses, TOTAL) == ["30.0", "30.0"]
    edits = {"a constant": ("FACTOR = 2.0", "FACTOR = 3.0", "45.0"), "a callee": ("x * FACTOR", "x + FACTOR", "38.0")}
    for what, (old, new, fresh) in edits.items():
        for house in houses:
            edit(house, old, new)
        assert run_all(houses, TOTAL) == [fresh, "30.0"], what


def test_boundscheck_is_obeyed_on_a_warm_cache_and_with_plain_numba_it_is_not(tmp_path):
    houses = [make_house(tmp_path / "own"), make_house(tmp_path / "plain", plain=True)]
    assert run_all(houses, READ_OUTSIDE) == ["3.0", "3.0"]
    assert run_all(houses, READ_OUTSIDE, NUMBA_BOUNDSCHECK="1") == ["IndexError", "3.0"]


def test_boundscheck_in_numbas_configuration_file_is_obeyed_on_a_warm_cache(tmp_path):
    pytest.importorskip("yaml")
    house = make_house(tmp_path)
    assert run(house, READ_OUTSIDE) == "3.0"
    (house / ".numba_config.yaml").write_text("boundscheck: 1\n")
    assert run(house, READ_OUTSIDE) == "IndexError"


def test_boundscheck_set_after_import_is_obeyed_and_not_stored_for_others(tmp_path):
    house = make_house(tmp_path)
    late = "import os, rnnkit._compile.cache; os.environ['NUMBA_BOUNDSCHECK'] = '1'" + READ_OUTSIDE
    assert run(house, late) == "IndexError"
    assert run(house, READ_OUTSIDE) == "3.0"


def test_a_second_process_compiles_nothing(tmp_path):
    house = make_house(tmp_path)
    counts = "; s = total.stats; print(sum(s.cache_hits.values()), sum(s.cache_misses.values()))"
    assert run(house, TOTAL + counts).split() == ["30.0", "0", "1"]
    assert run(house, TOTAL + counts).split() == ["30.0", "1", "0"]
