"""Tables for people: every column has its type, names are categories, units stand beside them."""

import warnings
from pathlib import Path

import pandas as pd
import pytest
from pandas.api.types import is_numeric_dtype

import rnnkit.results
from rnnkit.runner.tables import read as read_plain
from rnnkit.runner.tables.units import UNITS, unit_of

RESULTS = Path(__file__).resolve().parents[2] / "results"
COMMITTED = sorted(path.parent for path in RESULTS.glob("*/*/table.csv"))


def test_numbers_names_and_units():
    tables = rnnkit.results.read(RESULTS / "quick" / "gradient_flow")
    table = tables.table
    assert sorted(table["clip"].unique()) == [1, float("inf")]
    assert table.gain.isna().all()
    assert table.status.dtype == "category"
    assert list(table.cell.cat.categories) == ["tanh"]
    assert table.attrs["units"]["growth_rate"] == table.attrs["units"]["growth_rate_se"] == "nats per step"
    assert table.attrs["units"]["seq_len"] == "steps"
    assert "cell" not in table.attrs["units"]
    joined = tables.lags.merge(table[["out", "spectral_radius"]], on="out")
    assert len(joined) == len(tables.lags)


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_committed_table_has_the_same_cells(folder):
    for typed, plain in zip(rnnkit.results.read(folder), read_plain(folder), strict=True):
        assert list(typed) == list(plain)
        for name in plain:
            assert is_numeric_dtype(typed[name]) == is_numeric_dtype(plain[name])
            pd.testing.assert_series_equal(typed[name].astype(plain[name].dtype), plain[name], check_dtype=False)


def test_categories_keep_the_order_of_the_table(tmp_path):
    text = "cell,note,out,status\ntanh,a b,jobs/1,done\nlstm,,jobs/2,done\ngru,c d,jobs/3,diverged\nlstm,,jobs/4,done\n"
    (tmp_path / "table.csv").write_text(text)
    (tmp_path / "nets.csv").write_text("")
    (tmp_path / "lags.csv").write_text("")
    table, nets, *_ = rnnkit.results.read(tmp_path)
    assert list(table.cell.cat.categories) == ["tanh", "lstm", "gru"]
    assert table.note.dtype != "category"  # prose
    assert table.out.dtype != "category"  # joins tables
    assert (len(nets), nets.attrs["units"]) == (0, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(table.groupby("cell", observed=True).size().index) == ["tanh", "lstm", "gru"]


def test_a_folder_without_tables_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"^folder must be the `out` of a sweep, got .*, which has no table\.csv$"):
        rnnkit.results.read(tmp_path)


def test_each_unit_is_of_a_column_that_is_there():
    names = {name for folder in COMMITTED for frame in read_plain(folder) for name in frame}
    assert {unit_of(name) for name in names} - {""} == set(UNITS)


@pytest.mark.parametrize(
    ("column", "unit"),
    [("log10_grad_h0", "decades"), ("median_first", "updates"), ("wilson_low", ""), ("error_se", "share"),
     ("log_norm_sd", "nats"), ("largest_exponent", "nats per step"), ("n", "count"), ("network", ""), ("w", "")],
)  # fmt: skip
def test_units(column, unit):
    assert unit_of(column) == unit


def test_a_name_that_the_package_does_not_have_is_told():
    with pytest.raises(AttributeError, match=r"^module 'rnnkit' has no attribute 'result'$"):
        rnnkit.result  # noqa: B018
