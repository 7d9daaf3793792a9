"""A job's identity, files that are whole, and folders that are not written over."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.runner import store

CONFIG = {"seq_len": 10, "clip": "none", "gain": 1.5, "seed": 0}
PLAN = [CONFIG, CONFIG | {"clip": 1.0}]


@given(st.permutations(list(CONFIG)))
def test_identity_does_not_depend_on_the_order_of_keys(order):
    assert store.identity({key: CONFIG[key] for key in order}) == store.identity(CONFIG)


@pytest.mark.parametrize("key", CONFIG)
def test_identity_differs_when_a_key_does(key):
    changed = [store.identity(CONFIG | {key: value}) for value in (7, 8.5, "other")]
    without = store.identity({k: v for k, v in CONFIG.items() if k != key})
    assert len({store.identity(CONFIG), without, *changed}) == 5


def test_identity_is_twelve_hex_digits():
    assert len(store.identity(CONFIG)) == 12
    int(store.identity(CONFIG), 16)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call, error):
    def broken(*_):
        raise error

    path = tmp_path / "table.csv"
    store.write_whole(path, "old")
    monkeypatch.setattr(os, call, broken)
    with pytest.raises(type(error)):
        store.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole_makes_folders_and_readable_files(tmp_path):
    path = tmp_path / "a" / "b" / "text"
    store.write_whole(path, "größer\n")
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_records_come_back_exactly(tmp_path):
    record = {"config": CONFIG, "row": {"rate": 0.1 + 0.2, "missing": None}, "seconds": 1e-17}
    assert store.read_record(tmp_path) is None
    store.write_record(tmp_path, record)
    assert store.read_record(tmp_path) == record


def test_a_new_folder_and_the_same_plan_again_are_allowed(tmp_path):
    assert store.claim_folder(tmp_path / "new", PLAN) is None
    (tmp_path / "new" / "table.csv").write_text("rows")
    assert store.claim_folder(tmp_path / "new", PLAN) is None
    assert (tmp_path / "new" / "table.csv").read_text() == "rows"


def test_another_plan_is_refused_and_changes_nothing(tmp_path):
    store.claim_folder(tmp_path, PLAN)
    before = (tmp_path / "plan.json").read_bytes()
    refusal = store.claim_folder(tmp_path, PLAN[:1])
    assert refusal.startswith(f"out={tmp_path}: holds another sweep")
    assert (tmp_path / "plan.json").read_bytes() == before


def test_a_foreign_table_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("mine")
    refusal = store.claim_folder(tmp_path, PLAN)
    assert refusal.startswith(f"out={tmp_path}: holds a table.csv that this sweep did not write")
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("below", ["file", "file/under", "file/far/under"])
def test_a_file_in_the_way_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    refusal = store.claim_folder(tmp_path / below, PLAN)
    assert refusal.startswith(f"out={tmp_path / below}: cannot be written (")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_place_of_the_plan_is_refused(tmp_path):
    (tmp_path / "plan.json").mkdir()
    assert store.claim_folder(tmp_path, PLAN).startswith(f"out={tmp_path}: cannot be written (")


def test_a_plan_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\x00")
    assert store.claim_folder(tmp_path, PLAN).startswith(f"out={tmp_path}: ")
