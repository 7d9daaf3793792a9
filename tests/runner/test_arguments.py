"""Command lines as people write them: flags anywhere, grids in files, ranges of decimals."""

import pytest
from typed import typed

from rnnkit.runner.hydra.arguments import flags_first

GRID = "hydra:\n  sweeper:\n    params:\n      seq_len: {seq_len}\n      clip: none,1.0\n"


def jobs(*line):
    end = typed([*line])
    assert end.prepared, end.said
    return end.jobs


def refused(*line):
    end = typed([*line])
    assert end.prepared is None
    assert end.left == []
    return end.said


@pytest.mark.parametrize(("line", "flags", "keys"), [
    ("a=1,2 -m out=x", "-m", "a=1,2 out=x"),
    ("a=1 -m b=2 -m", "-m -m", "a=1 b=2"),
    ("a=1 --config-dir there b=2 --multirun", "--config-dir there --multirun", "a=1 b=2"),
    ("a=1 -cn=other b=2", "-cn=other", "a=1 b=2"),
    ("a=1 --config-name a=1 a=1", "--config-name a=1", "a=1 a=1"),
    ("-m a=-1 -2", "-m", "a=-1 -2"),
    ("", "", ""),
])  # fmt: skip
def test_flags_come_first_and_keys_keep_their_order(line, flags, keys):
    assert flags_first(line.split()) == [*flags.split(), *keys.split()]


@pytest.mark.parametrize(("line", "said"), [
    ("a=1 --oops b=2", "unrecognized arguments: --oops"),
    ("a=1 --config-name", "expected one argument"),
    ("a=1 --cfg b=2", "invalid choice: 'b=2'"),
])  # fmt: skip
def test_a_flag_that_hydra_does_not_know_is_named(line, said, capsys):
    with pytest.raises(ValueError, match=said):
        flags_first(line.split())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("line", [["seq_len=5,20", "-m", "out=runs"], ["-m", "seq_len=5,20", "out=runs"],
                                  ["seq_len=5,20", "out=runs", "--multirun"]])  # fmt: skip
def test_the_flag_may_stand_anywhere(line):
    assert [(job["seq_len"], job["out"].rpartition("/")[2]) for job in jobs(*line)] == [(5, "runs"), (20, "runs")]


def test_an_unknown_flag_is_one_message_without_a_usage_text():
    said = refused("seq_len=5,20", "-m", "--oops", "out=runs")
    assert "unrecognized arguments: --oops" in said
    assert "usage:" not in said


@pytest.fixture
def own(tmp_path):
    """Write a preset of a user's own; return the words that choose it."""

    def write(seq_len="11,12"):
        (tmp_path / "preset").mkdir(exist_ok=True)
        text = "# @package _global_\n" + GRID.format(seq_len=seq_len)
        (tmp_path / "preset" / "mine.yaml").write_text(text)
        return [f"--config-dir={tmp_path}", "preset=mine"]

    return write


def test_a_grid_is_run_with_the_flag_and_without(own):
    grid = [(n, clip) for n in (11, 12) for clip in ("none", 1.0)]
    assert [(job["seq_len"], job["clip"]) for job in jobs("-m", *own())] == grid
    assert [(job["seq_len"], job["clip"]) for job in jobs(*own())] == grid
    assert len(jobs(*own(), "hydra.sweeper.params=null")) == 1


@pytest.mark.parametrize(("written", "hint"), [("[11, 12]", "11,12"), ("[11]", "11"), ("['a', none]", "a,none")])
def test_a_list_in_a_grid_is_refused_with_how_it_is_written(own, written, hint):
    said = refused("-m", *own(seq_len=written))
    line = said.splitlines()[1]
    assert "seq_len must be an integer from 1 to 1000000, got [" in line
    assert line.endswith(f"]; values of a sweep are written {hint}")


def test_a_list_on_the_line_is_refused_alike():
    assert "values of a sweep are written none,1.0" in refused("-m", "clip=[none,1.0]")


@pytest.mark.parametrize(("written", "values"), [
    ("range(0.1,0.5,0.1)", [0.1, 0.2, 0.3, 0.4]),
    ("range(0.5,0.8,0.1)", [0.5, 0.6, 0.7]),
    ("range(0.5,1.5,0.1)", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4]),
    ("range(0.8,0.5,-0.1)", [0.8, 0.7, 0.6]),
    ("range(0.3,1,0.3)", [0.3, 0.6, 0.9]),
    ("range(1,2,0.25)", [1.0, 1.25, 1.5, 1.75]),
    ("range(1e-3,4e-3,1e-3)", [0.001, 0.002, 0.003]),
    ("sort(range(0.5,0.8,0.1),reverse=true)", [0.7, 0.6, 0.5]),
    ("float(range(1,4))", [1.0, 2.0, 3.0]),
])  # fmt: skip
def test_a_range_of_decimals_ends_before_its_stop_value(written, values):
    assert [job["gain"] for job in jobs("-m", f"gain={written}")] == values
