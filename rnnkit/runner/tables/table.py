"""Records to tidy tables: table.csv (a row for each job), nets.csv, lags.csv, history.csv, table.md.

What differs from run to run stands apart: timings.csv, provenance.json, problems.csv.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnkit.runner.jobs import store
from rnnkit.runner.tables.formats import markdown_text, read_csv, spelt, to_csv

DETAILS = ("nets", "lags", "history")
FILES = ("table.csv", *(f"{name}.csv" for name in DETAILS))  # what came out, and nothing of how and when
DETAIL_FORMAT = "%.9g"  # nets and lags: more digits than any standard error needs; table.csv keeps every digit
TABLE_MD_FORMAT = ".4g"
UNMEASURED = ("error", "missing", "interrupted")  # statuses of jobs that have no results
Record = dict[str, Any]


class Tables(NamedTuple):
    """The tables of one folder; all but the first carry the `out` of their job."""

    table: pd.DataFrame
    nets: pd.DataFrame
    lags: pd.DataFrame
    history: pd.DataFrame


def records_of(out: Path, plan: list[dict[str, Any]]) -> list[Record]:
    """Return a record for each planned job, in the order of the plan; one that is not there has status `missing`.

    asked: what tells a job from the others of its plan, as it is typed.
    """
    varied = [key for key in (plan[0] if plan else {}) if len({str(config.get(key)) for config in plan}) > 1]
    found = []
    for config in plan:
        job = f"jobs/{store.identity(config)}"
        record, damage = store.read_record(out / job, config)
        absent = {"row": {"status": "missing"}, "message": damage or "no record", "seconds": 0.0}
        asked = " ".join(f"{key}={spelt(config.get(key))}" for key in varied)
        found.append({"message": ""} | (record or absent) | {"config": config, "out": job, "asked": asked})
    return found


def collect(out: Path, plan: list[dict[str, Any]], columns: list[str]) -> list[Record]:
    """Write the tables of every planned job in the order of the plan; return the records.

    Column `out` holds the folder of the job's own record relative to the table, so that a table has the same bytes
    wherever it is made. Where rows were computed by different code, a last column `code` says which.
    """
    records = records_of(out, plan)
    keys = dict.fromkeys(key for record in records for key in record["config"])  # one that names no file has no digest
    table = pd.DataFrame([_row(record, keys, columns) for record in records], dtype=object)
    if mixed := is_mixed(records):
        table["code"] = [record.get("code") for record in records]
    store.write_whole(out / "table.csv", to_csv(table))
    store.write_whole(out / "table.md", MIXED * mixed + table_markdown(table))
    for name in DETAILS:
        found = [{"out": record["out"]} | detail for record in records for detail in record.get(name, [])]
        if found or name != "history":  # most experiments train nothing
            store.write_whole(out / f"{name}.csv", to_csv(pd.DataFrame(found), DETAIL_FORMAT))
    _write_circumstances(out, records)
    return records


MIXED = "**Rows of this table were computed by different versions of the code: see its last column.**\n\n"


def is_mixed(records: list[Record]) -> bool:
    """Return whether rows were computed by different code."""
    return len({record["code"] for record in records if "code" in record}) > 1


def _row(record: Record, keys: Iterable[str], columns: list[str]) -> dict[str, Any]:
    asked = {key: record["config"].get(key) for key in keys}
    return asked | {"out": record["out"]} | {column: record["row"].get(column) for column in columns}


def _write_circumstances(out: Path, records: list[Record]) -> None:
    """Write seconds by job, what the tables come from, and what became of jobs that are not done."""
    timings = [{"out": record["out"], "seconds": record["seconds"]} for record in records]
    store.write_whole(out / "timings.csv", to_csv(pd.DataFrame(timings)))
    store.write_whole(out / "provenance.json", json.dumps(provenance_of(records), indent=1) + "\n")
    problems = [
        {"job": record["asked"], "out": record["out"], "status": record["row"]["status"], "message": record["message"]}
        for record in records
        if record["row"]["status"] != "done"
    ]
    if problems:
        store.write_whole(out / "problems.csv", to_csv(pd.DataFrame(problems)))
    else:
        (out / "problems.csv").unlink(missing_ok=True)


def provenance_of(records: list[Record]) -> dict[str, Any]:
    """Return each field of the records' provenance with its values and how many jobs have each."""
    made = [record["provenance"] | {"code": record["code"]} for record in records if "provenance" in record]
    fields = dict.fromkeys(name for one in made for name in one if name not in ("started", "compile_seconds"))
    header: dict[str, Any] = {"jobs": len(records)}
    for name in fields:
        values = [str(one.get(name)) for one in made]
        header[name] = {value: values.count(value) for value in dict.fromkeys(values)}
    started = sorted(one["started"] for one in made)
    return header | {
        "started": [started[0], started[-1]] if started else [],
        "seconds": round(sum(record["seconds"] for record in records), 3),
        "compile_seconds": round(sum(one["compile_seconds"] for one in made), 3),
    }


def table_markdown(table: pd.DataFrame) -> str:
    """Return the table for people: columns that say the same in every row stand once, above it."""
    shared = [c for c in table if len(table) > 1 and c != "status" and table[c].map(str).nunique() == 1]
    said = ", ".join(f"{c} = {markdown_text(str(v))}" for c in shared if (v := table[c].iloc[0]) not in (None, ""))
    body = table.drop(columns=[*shared, "out"], errors="ignore")
    body = body.map(
        lambda v: "" if v is None else f"{v:{TABLE_MD_FORMAT}}" if isinstance(v, float) else markdown_text(str(v))
    )
    return f"{said}\n\n{body.to_markdown(index=False, disable_numparse=True)}\n"


def read(folder: str | Path, text: Collection[str] = (), measured: bool = True) -> Tables:
    """Return the tables of a sweep's `out`, as `rnnkit.runner.tables.formats.read_csv` reads each.

        table = read("outputs/first").table
        table[table["clip"] <= 1]    # none is inf in clip, NaN in all other columns of numbers

    text: columns that stay text though every cell looks like a number. measured: without the jobs that have no results,
    which have no rows in the other tables either; False keeps them. Raises FileNotFoundError where there is none.
    """
    paths = [Path(folder, f"{name}.csv") for name in ("table", *DETAILS)]
    there = [path for path in paths if path.stem != "history" or path.exists()]  # most experiments train nothing
    found = {path.stem: read_csv(path, text, UNMEASURED * measured) for path in there}
    return Tables(**{"history": pd.DataFrame()} | found)
