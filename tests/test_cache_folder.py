"""Where compiled kernels may be kept: a private folder that can be written and locked, or nowhere."""

import os
import re
from pathlib import Path

import pytest
from test_cache import TIMEOUT, TOTAL, make_house, run, start

from rnnkit import _cache

FOLDER_ALONE = "from rnnkit import _cache; print(_cache.FOLDER)"
FOLDER = TOTAL + "; " + FOLDER_ALONE
# Permission bits do not stop root, so nothing here is a folder: no path below a device can be made.
NOWHERE = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/x"}
NO_TEMP_FOLDER = "import tempfile; tempfile.tempdir = '/dev/null'; "
GETTEMPDIR_RAISES = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/dev/null']; "


def make_read_only_house(folder: Path, plain: bool = False) -> Path:
    """Where numba would keep code beside the source stands a file."""
    house = make_house(folder, plain)
    (house / "rnnkit" / "kernels" / "__pycache__").touch()
    return house


@pytest.mark.parametrize("temp", [NO_TEMP_FOLDER, GETTEMPDIR_RAISES], ids=["not a folder", "none at all"])
def test_nowhere_to_write_still_computes(tmp_path, temp):
    house = make_read_only_house(tmp_path)
    assert run(house, temp + FOLDER, **NOWHERE).split() == ["30.0", "None"]


def test_nowhere_to_write_stops_plain_numba(tmp_path):
    house = make_read_only_house(tmp_path, plain=True)
    process = start(house, NO_TEMP_FOLDER + TOTAL, **NOWHERE)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "no locator available" in err


def test_without_a_home_the_temporary_folder_serves(tmp_path):
    house = make_read_only_house(tmp_path)
    temp = tmp_path / "temp"
    temp.mkdir()
    value, folder = run(house, FOLDER, **NOWHERE, TMPDIR=str(temp)).split()
    assert value == "30.0"
    assert temp in Path(folder).parents


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permission bits of POSIX")
@pytest.mark.parametrize("mode", [0o720, 0o702], ids=["group", "others"])
def test_a_folder_that_others_may_write_is_not_used(tmp_path, mode):
    house = make_house(tmp_path)
    first = Path(run(house, FOLDER_ALONE))
    assert tmp_path / "xdg" in first.parents
    first.chmod(mode)
    assert tmp_path / "home" in Path(run(house, FOLDER_ALONE)).parents


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of POSIX")
def test_folders_of_another_user_are_not_used(tmp_path):
    house = make_house(tmp_path)
    another_user = "import os; u = os.getuid(); os.getuid = lambda: u + 1; "
    assert run(house, another_user + FOLDER, TMPDIR=str(tmp_path)).split() == ["30.0", "None"]


def test_the_folder_may_be_deleted_under_a_running_process(tmp_path):
    code = "import shutil; from rnnkit import _cache; shutil.rmtree(_cache.FOLDER); " + FOLDER
    assert run(make_house(tmp_path), code).split()[0] == "30.0"
    assert list((tmp_path / "xdg").rglob("*.nbc"))


def test_the_fingerprint_covers_what_kernels_can_reach_and_nothing_else():
    """An edit of a network or an experiment keeps the compiled code."""
    names = {str(path.relative_to(_cache.PACKAGE)) for path in _cache.kernel_sources()}
    assert {"_jit.py", "_apart.py", "parallel.py", "kernels/shards.py", "_simd/apart.py"} <= names
    assert not names & {"networks.py", "passes.py", "reference.py", "theory.py", "runner/sweep.py"}
    for path in _cache.PACKAGE.rglob("*.py"):  # whoever compiles is covered
        if "jit" in imported_from_jit(path.read_text()):
            assert str(path.relative_to(_cache.PACKAGE)) in names


def imported_from_jit(source):
    return re.findall(r"from rnnkit\._jit import .*(jit)", source)
