"""The faults of `make mutants` can be planted, and it tells those that survive and those that cannot be planted."""

from dataclasses import replace

import mutants
import pytest
from mutants import Mutant

FAULT = Mutant("rnnkit/rng.py", "spawn_key", "key", ("tests/test_rng.py",), "what it breaks")
ENOUGH = {"rnnkit/kernels/": 10, "rnnkit/runner/": 8}  # of at least 40: the least for a part


def test_every_fault_can_be_planted():
    assert {m.breaks: why for m in mutants.planted() if (why := m.fault_of_its_own())} == {}


def test_there_are_enough_of_every_kind():
    files = [m.file for m in mutants.planted()]
    assert len(files) >= 40
    for part, least in ENOUGH.items():
        assert sum(file.startswith(part) for file in files) >= least


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"old": "no such text"}, "what it replaces stands in rnnkit/rng.py 0 times"),
        ({"old": "replicate"}, "what it replaces stands in rnnkit/rng.py"),
        ({"file": "rnnkit/no_such_file.py"}, "what it replaces stands in rnnkit/no_such_file.py 0 times"),
        ({"tests": ("tests/test_none.py",)}, "there is no tests/test_none.py"),
        ({"tests": ()}, "changes nothing, or names no test"),
        ({"new": "spawn_key"}, "changes nothing, or names no test"),
    ],
)
def test_a_fault_that_cannot_be_planted_says_why(change, why):
    assert FAULT.fault_of_its_own() == ""
    assert replace(FAULT, **change).fault_of_its_own().startswith(why)


SEEN = """
from pathlib import Path
import rnnkit.rng

def test_it_is_the_copy_that_is_tested():
    file = Path(rnnkit.rng.__file__)
    assert file.parents[1] == Path.cwd()
    assert "(axis, 0)" not in file.read_text()
"""


def test_a_fault_is_planted_into_a_copy_and_its_tests_run_there(tmp_path):
    fault = Mutant("rnnkit/rng.py", "(axis, replicate)", "(axis, 0)", ("tests/test_seen.py",), "")

    def change(copy):
        (copy / "tests" / "test_seen.py").write_text(SEEN)
        fault.plant(copy)

    before = (mutants.ROOT / fault.file).read_bytes()
    code, said = mutants.in_a_copy(fault, tmp_path, change)
    assert (code, "1 failed" in said) == (mutants.FAILED, True), said
    assert (mutants.ROOT / fault.file).read_bytes() == before
    assert not (mutants.ROOT / "tests" / "test_seen.py").exists()


@pytest.mark.parametrize(
    ("codes", "last", "ends"),
    [
        ((0, 1, 1), "2 of 2 caught", 0),
        ((0, 0, 1), "1 of 2 caught", 1),
        ((0, 1, 2), "1 of 2 caught", 1),
        ((1,), "0 of 2 caught", 1),
    ],
    ids=["all caught", "one survives", "one lets no test begin", "the tests fail without it"],
)
def test_the_last_line_and_the_exit_code_tell_whether_all_were_caught(codes, last, ends, monkeypatch, capsys):
    answers = iter(codes)
    monkeypatch.setattr(mutants, "in_a_copy", lambda *_: (next(answers), "1 passed"))
    monkeypatch.setattr(mutants, "planted", lambda: [replace(FAULT, breaks=word) for word in ("one", "two")])
    monkeypatch.setattr("sys.argv", ["mutants.py", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        mutants.main()
    assert ended.value.code == ends
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_without_a_fault_to_plant_nothing_is_tried(monkeypatch):
    monkeypatch.setattr("sys.argv", ["mutants.py", "--only", "no such word"])
    with pytest.raises(SystemExit, match="no mutant has no such word"):
        mutants.main()
