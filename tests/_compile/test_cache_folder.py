"""Where compiled kernels may be kept: a private folder, or nowhere."""

import os
import re
from pathlib import Path

import pytest
from test_cache import TIMEOUT, TOTAL, make_house, run, start

from rnnkit._compile import cache, cache_folder

FOLDER_ALONE = "from rnnkit._compile import cache; print(cache.FOLDER)"
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
    assert run(house, temp + FOLDER, told=True, **NOWHERE).split() == ["30.0", "None"]


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
    assert run(house, another_user + FOLDER, told=True, TMPDIR=str(tmp_path)).split() == ["30.0", "None"]


def test_the_folder_may_be_deleted_under_a_running_process(tmp_path):
    code = "import shutil; from rnnkit._compile import cache; shutil.rmtree(cache.FOLDER); " + FOLDER
    assert run(make_house(tmp_path), code).split()[0] == "30.0"
    assert list((tmp_path / "xdg").rglob("*.nbc"))


@pytest.mark.parametrize("name", ["with a space", "größe-大"])
def test_the_folder_that_is_asked_for_may_have_any_name(tmp_path, name):
    asked = tmp_path / name
    # A locator of the user's own, which numba asks for its other functions, is not asked for these.
    environment = {"NUMBA_CACHE_DIR": str(asked), "NUMBA_CACHE_LOCATOR_CLASSES": "no.such.Locator"}
    value, folder = run(make_house(tmp_path), FOLDER, **environment).split(maxsplit=1)
    assert value == "30.0"
    assert asked in Path(folder).parents
    assert list(asked.rglob("*.nbc"))


def test_a_relative_folder_is_that_of_the_start(tmp_path):
    house, away = make_house(tmp_path), tmp_path / "away"
    away.mkdir()
    code = "import os; import rnnkit._compile.cache; os.chdir('away'); " + FOLDER
    assert Path(run(house, code, NUMBA_CACHE_DIR="asked").split()[1]).is_relative_to(house / "asked")
    assert list((house / "asked").rglob("*.nbc"))
    assert not list(away.iterdir())


@pytest.mark.parametrize("name", ["x" * 300, "file"])
def test_a_folder_that_cannot_be_made_is_named_and_another_serves(tmp_path, name):
    asked = tmp_path / name / "below"
    (tmp_path / "file").touch()
    process = start(make_house(tmp_path), FOLDER, NUMBA_CACHE_DIR=str(asked))
    out, err = process.communicate(timeout=TIMEOUT)
    assert out.split()[0] == "30.0", err
    assert tmp_path / "xdg" in Path(out.split()[1]).parents
    assert err.count("\n") == 1
    assert name in err


def test_without_any_home_nothing_is_written_where_the_program_runs(tmp_path):
    """A container may run as a user who has neither HOME nor an entry in the list of users."""
    house = make_house(tmp_path)
    before = set(house.iterdir())
    homeless = "import os; del os.environ['HOME']; os.path.expanduser = lambda path: path; "
    value, folder = run(house, homeless + FOLDER, XDG_CACHE_HOME="relative", TMPDIR=str(tmp_path)).split()
    assert value == "30.0"
    made = set(house.iterdir()) - before
    assert [path.name for path in made] == [Path(folder).relative_to(house).parts[0]]
    assert made.pop().name.startswith("rnnkit-cache-")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permission bits of POSIX")
def test_a_umask_that_lets_the_group_write_does_not_spoil_the_folder(tmp_path):
    house, code = make_house(tmp_path), "import os; os.umask(0o002); " + FOLDER
    folders = {run(house, code).split()[1] for _ in range(2)}
    assert len(folders) == 1
    assert tmp_path / "xdg" in Path(folders.pop()).parents
    assert not [path for path in (tmp_path / "xdg").rglob("*") if path.stat().st_mode & 0o022]


def test_the_fingerprint_covers_what_kernels_can_reach_and_nothing_else():
    """An edit of a network or an experiment keeps the compiled code."""
    names = {str(path.relative_to(cache.PACKAGE)) for path in cache_folder.kernel_sources()}
    assert {
        "_compile/jit.py",
        "_compile/pointer_slots.py",
        "parallel/layers.py",
        "kernels/engine/forward.py",
        "_compile/simd/outlined.py",
        "cells/functions.py",
    } <= names
    assert not names & {
        "networks/rnn.py",
        "networks/forward.py",
        "reference/elman.py",
        "gradients/theory.py",
        "runner/sweep.py",
    }
    for path in cache.PACKAGE.rglob("*.py"):  # whoever compiles is covered
        if "jit" in imported_from_jit(path.read_text()):
            assert str(path.relative_to(cache.PACKAGE)) in names


def imported_from_jit(source):
    return re.findall(r"from rnnkit\._compile\.jit import .*(jit)", source)
