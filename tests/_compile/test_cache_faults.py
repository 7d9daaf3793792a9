"""A cache that is damaged or cannot be written costs time, never an answer, and is spoken of once."""

import hashlib
import pickle
import subprocess
import sys
from contextlib import contextmanager

import pytest
from test_cache import TIMEOUT, TOTAL, make_house, run, start

# Six entries, one of them for what `total` calls; their values, and how many of them were loaded.
CALLS = """
import numpy as np
from rnnkit.kernels.b import read, total, twice
print(total(5.0), read(np.arange(4.0), 3), twice(1.5), twice(1), twice(1j).imag)
print(*(sum(f.stats.cache_hits.values()) for f in (total, read, twice)))
"""
VALUES = "30.0 3.0 3.0 2 2.0"


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def flip_a_bit(path):
    """In the middle, which is machine code: LLVM would take it, or end the process."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_another_pickle(path):
    body = pickle.dumps(["not", "a", "kernel"])
    path.write_bytes(hashlib.sha256(body).digest() + body)


DAMAGES = [
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-100]),
    lambda path: path.write_bytes(bytes(range(256)) * 20),
    write_another_pickle,
    flip_a_bit,
    flip_a_bit,
]  # one for each entry


def entries(house):
    return sorted(house.rglob("*.nbc"))


def test_damaged_files_are_compiled_and_replaced_and_told_of_once(tmp_path):
    house = make_house(tmp_path)
    assert run(house, CALLS).splitlines() == [VALUES, "0 0 0"]
    for path, damage in zip(entries(house), DAMAGES, strict=True):
        damage(path)
    assert run(house, CALLS, told=True).splitlines() == [VALUES, "0 0 0"]
    assert run(house, CALLS).splitlines() == [VALUES, "1 1 3"]


def test_a_damaged_file_is_named(tmp_path):
    house = make_house(tmp_path)
    code = "from rnnkit.kernels.b import twice; print(twice(1.5))"
    run(house, code)
    (path,) = entries(house)
    flip_a_bit(path)
    process = start(house, code)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out.strip(), err.count("\n")) == (0, "3.0", 1)
    assert str(path) in err


def test_a_file_of_another_signature_is_not_taken(tmp_path):
    house = make_house(tmp_path)
    run(house, "from rnnkit.kernels.b import twice; twice(1)")
    (path,) = entries(house)
    of_int = path.read_bytes()
    path.unlink()
    code = "from rnnkit.kernels.b import twice; print(twice(1.5))"
    assert run(house, code) == "3.0"
    (path,) = entries(house)
    path.write_bytes(of_int)
    assert run(house, code) == "3.0"


def test_what_cannot_be_replaced_is_compiled_every_time(tmp_path):
    house = make_house(tmp_path)
    run(house, CALLS)
    for path in entries(house):
        replace_by_folder(path)
    assert run(house, CALLS, told=True).splitlines() == [VALUES, "0 0 0"]


def test_what_may_not_be_read_is_compiled(tmp_path):
    house = make_house(tmp_path)
    run(house, CALLS)
    denied = """
from pathlib import Path
def read_bytes(self):
    raise PermissionError(13, "Permission denied", str(self))
import rnnkit._compile.cache
Path.read_bytes = read_bytes
"""
    assert run(house, denied + CALLS, told=True).splitlines() == [VALUES, "0 0 0"]


def test_a_file_in_place_of_a_folder_stops_nothing(tmp_path):
    house = make_house(tmp_path)
    code = "from rnnkit._compile import cache; (cache.FOLDER / 'kernels').touch()"
    assert run(house, code + CALLS, told=True).splitlines() == [VALUES, "0 0 0"]


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
NO_SPACE = """
import errno, os
def replace(*paths):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
os.replace = replace
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [LIMITED, NO_SPACE], ids=["size of a file", "no space"])
def test_what_cannot_be_stored_is_compiled_and_leaves_nothing_behind(tmp_path, limit):
    house = make_house(tmp_path)
    assert run(house, limit + CALLS, told=True).splitlines() == [VALUES, "0 0 0"]
    assert not [path for path in (tmp_path / "xdg").rglob("*") if path.is_file()]


@contextmanager
def small_disk(folder, options):
    """Mount a file system in memory; skip where that is not allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(tmp_path):
    house, folder = make_house(tmp_path / "house"), tmp_path / "small"
    with small_disk(folder, "size=16k,mode=700"):
        for _ in range(2):
            assert run(house, CALLS, told=True, NUMBA_CACHE_DIR=str(folder)).splitlines()[0] == VALUES
        assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".nbc"]


def test_a_disk_that_became_read_only_is_read(tmp_path):
    house, folder = make_house(tmp_path / "house"), tmp_path / "small"
    with small_disk(folder, "size=1m,mode=700"):
        run(house, TOTAL, NUMBA_CACHE_DIR=str(folder))
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert run(house, CALLS, told=True, NUMBA_CACHE_DIR=str(folder)).splitlines() == [VALUES, "1 0 0"]
        with_logger = "import logging; logging.getLogger('rnnkit').disabled = True"
        assert run(house, with_logger + CALLS, NUMBA_CACHE_DIR=str(folder)).splitlines() == [VALUES, "1 0 0"]
