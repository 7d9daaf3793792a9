"""Tables as text: csv for any tool, Markdown that shows any text, numbers that come back as numbers."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.api.types import is_float_dtype

from rnnkit.runner.claims import Claim, pages, report
from rnnkit.runner.jobs import store
from rnnkit.runner.tables import formats
from rnnkit.runner.tables import table as tables

RESULTS = Path(__file__).resolve().parents[2] / "results"
ODD = [
    "he|lo",
    "a\nb",
    "a\rb",
    "a\r\nb",
    "\n",
    "x\u2028y",
    "\\|",
    "`a|b`",
    "<b>",
    "\x07",
    'say "no"',
    " a ",
    "a,b",
    "é",
]
UTF8 = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def written(tmp_path, **columns):
    path = tmp_path / "table.csv"
    store.write_whole(path, formats.to_csv(pd.DataFrame(columns, dtype=object)))
    return path


@pytest.mark.parametrize(("name", "stands_for"), [("clip", math.inf), ("spectral_radius", math.nan),
                                                  ("gain", math.nan), ("a_key_of_mine", math.nan)])  # fmt: skip
def test_a_column_of_numbers_is_numbers_though_one_is_none(tmp_path, name, stands_for):
    d = formats.read_csv(written(tmp_path, **{name: ["none", 1.0, None, 0.1 + 0.2]}))
    assert is_float_dtype(d[name])
    np.testing.assert_array_equal(d[name], [stands_for, 1.0, math.nan, 0.1 + 0.2])
    assert len(d[d[name] == 1.0]) == 1


def test_integers_stay_integers_without_the_rows_that_have_none(tmp_path):
    path = written(tmp_path, n=[64, None, 2], note=["a\rb", "", "x,y"], status=["done", "missing", "diverged"])
    assert list(formats.read_csv(path).n.dropna()) == [64.0, 2.0]
    d = formats.read_csv(path, without=("missing",))
    assert (d.n.dtype.kind, list(d.n), list(d.note)) == ("i", [64, 2], ["a\rb", "x,y"])
    assert len(formats.read_csv(path, without=("error",))) == 3


def test_a_column_of_nothing_but_none_is_what_the_key_is(tmp_path):
    d = formats.read_csv(written(tmp_path, clip=["none"] * 2, spectral_radius=["none"] * 2, path=["none"] * 2))
    assert list(d["clip"]) == [math.inf] * 2
    assert d.spectral_radius.isna().all()
    assert is_float_dtype(d.spectral_radius)
    assert list(d.path) == ["none"] * 2


def test_text_stays_text(tmp_path):
    columns = {"start": ["none", "1.5", "glorot"], "note": ["nan", "NA", "null"], "sample": ["007", "1", "2"]}
    path = written(tmp_path, **columns)
    d = formats.read_csv(path, text=["sample"])
    assert {name: list(d[name]) for name in d} == columns
    assert list(formats.read_csv(path)["sample"]) == [7, 1, 2]  # what it looks like, where nothing is said


def test_an_empty_table_is_one_without_columns(tmp_path):
    (tmp_path / "nets.csv").write_text("\n")
    assert formats.read_csv(tmp_path / "nets.csv").empty


@pytest.mark.parametrize("value", ["none", 1.0, 0.1, 3, "glorot"])
def test_a_value_is_spelt_as_it_was_typed(tmp_path, value):
    (back,) = formats.read_csv(written(tmp_path, clip=[value]))["clip"]
    assert formats.spelt(back) == str(value)


@pytest.mark.parametrize("folder", sorted(p.parent for p in RESULTS.glob("*/*/table.csv")), ids=lambda p: p.name)
def test_every_committed_table_has_its_clip_in_numbers(folder):
    table = tables.read(folder).table
    assert all(is_float_dtype(table[name]) for name in set(table) & set(formats.NONE) - {"start"})


@given(UTF8)
def test_any_text_comes_back_from_csv_whatever_reads_it(tmp_path_factory, text):
    path = written(tmp_path_factory.mktemp("csv"), sample=[text, "z"], n=[1, 2])
    d = formats.read_csv(path, text=["sample"])
    assert (list(d["sample"]), list(d.n)) == ([text, "z"], [1, 2])
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows == [["sample", "n"], [text, "1"], ["z", "2"]]


@given(st.one_of(UTF8, st.sampled_from(ODD)))
def test_any_text_is_one_cell_of_table_md(text):
    table = tables.table_markdown(pd.DataFrame({"sample": [text, "z"], "n": [1, 2]}, dtype=object))
    _, body = table.split("\n\n")
    assert [cells(line) for line in body.splitlines()] == [2] * 4


def cells(line):
    """Return the number of cells of a row of a Markdown table, where \\ escapes what follows."""
    bars = sum(c == "|" for i, c in enumerate(line) if (len(line[:i]) - len(line[:i].rstrip("\\"))) % 2 == 0)
    return bars - 1


@pytest.mark.parametrize(("text", "cell"), [
    ("he|lo", "he\\|lo"), ("a\nb\r\nc", "a<br>b<br>c"), ("\\|", "\\\\\\|"), ("<b>`x`", "\\<b>\\`x\\`"),
    ("a < .5, b_c *d*", "a < .5, b_c *d*"), ("\x07\t", "\\\\x07\\\\t"), ("un\u00a0deux", "un\u00a0deux"),
])  # fmt: skip
def test_what_would_break_a_cell_is_escaped_and_no_more(text, cell):
    assert formats.markdown_text(text) == cell


def test_what_all_rows_share_stays_one_line():
    table = pd.DataFrame({"text": ["a\n\nb|c"] * 2, "n": [1, 2]}, dtype=object)
    assert tables.table_markdown(table).split("\n\n")[0] == "text = a<br><br>b\\|c"


def test_a_claim_with_a_bar_is_one_cell_of_the_report(tmp_path):
    about = {"statement": "ln ||dL/dh||", "source": "source", "reason": "|reason|", "bar": 0.0, "margin": 0.1}
    claim = Claim(claim="S10", class_="check", kind="equal", **about).judge(1.0, 0.0, 3)
    pages.write(tmp_path, [report.Judged("x", "quick", 1.0, [claim])])
    page = (tmp_path / "quick" / "x" / "README.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if "dL/dh" in line]
    assert [cells(row) for row in rows] == [9]


def test_files_have_the_same_line_ends_on_every_system(tmp_path, monkeypatch):
    monkeypatch.setattr("os.linesep", "\r\n")
    path = written(tmp_path, n=[1, 2])
    assert path.read_bytes() == b"n\n1\n2\n"
