"""Two tables of the same columns side by side, and the rule that judges each cell.

rounding   numbers that agree to six digits are the same; the rest is for those that do not
count      so many nets of n, or a share of n that is whole nets: Fisher's exact test. A mean over nets of what lies
           between 0 and 1 varies no more than a share of whole nets does: it is tested as the nearest count
se         a mean with a standard error, `<name>_se` or that of its nets: |a - b| <= 4 sqrt(se1^2 + se2^2); with few
           nets not 4 but what is as improbable by Student's t. Nets of nets.csv pair up by their seeds: the mean of
           their changes is held to its own standard error, too, beyond three digits
rank       median, largest, least or sum over nets: the Mann-Whitney test of the nets' own values
spread     a standard error itself: the same test of the nets' distances from their median. Without nets, and of an
           interval: the same where its estimate is, else it is the bound of its estimate and no more
none       not compared, and named: means of one net or of none, and what the experiment declares in WITHOUT_SPREAD;
           where neither nets.csv nor history.csv tells the job's runs apart that must agree to three digits

All else must be the same, numbers to six digits: text, status, what no chance enters. A row or column on one side
differs. Which column of nets.csv is behind one of table.csv is found out: a summary of it gives that one in every row.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnkit.runner.claims.agreement import LOOSER, Judged, are_numbers, by_count, by_nets, by_rank, by_se, exactly, same
from rnnkit.runner.tables.formats import spelt
from rnnkit.runner.tables.table import Tables

COUNTS = ("n_solved", "n_unsolved", "n_diverged", "n_held")  # n_nonfinite counts numbers, not nets
SHARES = {"share", "fraction"}  # words of a column's name
INTERVALS = {"wilson_low": "solved_share", "wilson_high": "solved_share"}
SUMMARIES = {"mean": np.mean, "median": np.median, "max": np.max, "min": np.min, "sum": np.sum}
GIVEN = 1e-7  # relative: nets.csv has 9 digits
DECLARED = "declared without spread"


class Kind(NamedTuple):
    """How the cells of a column are judged: rule, column of nets.csv, its summary."""

    rule: str
    name: str = ""
    how: str = ""


class Pair:
    """Both tables by `out`, the values of their nets, and how each column is judged."""

    def __init__(self, old: Tables, new: Tables, declared: Collection[str] = ()) -> None:
        self.tables = old.table.set_index("out"), new.table.set_index("out")
        self.keys = list(old.table.columns[: list(old.table.columns).index("out")])
        both = pd.concat(self.tables)[self.keys].map(str)
        self.varied = [key for key in self.keys if both[key].nunique() > 1]
        self.shared = [out for out in self.tables[0].index if out in self.tables[1].index]
        self.nets = [_by_job(side.nets) for side in (old, new)]
        self.history = [_by_job(side.history) for side in (old, new)]
        names = [set(side.nets.select_dtypes("number").columns) - {"replicate"} for side in (old, new)]
        self.names = sorted(names[0] & names[1], key=len, reverse=True)
        self.declared, self.sources = declared, {}

    def where(self, out: str) -> str:
        """Return the keys in which a row differs from others, with their values."""
        table = self.tables[0] if out in self.tables[0].index else self.tables[1]
        return ", ".join(f"{key}={spelt(table.at[out, key])}" for key in self.varied if key in table) or out

    def cells(self, column: str, out: str) -> tuple[Any, Any]:
        """Return the value of both sides."""
        return self.tables[0].at[out, column], self.tables[1].at[out, column]

    def values(self, name: str, out: str, how: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the nets' values of both sides; what a net never reached is last in a median, else left out."""
        found = [nets[out][name] if out in nets else pd.Series(dtype=float) for nets in self.nets]
        return tuple((v.fillna(np.inf) if how == "median" else v.dropna()).to_numpy(float) for v in found)

    def net_by_net(self, name: str, out: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the nets' values of both sides in the order of their replicates, nan where a net has none."""
        order = [nets[out].sort_values("replicate") if "replicate" in nets[out] else nets[out] for nets in self.nets]
        return tuple(nets[name].to_numpy(float) for nets in order)

    def source(self, column: str) -> tuple[str, str]:
        """Return (column of nets.csv, its summary) that gives this column in every row of both sides, or ("", "")."""
        if column not in self.sources:
            names = [name for name in self.names if set(name.split("_")) <= set(column.split("_"))]
            pairs = [(name, how) for name in names for how in SUMMARIES]
            found = (pair for pair in pairs if all(self._gives(column, *pair, out) for out in self.shared))
            self.sources[column] = next(found, ("", ""))
        return self.sources[column]

    def _gives(self, column: str, name: str, how: str, out: str) -> bool:
        for cell, values in zip(self.cells(column, out), self.values(name, out, how), strict=True):
            found = SUMMARIES[how](values) if len(values) else np.nan
            found = np.nan if np.isinf(found) else found
            size = np.abs(values[np.isfinite(values)]).max(initial=0.0)
            if not np.isclose(float(cell), found, rtol=GIVEN, atol=GIVEN * size, equal_nan=True):
                return False
        return True

    def same_way(self, out: str) -> bool:
        """Return whether nothing in nets.csv and history.csv tells the job's two runs apart."""
        found = []
        for old, new in ([side.get(out, pd.DataFrame()) for side in sides] for sides in (self.nets, self.history)):
            numbers = old.select_dtypes("number").columns
            found += [len(old) == len(new) and bool(same(old[numbers], new[numbers]).all())] if len(old) else []
        return bool(found) and all(found)

    def kind(self, column: str) -> Kind:
        """Return how the cells of a column are judged that are not the same."""
        if column in self.declared:
            return Kind("none")
        if column.endswith("_se") or column in INTERVALS:
            return Kind("spread")
        if column in self.keys or not all(pd.api.types.is_numeric_dtype(table[column]) for table in self.tables):
            return Kind("rounding")
        share, (name, how) = bool(SHARES & set(column.split("_"))), self.source(column)
        nets = np.concatenate([(table[column] * table["n"]).to_numpy(float) for table in self.tables])
        if column in COUNTS or (share and same(nets, np.round(nets)).all()):
            return Kind("count")
        if how == "mean" or f"{column}_se" in self.tables[0]:
            return Kind("se", name if how == "mean" else "")
        return Kind("rank" if how else "count" if share else "rounding", name, how)

    def unseen(self) -> list[str]:
        """Return the columns of nets.csv that are not the same and stand behind no column of table.csv."""
        used = {name for name, _ in self.sources.values()} | set(self.tables[0].columns)
        others = [name for name in self.names if name not in used]
        return sorted(name for name in others if not all(self._still(name, out) for out in self.shared))

    def _still(self, name: str, out: str) -> bool:
        old, new = self.values(name, out, "median")
        return len(old) == len(new) and bool(same(old, new).all())

    def judge(self, column: str, out: str, kind: Kind) -> Judged:
        """Judge one cell by the rule of its column."""
        cells, n = self.cells(column, out), self.cells("n", out)
        exact = exactly(*cells)
        if exact.agrees or kind.rule == "rounding":
            return exact
        if kind.rule == "none":
            near = exactly(*cells, size=LOOSER * abs(cells[0])) if are_numbers(*cells) else exact
            return near if self.same_way(out) else Judged("none", True, DECLARED)
        if kind.rule == "spread":
            return self._spread(column, out)
        if kind.rule == "rank":
            return by_rank(self.values(kind.name, out, kind.how))
        if kind.rule == "count":
            counts = cells if column in COUNTS else np.multiply(cells, n)
            possible = all(0 <= k <= m for k, m in zip(counts, n, strict=True))  # nan is not
            return by_count(tuple(round(k) for k in counts), tuple(map(int, n))) if possible else exact
        se = self.cells(f"{column}_se", out) if f"{column}_se" in self.tables[0] else (np.nan, np.nan)
        judged = by_se(cells, se)
        return by_nets(*self.net_by_net(kind.name, out)) if kind.name and judged.agrees else judged

    def _spread(self, column: str, out: str) -> Judged:
        """Judge a standard error or the end of an interval."""
        estimate = INTERVALS.get(column, column.removesuffix("_se"))
        if estimate not in self.tables[0]:
            return exactly(*self.cells(column, out))
        (name, how), cells = self.source(estimate), self.cells(estimate, out)
        nets = self.values(name, out, how) if how == "mean" and column not in INTERVALS else ()
        still = self._still(name, out) if nets else exactly(*cells).agrees
        if still and not any(map(pd.isna, cells)):
            pair = self.cells(column, out)
            return exactly(*pair, size=max(np.abs(nets[0])) if nets else LOOSER * abs(pair[0]))
        if nets and min(map(len, nets)):
            return by_rank(tuple(np.abs(v - np.median(v)) for v in nets), "spread")
        return Judged("spread", True)


def _by_job(details: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return dict(list(details.groupby("out"))) if len(details) else {}
