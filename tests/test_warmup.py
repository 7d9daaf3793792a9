"""Every kernel is compiled by the warm-up, which says so line by line."""

import re

import pytest

from rnnkit import _cache, warmup


def test_every_call_runs_and_has_its_line(capsys):
    warmup.main()
    lines, names = capsys.readouterr().out.splitlines(), [name for name, _ in warmup.calls()]
    assert [int(re.match(r"\[ *(\d+)/", line)[1]) for line in lines[:-1]] == list(range(1, len(names) + 1))
    assert all(name in line for name, line in zip(names, lines, strict=False))
    assert lines[-1].startswith(f"{len(names)} kernels ready after ")
    assert len(set(names)) == len(names)


def test_without_a_folder_for_the_code_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(_cache, "FOLDER", None)
    with pytest.raises(SystemExit, match="NUMBA_CACHE_DIR"):
        warmup.main()
