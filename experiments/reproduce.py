"""Run every experiment of a preset, then judge every claim: what `make reproduce` calls.

    python experiments/reproduce.py [--preset quick] [--results results] [--judge-only | --check] [--only NAME,NAME]

Each experiment runs below outputs/ first; its tables replace those in results/<preset>/ only when all its jobs ended
well, so a run that breaks costs nothing, and the same command goes on where it broke. An experiment that has no preset
of that name, since it is done in seconds, runs its quick one.

With --check, `make reproduce CHECK=1`, results/ stays as it is: the tables go to outputs/check/<preset>/ and are held
against those in results/, each column by its rule (rnnkit/runner/paired.py). What differs is listed, and ends in exit
code 1.
"""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from rnnkit.runner import report, store
from rnnkit.runner.compare import Checked, check
from rnnkit.runner.tables import FILES, read

ROOT = Path(__file__).resolve().parents[1]
KEPT = (*FILES, "*.md", "*.png", "plan.json")  # not timings, which differ each time
OF_ONE_RUN = ("host", "started", "seconds", "compile_seconds")  # of provenance.json: they would differ each time too


def experiments() -> dict[str, ModuleType]:
    """Return every file beside this one that has `run` and `claims`, by name."""
    here = Path(__file__)
    modules = {p.stem: importlib.import_module(p.stem) for p in sorted(here.parent.glob("*.py")) if p != here}
    return {name: m for name, m in modules.items() if hasattr(m, "run") and hasattr(m, "claims")}


def preset_of(name: str, preset: str) -> str | None:
    """Return the preset to run: that one, or quick beside laptop; None where the experiment has neither."""
    among = (preset, "quick") if preset == "laptop" else (preset,)
    return next((p for p in among if (ROOT / "conf" / name / "preset" / f"{p}.yaml").exists()), None)


def staging_of(name: str, preset: str, purpose: str = "reproduce") -> Path:
    """Return where an experiment runs: a folder for each state of its sources, so that none meets another's jobs."""
    file, conf = ROOT / "experiments" / f"{name}.py", ROOT / "conf" / name
    code = store.code_identity(*store.own_sources(file), conf / "config.yaml", conf / "preset" / f"{preset}.yaml")
    return ROOT / "outputs" / purpose / preset / f"{name}-{code}"


def run_experiment(name: str, preset: str, results: Path, purpose: str = "reproduce") -> bool:
    """Run one experiment as a user would; return whether its tables are now in `results`."""
    staging = staging_of(name, preset, purpose)
    command = [sys.executable, str(ROOT / "experiments" / f"{name}.py"), f"preset={preset}", f"out={staging}"]
    if subprocess.run(command, check=False).returncode != 0:
        print(f"{name}: failed, {results / preset / name} is as it was", file=sys.stderr)
        return False
    target = results / preset / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for pattern in KEPT:
        for path in sorted(staging.glob(pattern)):
            shutil.copyfile(path, target / path.name)
    header = json.loads((staging / "provenance.json").read_text(encoding="utf-8"))
    header = {field: values for field, values in header.items() if field not in OF_ONE_RUN}
    store.write_whole(target / "provenance.json", json.dumps(header, indent=1) + "\n")
    shutil.rmtree(staging)
    return True


def judge(modules: dict[str, ModuleType], results: Path) -> None:
    """Judge each experiment's claims from the largest preset present, write the report, print the verdicts."""
    judged = []
    for name, module in modules.items():
        preset = report.largest_preset(results, name)
        if preset is not None:
            claims = module.claims(read(results / preset / name))
            minutes = module.BUDGET_MINUTES.get(preset, float("nan"))
            judged.append(report.Judged(name, preset, minutes, claims, module.__doc__))
    if not judged:
        sys.exit(f"{results}: holds no tables to judge")
    frame = report.write(results, judged)
    for name, group in frame.groupby("claim", sort=False):
        print(f"{name:<4} {report.counts(group)}")
    for row in frame[frame.verdict != "holds"].itertuples():
        print(f"  {row.verdict}: {row.claim} {row.statement}: expected {row.expected:.5g}, measured {row.measured:.5g}")
    print(f"{len(frame)} claims: {report.counts(frame)}; see {results / 'README.md'}")


def check_all(modules: dict[str, ModuleType], presets: dict[str, str], results: Path) -> None:
    """Run the experiments elsewhere, compare their tables with those in `results`, say what differs."""
    made, outcomes, lines = ROOT / "outputs" / "check", [], []
    for name, preset in presets.items():
        if run_experiment(name, preset, made, "check"):
            checked = check(name, modules[name], results / preset / name, made / preset / name)
        else:
            checked = Checked("differs", [f"{name}: differs: it did not run to its end"])
        outcomes.append(checked.outcome)
        lines += checked.lines
    counts = ", ".join(f"{outcomes.count(o)} {o}" for o in ("same bytes", "agree", "differs") if o in outcomes)
    print("\n".join(["", *lines, f"{len(outcomes)} experiments against {results}: {counts}"]))
    if "differs" in outcomes:
        sys.exit(1)


def planned(modules: dict[str, ModuleType], preset: str, only: str | None) -> dict[str, str]:
    """Return the preset that each experiment runs, of those named in `only`, and say how long that takes."""
    named = only.split(",") if only else []
    if unknown := [name for name in named if name not in modules]:
        sys.exit(f"--only {only}: {', '.join(unknown)} is no experiment; allowed are {', '.join(modules)}")
    presets = {name: found for name in modules if (found := preset_of(name, preset))}
    if preset not in presets.values():
        sys.exit(f"--preset {preset}: no experiment has this preset yet")
    if without := [name for name in named if name not in presets]:
        sys.exit(f"--only {only}: {', '.join(without)} has no preset {preset}")
    presets = {name: presets[name] for name in named or presets}
    budget = sum(modules[name].BUDGET_MINUTES.get(found, 0) for name, found in presets.items())
    print(f"{len(presets)} experiments, about {budget:.3g} minutes on two cores", flush=True)
    return presets


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="quick", choices=report.PRESETS)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--only", metavar="NAME,NAME", help="run these experiments alone")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--judge-only", action="store_true", help="judge the tables that are there")
    what.add_argument(
        "--check", action="store_true", help="leave the tables that are there, compare them with new ones"
    )
    arguments = parser.parse_args()
    if arguments.judge_only and arguments.only:
        parser.error("--only: with --judge-only all tables that are there are judged")
    modules, failed = experiments(), []
    if not arguments.judge_only:
        presets = planned(modules, arguments.preset, arguments.only)
        if arguments.check:
            return check_all(modules, presets, arguments.results)
        failed = [name for name, preset in presets.items() if not run_experiment(name, preset, arguments.results)]
    judge(modules, arguments.results)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    return None


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command goes on with what is missing")
