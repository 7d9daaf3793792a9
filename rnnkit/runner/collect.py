"""Tables from the records that are there, at any time: `python -m rnnkit.runner.collect DIR`.

Jobs may outlive the command that has started them, on a cluster above all. This reads what they have left.
"""

import argparse
import json
import sys
from pathlib import Path

from rnnkit.runner import experiment, store, tables
from rnnkit.runner.experiment import Experiment

FAILED = ("error", "missing", "interrupted")
SHOWN = 10


def collect(what: Experiment, out: Path, note: str = "") -> int:
    """Write the tables and pictures of `out`, tell how its jobs ended, return the exit code.

    note: ends the first line of what is told.
    """
    try:
        with store.claim(out, wait=True):  # one client at a time writes plans and tables
            plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
            records = tables.collect(out, plan, what.columns)
        code = _tell(what, out, records, note)
        _draw(what, out, {record["row"]["status"] for record in records})
        return code
    except BrokenPipeError:  # nobody listens, and the tables are there
        raise
    except OSError as problem:
        print(f"{what.name}: tables and pictures cannot be written: {problem}", file=sys.stderr)
        return 1


def _draw(what: Experiment, out: Path, statuses: set[str]) -> None:
    """Draw what is done; a picture may need a row that is not."""
    if not what.draw or "done" not in statuses:
        return
    try:
        with store.claim(out, wait=True):
            what.draw(out)
    except Exception as problem:
        if isinstance(problem, OSError) or statuses == {"done"}:
            raise
        print(f"{what.name}: not all pictures could be drawn before all jobs are done: {problem!r}", file=sys.stderr)


def _tell(what: Experiment, out: Path, records: list[tables.Record], note: str) -> int:
    """Print how jobs ended; return the exit code."""
    statuses = [record["row"]["status"] for record in records]
    counts = ", ".join(f"{statuses.count(s)} {s}" for s in dict.fromkeys(statuses))
    print(f"{what.name}: {len(records)} jobs: {counts}{note}")
    others = [record for record in records if record["row"]["status"] != "done"]
    for record in others[:SHOWN]:
        print(f"  {record['row']['status']}: {record['out']}: {record.get('message') or 'no record'}")
    if len(others) > SHOWN:
        print(f"  and {len(others) - SHOWN} more: {out / 'problems.csv'}")
    if tables.is_mixed(records):
        print("  rows were computed by different code: see the table's last column")
    print(f"{what.name}: {out / 'table.csv'}", flush=True)
    return int(any(status in FAILED for status in statuses))


def main() -> None:
    """Collect the folders named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m rnnkit.runner.collect", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+", help="the `out` of a sweep")
    parser.add_argument("--experiment", type=Path, help="its experiment file, where that has moved")
    arguments = parser.parse_args()
    codes = [_collect_folder(out, arguments.experiment) for out in arguments.folder]
    sys.exit(max(codes))


def _collect_folder(out: Path, file: Path | None) -> int:
    owner = out / "sweep.json"
    try:
        if not owner.exists():
            raise ValueError(f"folder {out}: holds no sweep; allowed is the `out` of one")
        file = file or Path(json.loads(owner.read_text(encoding="utf-8"))["experiment"])
        return collect(experiment.load(file.resolve()), out)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    main()
