"""`rnnkit check`: every error of a cell by name, and a verdict."""

from pathlib import Path

import pytest

from rnnkit.cells import CELLS
from rnnkit.command import check

LEAKY = Path(__file__).resolve().parents[1] / "user_cells" / "leaky.py"


def test_a_cell_that_is_right(rnnkit):
    done = rnnkit("check", LEAKY)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "Leaky tanh unit."
    assert lines[1] == "  block a of x, h, b; states h; constants alpha=0.1"
    errors = {line.rsplit(None, 1)[0].strip(): float(line.split()[-1]) for line in lines[2:-1]}
    assert errors.keys() == {"h by a", "h by h", "forward, compiled", "BPTT, compiled"}
    assert max(errors.values()) < check.ALLOWED
    assert lines[-1] == "Leaky: right, every error is below 1e-08"


def test_a_cell_that_is_wrong_is_named_with_what_is(rnnkit, monkeypatch):
    errors = {"h by a": 1e-12, "h by h": 0.25, "BPTT, compiled": float("nan")}
    monkeypatch.setattr(check, "check_cell", lambda cell: errors)
    done = rnnkit("check", LEAKY)
    assert done.returncode == 1
    assert done.stdout.splitlines()[2:] == [
        "  h by a          1.0e-12",
        "  h by h          2.5e-01  WRONG",
        "  BPTT, compiled  nan  WRONG",
        "Leaky: wrong, error of h by h, BPTT, compiled is not below 1e-08",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ltsm", "got 'ltsm'; did you mean lstm?"),
        ("gone.py", "cell='gone.py': there is no such file"),
    ],
)
def test_what_is_no_cell_is_one_line(rnnkit, name, words):
    done = rnnkit("check", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rnnkit check: cell")
    assert done.stderr.endswith(f"{words}\n")


def test_one_that_is_none_does_not_keep_others_from_being_checked(rnnkit):
    done = rnnkit("check", "gone.py", LEAKY)
    assert done.returncode == 2
    assert "Leaky: right" in done.stdout


@pytest.mark.parametrize("name", CELLS)
def test_what_a_cell_is_made_of_is_said(name):
    cell = CELLS[name]()
    said = check.described(cell)
    for part in (*cell.blocks, *cell.states, *cell.per_unit, *cell.constants):
        assert part in said


def test_a_cell_without_a_docstring_has_its_name(rnnkit, tmp_path):
    (tmp_path / "mine.py").write_text(LEAKY.read_text().replace('"""Leaky tanh unit."""', "pass"))
    assert rnnkit("check", "mine.py").stdout.splitlines()[0] == "Leaky"


def test_what_begins_wrong_is_no_cell(rnnkit, tmp_path):
    text = LEAKY.read_text().replace(
        "    @staticmethod", "    per_unit = {'k': lambda rng, H: rng.random(H + 1)}\n\n    @staticmethod"
    )
    (tmp_path / "mine.py").write_text(text.replace("h, alpha)", "h, k, alpha)").replace("* tanh", "* k * tanh"))
    done = rnnkit("check", "mine.py")
    assert done.returncode == 2
    assert "of the cell's per_unit, must begin as a number or (3,), got " in done.stderr
