"""Make the tables, pictures and page of a sweep from the records that are there: `rnnkit collect DIR`.

Jobs may outlive the command that has started them, on a cluster above all. This reads what they have left.
"""

import argparse
import os
import subprocess
import sys
import traceback
from collections.abc import Collection
from pathlib import Path

from rnnkit._user_files import describe
from rnnkit.runner import shipped
from rnnkit.runner.claims import report
from rnnkit.runner.claims.claim import COLUMNS, Judgement
from rnnkit.runner.jobs import experiment, sources, store
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.jobs.plan import lines_of, owner_of, read_plan
from rnnkit.runner.tables import page
from rnnkit.runner.tables import table as tables
from rnnkit.runner.tables.formats import to_csv

SHOWN = 10


def collect(what: Experiment, out: Path, note: str = "", named: Collection[str] | None = None) -> int:
    """Write the tables, pictures, verdicts and page of `out`, tell how its jobs ended, return the exit code.

    note: ends the first line of what is told. named: identities of the jobs that the exit code is of, default all.
    """
    try:
        with store.claim(out, wait=True):  # one client at a time writes plans and tables
            records = tables.collect(out, read_plan(out), what.columns)
        code = _tell(what, out, records, note, named)
        statuses = {record["row"]["status"] for record in records}
        code = _draw(what, out, statuses) or code
        _judge(what, out, statuses)
        with store.claim(out, wait=True):
            _say(f"{what.name}: {page.write(out, what.name, page.question_of(what.file), lines_of(out))}")
        return code
    except (OSError, ValueError) as problem:
        print(f"{what.name}: tables and pictures of {out} cannot be written: {problem}", file=sys.stderr)
        return 1


def _say(line: str) -> None:
    """Print a line; where nobody listens any more, as after `| head -1`, what is left to write is written."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _draw(what: Experiment, out: Path, statuses: set[str]) -> int:
    """Draw what is done; a picture may need a row that is not. Return 1 where an experiment's `draw` has a fault."""
    if not what.draw or "done" not in statuses:
        return 0
    try:
        with store.claim(out, wait=True):
            what.draw(out)
    except Exception as problem:
        if isinstance(problem, OSError):
            raise
        if statuses == {"done"}:
            print(f"{what.name}: the tables are written, but not all pictures could be drawn:", file=sys.stderr)
            traceback.print_exc()
            return 1
        print(f"{what.name}: not all pictures could be drawn before all jobs are done: {problem!r}", file=sys.stderr)
    return 0


def _judge(what: Experiment, out: Path, statuses: set[str]) -> None:
    """Judge the claims of what is done, write claims.csv and tell the verdicts; a claim may compare rows not there."""
    path, claims = out / "claims.csv", []
    if what.claims and "done" in statuses:
        try:
            claims = what.claims(tables.read(out))
            if not isinstance(claims, list) or not all(isinstance(one, Judgement) for one in claims):
                raise TypeError(f"claims must return a list of judgements, got {claims!r}")
        except Exception as problem:
            said, claims = describe(problem, what.file), []
            print(f"{what.name}: no verdicts, since its claims, which may compare rows of a whole sweep, raise {said}",
                  file=sys.stderr)  # fmt: skip
    if not claims:
        path.unlink(missing_ok=True)
        return
    frame = report.claims_frame([report.Judged(what.name, "", float("nan"), claims)])
    columns = [column for column in COLUMNS if column not in ("experiment", "counted")]  # those of many experiments
    with store.claim(out, wait=True):
        store.write_whole(path, to_csv(frame[columns]))
    told = "; ".join(f"{name} {report.counts(own)}" for name, own in frame.groupby("claim", sort=False))
    _say(f"{what.name}: claims {told}: {path}")


def _tell(what: Experiment, out: Path, records: list[tables.Record], note: str, named: Collection[str] | None) -> int:
    """Print how jobs ended; return the exit code of those named."""
    statuses = [record["row"]["status"] for record in records]
    counts = ", ".join(f"{statuses.count(s)} {s}" for s in dict.fromkeys(statuses))
    lines = [f"{what.name}: {len(records)} jobs: {counts}{note}"]
    others = [record for record in records if record["row"]["status"] != "done"]
    lines += [
        f"  {record['row']['status']}: {' '.join(filter(None, [record['asked'], record['out']]))}: {record['message']}"
        for record in others[:SHOWN]
    ]
    if len(others) > SHOWN:
        lines.append(f"  and {len(others) - SHOWN} more: {out / 'problems.csv'}")
    if tables.is_mixed(records):
        lines.append("  rows were computed by different versions of the code: see the table's last column")
    for line in [*lines, f"{what.name}: {out / 'table.csv'}"]:
        _say(line)
    mine = [record for record in records if named is None or record["out"].removeprefix("jobs/") in named]
    return int(any(record["row"]["status"] in tables.UNMEASURED for record in mine))


def main() -> None:
    """Collect the folders named on the command line."""
    parser = argparse.ArgumentParser(prog="rnnkit collect", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+", help="the `out` of a sweep")
    parser.add_argument("--experiment", type=Path, help="its experiment file, where that has moved")
    arguments = parser.parse_args()
    codes = [_collect_folder(out, arguments.experiment) for out in arguments.folder]
    sys.exit(max(codes))


def _collect_folder(out: Path, file: Path | None) -> int:
    try:
        owner = owner_of(out)
        if owner is None:
            raise ValueError(f"folder must be the `out` of a sweep, got {out}, which holds none")
        if file and file.stem != owner.stem:
            raise ValueError(f"--experiment must be {owner.name}, of which the sweep in {out} is, got {file}")
        file = (file or owner).resolve()
        if not file.is_file() and file.parent.name == "experiments":  # of another checkout, or another installation
            file = shipped.experiments().get(file.stem, file)
        imports = file.is_file() and sources.own_sources(file) != [file]
        if imports and str(file.parent) not in map(os.path.realpath, sys.path):
            words = ("-m", "rnnkit.runner.collect", str(out), "--experiment", str(file))  # a process that finds its own
            return subprocess.run(
                [sys.executable, *words], env=os.environ | experiment.environment(file), check=False
            ).returncode
        return collect(experiment.load(file), out)
    except (OSError, ValueError) as error:
        print(f"rnnkit collect: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    main()
