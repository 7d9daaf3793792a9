"""Plans of sweeps: what a command names, what a folder holds, how the two are joined."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.runner.jobs import plan, store

CONFIG = {"seq_len": 10, "clip": "none", "gain": 1.5, "seed": 0}
PLAN = [CONFIG, CONFIG | {"clip": 1.0}]
FILE = Path("experiments/toy.py")
plans = st.lists(st.integers(0, 9).map(lambda T: {"seq_len": T}), unique_by=store.identity, min_size=1)


def open_folder(out, jobs=PLAN, file=FILE):
    """Return (the plan that is then in the folder, why it cannot be used)."""
    refusal = plan.open_folder(str(out), file, jobs)
    return refusal or json.loads((out / "plan.json").read_text()), refusal


def test_a_new_folder_and_the_same_plan_again_are_taken(tmp_path):
    assert open_folder(tmp_path / "new") == (PLAN, "")
    (tmp_path / "new" / "table.csv").write_text("rows")
    assert open_folder(tmp_path / "new") == (PLAN, "")
    assert (tmp_path / "new" / "table.csv").read_text() == "rows"
    assert json.loads((tmp_path / "new" / "plan.json").read_text()) == PLAN


def test_a_part_of_a_sweep_leaves_its_plan(tmp_path):
    open_folder(tmp_path)
    before = (tmp_path / "plan.json").read_bytes()
    assert open_folder(tmp_path, PLAN[1:]) == (PLAN, "")
    assert (tmp_path / "plan.json").read_bytes() == before


def test_an_added_value_gives_the_plan_of_the_longer_sweep(tmp_path):
    longer = [CONFIG | {"clip": clip} for clip in (0.5, "none", 1.0)]
    open_folder(tmp_path / "one")
    open_folder(tmp_path / "one", longer)
    open_folder(tmp_path / "two", longer)
    assert (tmp_path / "one" / "plan.json").read_bytes() == (tmp_path / "two" / "plan.json").read_bytes()


@given(old=plans, new=plans)
def test_no_job_is_lost_or_doubled_where_plans_are_joined(old, new):
    whole = plan.merged(old, new)
    if not [job for job in new if job in old]:
        assert whole is None
        return
    assert len(whole) == len({store.identity(job) for job in whole})
    assert all(job in whole for job in [*old, *new])
    assert all(job in old or job in new for job in whole)
    assert plan.merged(whole, new) == whole


def test_another_sweep_is_refused_and_changes_nothing(tmp_path):
    open_folder(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for jobs, file in (([CONFIG | {"seed": 1}], FILE), (PLAN, Path("experiments/other.py"))):
        _, refusal = open_folder(tmp_path, jobs, file)
        assert f"got {tmp_path}, which holds another sweep" in refusal
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_foreign_table_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("mine")
    _, refusal = open_folder(tmp_path)
    assert refusal == f"out must be a new folder, got {tmp_path}, which holds a table.csv that this sweep did not write"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("below", ["file", "file/under", "file/far/under"])
def test_a_file_in_the_way_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    _, refusal = open_folder(tmp_path / below)
    assert refusal.startswith(f"out must be a folder that can be written to, got {tmp_path / below} (")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_place_of_the_plan_is_refused(tmp_path):
    (tmp_path / "plan.json").mkdir()
    assert open_folder(tmp_path)[1].startswith(f"out must be a folder that can be written to, got {tmp_path} (")


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"[", b"3", b""])
def test_a_plan_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "plan.json").write_bytes(text)
    assert "must be the plan of a sweep, got a damaged file: delete it" in open_folder(tmp_path)[1]


@pytest.mark.parametrize("text", ["[", "3", "{}", '{"experiment": 3}'])
def test_a_damaged_note_is_told_with_what_mends_it(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(
        ValueError, match=r"sweep\.json must be the note of a sweep, got a damaged file: delete it, and"
    ):
        plan.owner_of(tmp_path)


@pytest.mark.parametrize("name", ["index.html", "nets.csv", "slope.png", "table.csv"])
def test_a_file_of_another_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    (tmp_path / "jobs").mkdir()  # of another, too
    said = open_folder(tmp_path)[1]
    assert said == f"out must be a new folder, got {tmp_path}, which holds a {name} that this sweep did not write"
    assert (tmp_path / name).read_text() == "mine"
    (tmp_path / "jobs" / "0").mkdir()
    (tmp_path / "jobs" / "0" / "record.json").touch()  # a sweep whose plan has been deleted
    assert open_folder(tmp_path)[1] == ""


def test_files_that_no_sweep_writes_may_be_there(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert open_folder(tmp_path)[1] == ""
