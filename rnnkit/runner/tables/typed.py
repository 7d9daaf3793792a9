"""Tables of a sweep for people: numbers as numbers, names as categories, and the unit of each column that has one."""

import re
from collections.abc import Collection
from pathlib import Path

from pandas import Categorical, DataFrame, Series
from pandas.api.types import is_numeric_dtype

from rnnkit.runner.tables.table import Tables
from rnnkit.runner.tables.table import read as read_plain
from rnnkit.runner.tables.units import unit_of

NAME = re.compile(r"[\w.+/-]+")  # what a category is called; other text is prose


def read(folder: str | Path, text: Collection[str] = ()) -> Tables:
    """Return (table, nets, lags, history) of a sweep's `out`: a row for each job, net, lag and check of a training.

        table = rnnkit.results.read("outputs/first").table
        table[table["clip"] <= 1]            # none is inf in clip, NaN in every other column of numbers
        table.attrs["units"]["growth_rate"]  # nats per step

    An empty cell is NaN. A column of names, as `cell` and `status`, is a category whose order is that of the table;
    `out`, the folder of a job's record, by which the other three are joined to the table, stays text. text: columns
    that stay text though every cell looks like a number. attrs["units"] has the unit of each column that has one.
    Raises ValueError for a folder without tables.
    """
    if not Path(folder, "table.csv").is_file():
        begun = Path(folder, "plan.json").is_file()
        why = f"whose tables are still to be made: rnnkit collect {folder}" if begun else "which has no table.csv"
        there = why if Path(folder).is_dir() else "which is not there"
        raise ValueError(f"folder must be the `out` of a sweep, got {folder}, {there}")
    try:
        return Tables(*map(_typed, read_plain(folder, text, measured=False)))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"folder must have the tables of a sweep, got {folder} ({error})") from None


def _typed(frame: DataFrame) -> DataFrame:
    names = [name for name in frame if name != "out" and _holds_names(frame[name])]
    typed = frame.assign(**{name: Categorical(frame[name], frame[name].dropna().unique()) for name in names})
    typed.attrs["units"] = {name: unit for name in typed if (unit := unit_of(name))}
    return typed


def _holds_names(column: Series) -> bool:
    return not is_numeric_dtype(column) and all(NAME.fullmatch(cell) for cell in column.dropna().map(str))
