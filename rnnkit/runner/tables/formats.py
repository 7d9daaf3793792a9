"""How tables are spelt: csv that any tool reads, Markdown for people, and csv read back with its numbers as numbers."""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

NO_CLIP = math.inf
NONE = {"clip": NO_CLIP, "gain": math.nan, "spectral_radius": math.nan}  # what the word stands for in these columns
BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
SPECIAL = re.compile(r"[\\|`]|<(?=[A-Za-z/!?])")  # what ends a cell, or makes of it something else than text


def to_csv(frame: pd.DataFrame, float_format: str | None = None) -> str:
    """Return a table as csv: UTF-8, commas, lines that end in a line feed on every system."""
    # csv leaves a carriage return unquoted before Python 3.13, and readers take it for the end of a row
    odd = any(isinstance(cell, str) and "\r" in cell for name in frame for cell in frame[name])
    quoting = csv.QUOTE_NONNUMERIC if odd else csv.QUOTE_MINIMAL
    return frame.to_csv(index=False, float_format=float_format, quoting=quoting, lineterminator="\n")


def read_csv(path: str | Path, text: Collection[str] = (), without: Collection[str] = ()) -> pd.DataFrame:
    """Return a table that a sweep wrote: numbers as numbers, text as text, an empty cell as NaN.

    In a column of numbers the word none is NaN: no such number was given. In `clip`, which is a bound, it is inf: so
    `d[d["clip"] <= 1]` and `d.groupby("clip")` do what they say. A column that holds other words too is text. Write
    d["clip"]: d.clip is a method of DataFrame. text: columns that stay text though every cell looks like a number, as
    a sample of digits does. without: rows of these statuses are left out before a column gets its type, so that their
    empty cells do not make floats of integers. A table without rows and columns is an empty one.
    """
    content = _content(path, without)
    if not content.strip():
        return pd.DataFrame()
    as_text = dict.fromkeys(text, str)
    table = pd.read_csv(io.StringIO(content), keep_default_na=False, na_values=[""], dtype=as_text)
    worded = [name for name in table if name not in text and (table[name] == "none").any()]
    if worded:
        numbers = pd.read_csv(io.StringIO(content), keep_default_na=False, na_values=["", "none"], usecols=worded)
        for name in worded:
            known = name in NONE or numbers[name].notna().any()  # nothing but none may be a word
            if known and is_numeric_dtype(numbers[name]) and not is_bool_dtype(numbers[name]):
                table[name] = numbers[name].astype(float).mask(table[name] == "none", NONE.get(name, math.nan))
    return table


def _content(path: str | Path, without: Collection[str]) -> str:
    with open(path, encoding="utf-8", newline="") as file:
        content = file.read()
    if not without or not content.strip():
        return content
    cells = pd.read_csv(io.StringIO(content), keep_default_na=False, dtype=str)
    left_out = cells["status"].isin(without) if "status" in cells else pd.Series(False, cells.index)
    return to_csv(cells[~left_out]) if left_out.any() else content


def spelt(value: Any) -> str:
    """Return the value of a key as it is typed: what `read_csv` makes of none is none again."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if isinstance(value, float) and not math.isfinite(value) else str(value)


def markdown_text(text: str) -> str:
    """Return any text as one cell of a Markdown table that shows it: | is escaped, a line break is <br>."""
    return "<br>".join(SPECIAL.sub(r"\\\g<0>", _printable(line)) for line in BREAK.split(text))


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else repr(c)[1:-1] for c in line)
