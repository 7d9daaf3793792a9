"""One experiment made again: its tables and its claims held against the committed ones, in lines for people.

Which rule judges a column of table.csv stands in `paired`. A mean in lags.csv with a standard deviation beside it is a
mean over nets; all else there is exact. nets.csv speaks through what table.csv makes of it; history.csv does not count.
"""

from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnnkit.runner.claims.agreement import LOOSER, RULES, Comparison, Judged, by_se, exactly, same
from rnnkit.runner.claims.claim import Judgement
from rnnkit.runner.claims.paired import DECLARED, Pair
from rnnkit.runner.tables.table import FILES, Tables, read


class Checked(NamedTuple):
    """What became of one experiment, `same bytes`, `agree` or `differs`, and the lines that say so."""

    outcome: str
    lines: list[str]


def check(name: str, module: ModuleType, committed: Path, new: Path) -> Checked:
    """Compare the tables in two folders, and the claims that the experiment makes from them."""
    if not (committed / "table.csv").exists():
        return Checked("differs", [f"{name}: differs: {committed} holds no table.csv to compare with"])
    equal = [file for file in FILES if _bytes(committed / file) == _bytes(new / file)]
    old, fresh = read(committed), read(new)
    if len(equal) == len(FILES):
        return Checked("same bytes", [f"{name}: {len(old.table)} rows, same bytes"])
    declared = getattr(module, "WITHOUT_SPREAD", ())
    tables, claims = compare_tables(old, fresh, declared), Comparison()
    if list(old.table) == list(fresh.table) and list(old.table.out) == list(fresh.table.out):
        known = [value for column in declared for value in old.table[column]]
        claims = compare_claims(module.claims(old), module.claims(fresh), known)
    else:
        claims.remarks.append("not compared: claims, since rows or columns are not the same")
    differences = tables.differences + claims.differences
    notes = tables.notes() + claims.notes() + _history(old, fresh)
    equal = [file for file in equal if (committed / file).exists() and (committed / file).stat().st_size > 1]
    said = [f"columns {tables.summary()}", f"claims {claims.summary()}" if claims.rules else ""]
    said = "; ".join(part for part in (*said, f"same bytes {', '.join(equal)}" if equal else "") if part)
    outcome = "differs" if differences else "agree"
    first = f"{name}: {len(old.table)} rows, {outcome}: {said}"
    return Checked(outcome, [first, *(f"  differs: {line}" for line in differences), *(f"  {line}" for line in notes)])


def compare_tables(old: Tables, new: Tables, declared: Collection[str] = ()) -> Comparison:
    """Compare table.csv, and lags.csv job by job."""
    found, pair = Comparison(), Pair(old, new, declared)
    for side, other, word in zip(pair.tables, pair.tables[::-1], ("committed", "new"), strict=True):
        found.differences += [f"{pair.where(out)}: a row that is {word} alone" for out in side.index.drop(pair.shared)]
        found.differences += [f"{column}: a column that is {word} alone" for column in side if column not in other]
    for column in [column for column in pair.tables[0] if column in pair.tables[1] and pair.shared]:
        kind = pair.kind(column)
        for out in pair.shared:
            found.add(pair.where(out), column, pair.cells(column, out), pair.judge(column, out, kind))
    if unseen := pair.unseen():
        found.remarks.append(f"not compared: {', '.join(unseen)} of nets.csv, of which table.csv has no summary")
    for out in pair.shared if len(old.lags) or len(new.lags) else ():
        sides = tuple(side.lags[side.lags.out == out].drop(columns="out").reset_index(drop=True) for side in (old, new))
        compare_lags(found, pair.where(out), sides, pair.cells("n", out))
    return found


def compare_lags(found: Comparison, where: str, sides: tuple[pd.DataFrame, pd.DataFrame], n: tuple[int, int]) -> None:
    """Compare the lags of one job: what has a standard deviation beside it as a mean over n nets, all else exactly."""
    old, new = sides
    if list(old) != list(new) or len(old) != len(new):
        found.differences.append(f"{where}: lags.csv: committed {old.shape} rows and columns, new {new.shape}")
        return
    for column in old:
        judged = _judge_lags(column, sides, n)
        worst = next((i for i, j in enumerate(judged) if not j.agrees), None)
        if worst is None:
            worst = max(range(len(judged)), key=lambda i: list(RULES).index(judged[i].rule), default=None)
        if worst is not None:
            wrong = sum(not j.agrees for j in judged)
            place = f"{where}: {old.columns[0]}={old.iloc[worst, 0]}" + (f", the first of {wrong}" if wrong > 1 else "")
            found.add(place, f"lags.csv {column}", (old[column][worst], new[column][worst]), judged[worst])


def _judge_lags(column: str, sides: tuple[pd.DataFrame, pd.DataFrame], n: tuple[int, int]) -> list[Judged]:
    mean = column.removesuffix("_sd")
    if mean != column and mean in sides[0] and not same(*(side[mean] for side in sides)).all():
        return [Judged("spread", True)] * len(sides[0])
    found = []
    for i, values in enumerate(zip(*(side[column] for side in sides), strict=True)):
        judged = exactly(*values, size=LOOSER * abs(values[0]) if mean != column and mean in sides[0] else 0.0)
        if not judged.agrees and f"{column}_sd" in sides[0]:
            se = tuple(side[f"{column}_sd"][i] / np.sqrt(m) for side, m in zip(sides, n, strict=True))
            judged = by_se(values, se)
        found.append(judged)
    return found


def compare_claims(old: list[Judgement], new: list[Judgement], without_spread: Collection[float] = ()) -> Comparison:
    """Compare judged claims in their order.

    A claim that measures a value of `without_spread`, or that measured nothing on one side, is compared by its verdict
    alone. Of two that agree, a changed verdict differs between holds and fails; undecided is where chance may decide,
    so a change to or from it is a remark.
    """
    found = Comparison()
    if [one.claim.claim for one in old] != [one.claim.claim for one in new]:
        names = [" ".join(dict.fromkeys(one.claim.claim for one in claims)) or "none" for claims in (old, new)]
        found.differences.append(f"claims: {len(old)} committed ({names[0]}), {len(new)} new ({names[1]})")
        return found
    for i, (a, b) in enumerate(zip(old, new, strict=True)):
        judged, sentence = _judge(a, b, without_spread), f"claim {a.claim.claim}, {a.statement}"
        found.add(f"{i + 1} of {len(old)}", sentence, (a.measured, b.measured), judged)
        if a.verdict != b.verdict:
            decided = judged.agrees and "undecided" not in (a.verdict, b.verdict)
            (found.differences if decided else found.remarks).append(
                f"{sentence}: {a.verdict} committed, {b.verdict} new"
            )
    return found


def _judge(a: Judgement, b: Judgement, without_spread: Collection[float]) -> Judged:
    exact = exactly(a.measured, b.measured)
    if exact.agrees:
        return exact
    if a.measured in without_spread:
        return Judged("none", True, DECLARED)
    if max(a.se, b.se) > 0 or np.isnan([a.measured, b.measured, a.se, b.se]).any():
        return by_se((a.measured, b.measured), (a.se, b.se))
    return exact


def _history(old: Tables, new: Tables) -> list[str]:
    """Return a note where the histories of training are not the same by rounding."""
    a, b = old.history, new.history
    numbers = a.select_dtypes("number").columns
    if list(a) == list(b) and len(a) == len(b) and same(a[numbers], b[numbers]).all():
        return []
    return ["not compared: history.csv, means over the nets still in training"]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
