"""Records to tidy tables: table.csv (a row for each job), nets.csv, lags.csv, history.csv, table.md, timings apart."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnkit.runner import store

DETAILS = ("nets", "lags", "history")
DETAIL_FORMAT = "%.9g"  # nets and lags: more digits than any standard error needs; table.csv keeps every digit
TABLE_MD_FORMAT = ".4g"


class Tables(NamedTuple):
    """The tables of one folder; all but the first carry the `out` of their job."""

    table: pd.DataFrame
    nets: pd.DataFrame
    lags: pd.DataFrame
    history: pd.DataFrame


def collect(out: Path, plan: list[dict[str, Any]], columns: list[str]) -> list[dict[str, Any]]:
    """Write the tables of every planned job in the order of the plan; return the records.

    Column `out` holds the folder of the job's own record relative to the table, so that a table has the same bytes
    wherever it is made. A job without a record has status `missing`.
    """
    records, rows, timings = [], [], []
    details: dict[str, list[dict[str, Any]]] = {name: [] for name in DETAILS}
    for config in plan:
        job = f"jobs/{store.identity(config)}"
        record = store.read_record(out / job) or {
            "config": config,
            "row": {"status": "missing"},
            "seconds": 0.0,
        }
        records.append(record)
        measured = {column: record["row"].get(column) for column in columns}
        rows.append(config | {"out": job} | measured)
        for name, found in details.items():
            found += [{"out": job} | detail for detail in record.get(name, [])]
        timings.append({"out": job, "seconds": record["seconds"]})
    table = pd.DataFrame(rows, dtype=object)
    store.write_whole(out / "table.csv", table.to_csv(index=False))
    store.write_whole(out / "table.md", table_markdown(table))
    store.write_whole(out / "timings.csv", pd.DataFrame(timings).to_csv(index=False))
    for name, found in details.items():
        if found or name != "history":  # most experiments train nothing
            store.write_whole(out / f"{name}.csv", pd.DataFrame(found).to_csv(index=False, float_format=DETAIL_FORMAT))
    return records


def table_markdown(table: pd.DataFrame) -> str:
    """Return the table for people: columns that say the same in every row stand once, above it."""
    shared = [c for c in table if len(table) > 1 and c != "status" and table[c].map(str).nunique() == 1]
    said = ", ".join(f"{c} = {table[c].iloc[0]}" for c in shared if table[c].iloc[0] not in (None, ""))
    body = table.drop(columns=[*shared, "out"], errors="ignore")
    body = body.map(lambda v: "" if v is None else f"{v:{TABLE_MD_FORMAT}}" if isinstance(v, float) else str(v))
    return f"{said}\n\n{body.to_markdown(index=False, disable_numparse=True)}\n"


def read(folder: Path) -> Tables:
    """Return the tables of a folder that `collect` wrote; the words none and nan-free text stay text."""

    def load(name: str) -> pd.DataFrame:
        path = folder / f"{name}.csv"
        if (name == "history" and not path.exists()) or not path.read_text(encoding="utf-8").strip():
            return pd.DataFrame()
        return pd.read_csv(path, keep_default_na=False, na_values=[""])

    return Tables(load("table"), *(load(name) for name in DETAILS))
