"""A table on a terminal: what all rows share once, then as many columns as fit beside each other."""

import re
import textwrap
from typing import Any

import pandas as pd
from pandas.api.types import is_float_dtype

from rnnkit.runner.tables.formats import spelt

DIGITS = ".4g"
GAP = 2  # blanks between columns
LONGEST = 40  # characters of a cell
NARROW = 10  # characters of a line of a column's name, at least


def shared_and_own(table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return (`key = value` of what every row says, the columns in which rows differ).

    `status` stays a column, the first one where not all jobs are done.
    """
    shared = [c for c in table if len(table) > 1 and c != "status" and table[c].map(cell).nunique() == 1]
    said = ", ".join(f"{c} = {text}" for c in shared if (text := cell(table[c].iloc[0])))
    own = table.drop(columns=[*shared, "out"], errors="ignore")
    if "status" in own and (own["status"] != "done").any():
        own = own[["status", *own.columns.drop("status")]]
    return said, own


def cell(value: Any) -> str:
    """Return a cell as it is shown: numbers by four digits, one line, the end of a long text left out."""
    if isinstance(value, float):
        return "" if value != value else f"{value:{DIGITS}}" if abs(value) != float("inf") else spelt(value)
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def values_of(column: pd.Series) -> list[Any]:
    """Return the values of a column; integers stay integers where a job without results has none."""
    known = column.dropna()
    if is_float_dtype(column) and len(known) < len(column) and (known % 1 == 0).all():
        return [value if value != value else int(value) for value in column]
    return list(column)


def _head(name: str, width: int) -> list[str]:
    """Return a column's name in lines that are not much wider than its cells: broken after an underscore."""
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+$", name):
        if lines[-1] and len(lines[-1]) + len(part) > max(width, NARROW):
            lines.append("")
        lines[-1] += part
    return lines


def fitted(shared: str, table: pd.DataFrame, width: int, rows: int) -> list[str]:
    """Return the lines of a table of at most `rows` rows, none wider than `width` unless its first column is."""
    bodies = [[cell(value) for value in values_of(table[name])[:rows]] for name in table]
    heads = [_head(str(name), max(map(len, body), default=0)) for name, body in zip(table, bodies, strict=True)]
    high = max(map(len, heads), default=0)
    shown = [[""] * (high - len(head)) + head + body for head, body in zip(heads, bodies, strict=True)]
    columns = [[text.rjust(max(map(len, texts))) for text in texts] for texts in shown]
    fit, used = 0, 0
    for column in columns:
        used += len(column[0]) + GAP
        if fit and used - GAP > width:
            break
        fit += 1
    body = [(" " * GAP).join(cells).rstrip() for cells in zip(*columns[:fit], strict=True)]
    lines = [*textwrap.wrap(shared, width, break_on_hyphens=False), *([""] if shared else []), *body]
    more = [counted(len(table) - rows, "more row")] if len(table) > rows else []
    left = [str(name) for name in table.columns[fit:]]
    more += [f"{counted(len(left), 'more column')}: {', '.join(left)}"] if left else []
    return [*lines, *textwrap.wrap(f"and {'; '.join(more)}", width, break_on_hyphens=False)] if more else lines


def of_one_row(table: pd.DataFrame, width: int) -> list[str]:
    """Return the lines of a table of one row: its keys, then a line for each result; keys stand before `out`."""
    keys = list(table)[: list(table).index("out")] if "out" in table else []
    said = ", ".join(f"{key} = {text}" for key in keys if (text := cell(table[key].iloc[0])))
    results = {name: text for name in table if name not in (*keys, "out") if (text := cell(table[name].iloc[0]))}
    longest = max(map(len, results), default=0)
    return [*textwrap.wrap(said, width, break_on_hyphens=False), "",
            *(f"{name:{longest}}  {text}" for name, text in results.items())]  # fmt: skip


def counted(n: int, what: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{n} {what}{'s' * (n != 1)}"
