"""Records to tables and back: nothing planned is lost, every digit of table.csv is kept."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.runner.jobs import store
from rnnkit.runner.tables import table as tables

COLUMNS = ["rate", "note", "status", "n"]
PLAN = [{"seq_len": 5, "gain": gain, "clip": clip} for gain, clip in ((0.1, "none"), (0.2, 1.0), (0.3, "none"))]


def measured(rate, status="done"):
    return {"rate": rate, "note": "", "status": status, "n": 3, "not a column": 1}


def write(out, config, row, **details):
    record = {"config": config, "row": row, "seconds": 0.5} | details
    store.write_record(out / "jobs" / store.identity(config), record)


@pytest.fixture
def out(tmp_path):
    for config, rate in zip(PLAN[:2], (0.1 + 0.2, None), strict=True):
        nets = [{"replicate": i, "sigma_max": 1 / 3} for i in range(2)]
        write(tmp_path, config, measured(rate), nets=nets, lags=[{"lag": 0, "log_norm": 0.0}])
    return tmp_path


def test_a_job_without_a_record_is_missing(out):
    records = tables.collect(out, PLAN, COLUMNS)
    assert [r["row"]["status"] for r in records] == ["done", "done", "missing"]
    table = tables.read(out, measured=False).table
    assert list(table.status) == ["done", "done", "missing"]
    assert list(table.gain) == [0.1, 0.2, 0.3]
    assert table.rate.isna().tolist() == [False, True, True]
    assert list(tables.read(out).table.status) == ["done", "done"]
    assert tables.read(out).table.n.dtype.kind == "i"


def test_columns_are_the_keys_the_folder_and_those_asked_for(out):
    tables.collect(out, PLAN, COLUMNS)
    assert list(tables.read(out).table) == ["seq_len", "gain", "clip", "out", *COLUMNS]


def test_none_is_a_word_in_the_file_and_a_bound_at_infinity_when_read(out):
    tables.collect(out, PLAN, COLUMNS)
    assert [line.split(",")[2] for line in (out / "table.csv").read_text().splitlines()] == [
        "clip", "none", "1.0", "none",
    ]  # fmt: skip
    table = tables.read(out, measured=False).table
    assert list(table["clip"]) == [math.inf, 1.0, math.inf]
    assert table.rate.dtype == float


def test_details_carry_the_folder_of_their_job(out):
    tables.collect(out, PLAN, COLUMNS)
    read = tables.read(out)
    folders = [f"jobs/{store.identity(config)}" for config in PLAN]
    assert list(read.table.out) == folders[:2]
    assert list(read.nets.out) == [folders[0]] * 2 + [folders[1]] * 2
    assert list(read.lags.out) == folders[:2]
    assert list(pd.read_csv(out / "timings.csv").seconds) == [0.5, 0.5, 0.0]


def test_jobs_without_details_give_empty_tables(tmp_path):
    tables.collect(tmp_path, PLAN, COLUMNS)
    read = tables.read(tmp_path)
    assert read.nets.empty
    assert read.lags.empty
    assert read.table.empty


@given(rate=st.floats(allow_nan=False, allow_infinity=False))
def test_every_digit_survives(tmp_path_factory, rate):
    folder = tmp_path_factory.mktemp("digits")
    write(folder, PLAN[0], measured(rate))
    tables.collect(folder, PLAN[:1], COLUMNS)
    assert tables.read(folder).table.rate[0] == rate


def test_records_of_another_plan_stay_out(out):
    tables.collect(out, PLAN[1:], COLUMNS)
    assert list(tables.read(out, measured=False).table.gain) == [0.2, 0.3]


def test_the_table_for_people_says_once_what_all_rows_share(out):
    tables.collect(out, PLAN, COLUMNS)
    shared, body = (out / "table.md").read_text().split("\n\n")
    assert shared == "seq_len = 5"
    header = [cell.strip() for cell in body.splitlines()[0].strip("|").split("|")]
    assert header == ["gain", "clip", "rate", "note", "status", "n"]
    assert "0.3 " in body
    assert "jobs/" not in body


def test_a_table_of_one_row_is_shown_whole(out):
    tables.collect(out, PLAN[:1], COLUMNS)
    text = (out / "table.md").read_text()
    assert all(key in text for key in ("seq_len", "gain", "clip", *COLUMNS))
