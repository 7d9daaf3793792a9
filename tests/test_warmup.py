"""Every kernel is compiled by the warm-up, which says so line by line."""

import re

import pytest

from rnnkit import parallel, warmup
from rnnkit._compile import cache


def test_every_call_of_both_dtypes_runs_and_has_its_line(capfd):
    warmup.main([])
    *lines, last = capfd.readouterr().out.splitlines()
    for dtype in warmup.DTYPES:
        names, own = [name for name, _ in warmup.calls(dtype)], [line for line in lines if line.startswith(dtype)]
        assert [int(re.match(rf"{dtype} \[ *(\d+)/", line)[1]) for line in own] == list(range(1, len(names) + 1))
        assert all(name in line for name, line in zip(names, own, strict=True))
        assert len(set(names)) == len(names)
    assert last.startswith("all kernels ready after ")
    assert last.endswith(f"; threading: {parallel.threading_layer()}")


def test_one_dtype_in_this_process(capsys):
    warmup.main(["float32"])
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"float32"}


def test_a_worker_that_fails_is_said(monkeypatch):
    monkeypatch.setattr(warmup.sys, "executable", "false")
    with pytest.raises(SystemExit, match="not all kernels are ready"):
        warmup.main([])


def test_another_dtype_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        warmup.main(["float16"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "rnnkit warmup: dtype must be float32 or float64, got float16\n"


def test_kernels_that_could_not_be_stored_are_an_error(monkeypatch, capsys):
    """A disk that is full: the next process would compile them again."""
    monkeypatch.setattr(cache, "faults", {"store": "cannot be stored: No space left on device"})
    with pytest.raises(SystemExit, match="No space left on device"):
        warmup.main(["float32"])
    assert len(capsys.readouterr().out.splitlines()) == len(list(warmup.calls("float32")))


def test_kernels_that_could_not_be_read_are_compiled_and_ready(monkeypatch, capsys):
    monkeypatch.setattr(cache, "faults", {"read": "cannot be read"})
    warmup.main(["float32"])
    assert len(capsys.readouterr().out.splitlines()) == len(list(warmup.calls("float32")))


def test_without_the_compiler_there_is_nothing_to_warm(monkeypatch):
    monkeypatch.setattr(warmup.config, "DISABLE_JIT", 1)
    with pytest.raises(SystemExit, match="NUMBA_DISABLE_JIT"):
        warmup.main([])


def test_without_a_folder_for_the_code_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(cache, "FOLDER", None)
    with pytest.raises(SystemExit, match="NUMBA_CACHE_DIR"):
        warmup.main([])


def test_kernels_are_to_be_compiled_where_none_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(warmup.cache, "FOLDER", tmp_path)
    assert warmup.is_needed()
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "kernel.nbi").touch()
    assert not warmup.is_needed()
