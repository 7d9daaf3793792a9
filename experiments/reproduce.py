"""Run every experiment of a preset again and compare its tables with the committed ones.

    python experiments/reproduce.py [--preset quick] [--only NAME,NAME] [--results results] [--out outputs/reproduce]
    python experiments/reproduce.py --renew [--preset quick] [--only NAME,NAME] [--results results]

`rnnkit reproduce` is the same command: in a checkout it writes below it, else to outputs/reproduce here.
New tables go to outputs/reproduce/<preset>/, and results/ stays as it is. Each column is held against the committed one
by its rule (rnnkit/runner/claims/paired.py): a line an experiment says how they agree, and what differs. Then come the
verdicts of all claims, judged from these tables, or from committed ones of a larger preset. Exit code 1 where an
experiment differs or has not run to its end.

--renew, which is `make results`: tables in results/<preset>/ are replaced by the new ones, and the claims judged anew.
An experiment's tables are replaced only when all its jobs ended well. With --judge-only nothing is run.

An experiment that has no preset of that name, since it is done in seconds, runs its quick one. The same command
resumes what was interrupted.
"""

import argparse
import importlib
import json
import math
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pandas as pd
from omegaconf import OmegaConf
from tqdm import tqdm

from rnnkit.runner import shipped
from rnnkit.runner.claims import pages, report
from rnnkit.runner.claims.compare import Checked, check
from rnnkit.runner.jobs import sources, store
from rnnkit.runner.jobs.config import did_you_mean
from rnnkit.runner.several import Ended, Line, run_lines
from rnnkit.runner.tables.table import FILES, read

ROOT = Path(__file__).resolve().parents[1]
KEPT = (*FILES, "*.md", "*.png", "plan.json")  # not timings, which differ each time
OF_ONE_RUN = ("host", "started", "seconds", "compile_seconds")  # of provenance.json; of `started` the day is kept
LOG_LINES = 20  # of a failed experiment's log that are shown
Presets = dict[str, str]  # the preset of each experiment


class UsageError(ValueError):
    """What is asked for cannot be had."""


def experiments() -> dict[str, ModuleType]:
    """Return every file beside this one that has an EXPERIMENT and `claims`, by name."""
    here = Path(__file__)
    modules = {p.stem: importlib.import_module(p.stem) for p in sorted(here.parent.glob("*.py")) if p != here}
    return {name: m for name, m in modules.items() if hasattr(m, "EXPERIMENT") and hasattr(m, "claims")}


def preset_of(name: str, preset: str) -> str | None:
    """Return the preset to run: that one, or quick beside laptop; None where the experiment has neither."""
    among = (preset, "quick") if preset == "laptop" else (preset,)
    return next((p for p in among if p in _keys_of(name).get("presets", {})), None)


def _keys_of(name: str) -> dict:
    """Return the keys and presets of an experiment."""
    file = ROOT / "conf" / f"{name}.yaml"
    return OmegaConf.to_container(OmegaConf.load(file)) if file.exists() else {}


def planned(modules: dict[str, ModuleType], preset: str, only: str | None) -> Presets:
    """Return the preset that each experiment runs, of those named in `only`, the longest first; say how long it takes.

    Raises UsageError where `only` names none.
    """
    named = [name for part in (only or "").split(",") if (name := part.strip())]
    unknown = [name for name in named if name not in modules]
    if unknown or (only is not None and not named):
        close = did_you_mean(unknown[0], modules) if unknown else ""
        got = (", ".join(unknown) or f"{only!r}, which names none") + close
        raise UsageError(f"--only must name experiments among {', '.join(modules)}, got {got}")
    presets = {name: found for name in modules if (found := preset_of(name, preset))}
    if preset not in presets.values():
        raise UsageError(f"--preset must be one that an experiment has, got {preset}")
    if without := [name for name in named if name not in presets]:
        raise UsageError(f"--only must name experiments that have a preset {preset}, got {', '.join(without)}")
    minutes = {name: getattr(modules[name], "BUDGET_MINUTES", {}).get(presets[name], 0) for name in named or presets}
    n, total = len(minutes), math.fsum(minutes.values())  # sum() rounds otherwise before Python 3.12
    time = f"{total:.2g} minutes" if total >= 1 else f"{60 * total:.0f} s"
    print(f"{n} experiment{'s' * (n != 1)}, about {time} on two cores", flush=True)
    return {name: presets[name] for name in sorted(minutes, key=minutes.get, reverse=True)}


def made_in(out: Path | None = None) -> Path:
    """Return where new tables go: `out`, or outputs/reproduce of this checkout; without one, of the working folder."""
    return out or (Path.cwd() if shipped.is_installed() else ROOT) / "outputs" / "reproduce"


def staging_of(name: str, preset: str, out: Path | None = None) -> Path:
    """Return where an experiment runs: a folder for each state of its sources, so that none meets another's jobs."""
    keys = _keys_of(name)
    of_preset = json.dumps(keys | {"presets": keys.get("presets", {}).get(preset)})
    code = sources.code_identity(ROOT / "experiments" / f"{name}.py", of_preset)
    return made_in(out) / "jobs" / preset / f"{name}-{code}"


def run_all(presets: Presets, results: Path, out: Path | None = None) -> list[str]:
    """Run the experiments, put the tables of those that end well into `results`; return the names of the others."""
    staging = {name: staging_of(name, preset, out) for name, preset in presets.items()}
    lines = [
        Line(ROOT / "experiments" / f"{name}.py", (f"preset={preset}", f"out={staging[name]}"), _log(staging[name]))
        for name, preset in presets.items()
    ]
    failed = []
    with tqdm(total=len(lines), unit="experiment", disable=None) as bar:  # a bar on a terminal
        for number, ended in enumerate(run_lines(lines), 1):
            name = ended.line.file.stem
            if ended.code == 0:
                keep(staging[name], results / presets[name] / name)
            else:
                failed.append(name)
            bar.write(f"[{number:2}/{len(lines)}] {_told(ended, results / presets[name] / name)}")
            bar.update()
            sys.stdout.flush()  # a pipe shows it too
    return failed


def _log(staging: Path) -> Path:
    return staging.with_suffix(".log")


def _told(ended: Ended, target: Path) -> str:
    name = ended.line.file.stem
    if ended.code == 0:
        return f"{name}: {ended.seconds:.0f} s"
    log = ended.line.log.read_text(encoding="utf-8").splitlines() if ended.line.log.exists() else []
    shown = "".join(f"\n        {line}" for line in log[-LOG_LINES:])
    return f"{name}: failed, {target} is as it was; {ended.line.log} ends with{shown or ' nothing'}"


def keep(staging: Path, target: Path) -> None:
    """Put the tables and pictures of a run into `target`, in place of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for pattern in KEPT:
        for path in sorted(staging.glob(pattern)):
            shutil.copyfile(path, target / path.name)
    header = json.loads((staging / "provenance.json").read_text(encoding="utf-8"))
    days = sorted({moment[:10] for moment in header["started"]})
    header = {field: values for field, values in header.items() if field not in OF_ONE_RUN} | {"date": days}
    store.write_whole(target / "provenance.json", json.dumps(header, indent=1) + "\n")
    shutil.rmtree(staging)
    _log(staging).unlink(missing_ok=True)


def judged(
    modules: dict[str, ModuleType], results: Path, made: Path | None = None, new: Presets | None = None
) -> list[report.Judged]:
    """Return the claims of each experiment, judged from its largest preset in `results`.

    made, new: the folder of new tables, and the preset they are of; they count unless the committed ones are larger.
    """
    found = []
    for name, module in modules.items():
        preset, folder = report.largest_preset(results, name), results
        fresh = (new or {}).get(name)
        if fresh and (preset is None or report.PRESETS.index(fresh) >= report.PRESETS.index(preset)):
            preset, folder = fresh, made
        if preset:
            minutes = module.BUDGET_MINUTES.get(preset, float("nan"))
            claims = module.claims(read(folder / preset / name))
            found.append(report.Judged(name, preset, minutes, claims, module.__doc__))
    return found


def print_verdicts(claims: pd.DataFrame, results: Path) -> None:
    """Print a line for each claim id, with the place to read more where not all of it holds; then the sum."""
    for name, group in claims.groupby("claim", sort=False):
        places = dict.fromkeys(group[group.verdict != "holds"].experiment)
        links = ", ".join(str(results / place / "README.md") for place in places)
        print(f"{name:<4} {report.counts(group):<32} {links}".rstrip())
    print(report.headline(claims))


def reproduce(modules: dict[str, ModuleType], presets: Presets, results: Path, out: Path | None = None) -> None:
    """Run the experiments elsewhere, say how their tables agree with those in `results`, and what they mean."""
    if not results.is_dir():
        raise UsageError(f"--results must be a folder that is there, got {results}")
    made = made_in(out)
    failed, agreeing, remarks = run_all(presets, made, out), 0, []
    print()
    for name in sorted(presets):
        preset, checked = presets[name], Checked("differs", [f"{name}: differs: it has not run to its end"])
        if name not in failed:
            checked = _checked(name, modules[name], results / preset / name, made / preset / name)
        agreeing += checked.outcome != "differs"
        remarks += checked.lines
        print("\n".join(checked.lines[:1] + [line for line in checked.lines if line.startswith("  differs")]))
    store.write_whole(made / "comparison.txt", "\n".join(remarks) + "\n")
    named = {name: modules[name] for name in modules if name in presets and name not in failed}
    claims, unjudged = _judged_where_readable(named, results, made, presets)
    print("\n".join(["", *unjudged]))
    if claims:
        print_verdicts(report.claims_frame(claims), results)
    print(f"new tables, pictures and what was not compared: {os.path.relpath(made)}")
    print(f"{agreeing} of {len(presets)} experiments agree with the committed tables")
    if agreeing < len(presets) or unjudged:
        sys.exit(1)


def _checked(name: str, module: ModuleType, committed: Path, new: Path) -> Checked:
    """Compare one experiment; committed tables that cannot be read differ, and the next one is compared."""
    try:
        return check(name, module, committed, new)
    except Exception as error:  # whatever pandas and a claim raise on a file that is no table
        return Checked("differs", [f"{name}: differs: {committed} cannot be read ({_reason(error)})"])


def _judged_where_readable(
    modules: dict[str, ModuleType], results: Path, made: Path, presets: Presets
) -> tuple[list[report.Judged], list[str]]:
    """Return the claims of each experiment, and a line for each whose committed tables cannot be read."""
    claims, unjudged = [], []
    for name, module in modules.items():
        try:
            claims += judged({name: module}, results, made, presets)
        except Exception as error:
            unjudged.append(f"{name}: not judged: its tables in {results} cannot be read ({_reason(error)})")
    return claims, unjudged


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def renew(modules: dict[str, ModuleType], presets: Presets, results: Path, out: Path | None = None) -> None:
    """Replace the tables of these experiments, then judge all that are there."""
    failed = run_all(presets, results, out)
    claims = judged(modules, results)
    if not claims:
        raise UsageError(f"--results must be a folder with tables to judge, got {results}, which holds none")
    print_verdicts(pages.write(results, claims), results)
    if failed:
        sys.exit(f"rnnkit reproduce: failed: {', '.join(failed)}")


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="rnnkit reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="quick", help=f"{', '.join(report.PRESETS)}; by default quick")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path(os.path.relpath(ROOT / "results")),
        help="the committed tables, by default results/ of rnnkit",
    )
    parser.add_argument("--only", metavar="NAME,NAME", help="run these experiments alone")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where new tables go, by default outputs/reproduce")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--renew", action="store_true", help="replace the tables in results/ by the new ones")
    what.add_argument("--judge-only", action="store_true", help="run nothing, judge the tables in results/ anew")
    arguments = parser.parse_args()
    if arguments.judge_only and arguments.only:
        raise UsageError("--only cannot be combined with --judge-only: all tables that are there are judged")
    if arguments.preset not in report.PRESETS:
        close = did_you_mean(arguments.preset, report.PRESETS)
        raise UsageError(f"--preset must be one of {', '.join(report.PRESETS)}, got {arguments.preset}{close}")
    writes = arguments.renew or arguments.judge_only
    if writes and shipped.INSTALLED in arguments.results.resolve().parents:
        raise UsageError(f"--results must be a folder of yours with --renew or --judge-only, got {arguments.results}")
    modules = experiments()
    presets = {} if arguments.judge_only else planned(modules, arguments.preset, arguments.only)
    out = arguments.out and arguments.out.resolve()
    with exclusive(out):
        (renew if writes else reproduce)(modules, presets, arguments.results, out)


@contextmanager
def exclusive(out: Path | None = None) -> Iterator[None]:
    """Lock the folder of new tables; UsageError if another one has locked it."""
    folder = made_in(out)
    folder.mkdir(parents=True, exist_ok=True)
    with store.claim(folder, wait=False) as held:
        if not held:
            raise UsageError(
                f"--out must be a folder of its own while another reproduce is at work, got {os.path.relpath(folder)}"
            )
        yield


def command() -> None:
    """Run `main`; wrong use, Ctrl-C, a closed pipe and an error of the operating system end it without a traceback."""
    try:
        main()
    except UsageError as error:
        print(f"rnnkit reproduce: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted: the same command resumes with what is missing", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more is said, at exit neither
        sys.exit(1)
    except OSError as error:
        sys.exit(f"rnnkit reproduce: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    command()
