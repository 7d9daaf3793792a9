"""A sweep from the command line to the exit code: check it whole, launch what is missing, collect.

Hydra makes the configuration from files and the command line; what runs then is rnnkit's own, since Hydra knows neither
of jobs that are done nor of a sweep as a whole (see rnnkit.runner.launchers for what was measured).
"""

import shlex
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import hydra

from rnnkit.runner import shipped
from rnnkit.runner.collect import collect
from rnnkit.runner.hydra import command
from rnnkit.runner.jobs import job as jobs
from rnnkit.runner.jobs import plan, store
from rnnkit.runner.jobs.config import JobConfig, faults, shown
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.jobs.job import CannotRecord, Job, Work
from rnnkit.runner.jobs.progress import Progress
from rnnkit.runner.launchers import Launcher
from rnnkit.runner.launchers.serial import Serial

HYDRAS = "hydra._internal.core_plugins"
LAUNCHERS = [f"rnnkit.runner.launchers.{name}.{name.title()}" for name in ("serial", "local", "slurm", "ray")]


class Prepared(NamedTuple):
    """A sweep that may start: what is to do, who does it, how many jobs are kept."""

    work: Work
    launcher: Launcher
    named: list[str]  # the identities of all jobs of this line


def prepare(experiment: Experiment) -> Prepared:
    """Return the sweep of the command line, its plan written down; or end the process, all faults in one message."""
    composed = command.compose(experiment)
    launcher, of_launcher = _launcher(composed.own) if composed.own else (None, [])
    configs, of_jobs = plan.check(experiment.schema, composed.configs)
    found = [*composed.found, *of_jobs, *of_launcher]
    if not found:
        left, damaged, stale = _left(experiment, configs)
        jobs_planned = [one.scientific() for one in configs]
        refusal = stale or plan.open_folder(configs[0].out, experiment.file, jobs_planned, command_line(experiment))
        found = [refusal] if refusal else []
    if found:
        command.nothing_started(experiment, found)
    for damage in damaged:
        print(f"{damage}: computed again", file=sys.stderr)
    named = [store.identity(one.scientific()) for one in configs]
    return Prepared(Work(experiment, Path(configs[0].out), left), launcher, named)


def command_line(experiment: Experiment) -> str:
    """Return the command that this process is, as it is typed again."""
    file, here = experiment.file, Path.cwd()
    known = shipped.experiments().get(experiment.name) == file
    path = file.relative_to(here).as_posix() if here in file.parents else str(file)
    return shlex.join(["rnnkit", "run", experiment.name if known else path, *sys.argv[1:]])


def _launcher(own: dict[str, Any]) -> tuple[Launcher | None, list[str]]:
    """Return (the launcher that conf/hydra/launcher describes, its faults and the sweeper's)."""
    launcher, sweeper = own.get("launcher"), own.get("sweeper")
    values = dict(launcher) if isinstance(launcher, dict) else {"_target_": launcher}
    target, found = str(values.pop("_target_", None)), []
    planner = sweeper.get("_target_") if isinstance(sweeper, dict) else sweeper
    if planner != f"{HYDRAS}.basic_sweeper.BasicSweeper":
        found.append(f"hydra/sweeper must be basic, got {shown(planner)}: rnnkit plans its sweeps itself")
    if target == f"{HYDRAS}.basic_launcher.BasicLauncher":
        return Serial(), found
    if target not in LAUNCHERS:
        found.append(f"hydra/launcher must be serial, local, slurm or ray, got {shown(target)}")
        return None, found
    kind = hydra.utils.get_class(target)
    found += faults(kind, values, prefix="hydra.launcher.")
    return (None, found) if found else (kind(**values), kind(**values).missing())


def _left(experiment: Experiment, configs: list[JobConfig]) -> tuple[list[Job], list[str], str]:
    """Return (jobs without a record to be kept, damaged records, why the sweep cannot keep those it has)."""
    left, damaged, stale = [], [], set()
    for one in configs:
        job = jobs.job_of(one)
        record, damage = store.read_record(Path(job.folder), job.config)
        if damage:
            damaged.append(damage)
        ended, now = store.has_ended(record), jobs.code_of(experiment)
        other = ended and record["code"] != now
        if one.force or not ended or (other and one.stale == "recompute"):
            left.append(job._replace(after=record["start"] if record else 0.0))
        elif other and one.stale == "stop":
            stale.add(f"{record['code']}, which is {now} now")
    if not stale:
        return left, damaged, ""
    wanted = "a new folder, or given with stale=recompute or stale=keep (the table then says which row is whose)"
    why = f"holds jobs that a different version of the code has ended ({'; '.join(sorted(stale))})"
    return left, damaged, f"out must be {wanted}, got {configs[0].out}, which {why}"


def launch(experiment: Experiment) -> None:
    """Run an experiment file as a command; its keys are in conf/<its name>.yaml and conf/sweep.yaml.

    Ends the process with exit code 1 when a job failed, 130 when interrupted; every finished row is kept.
    """
    work, launcher, named = prepare(experiment)
    start, code, kept = time.perf_counter(), 0, len(named) - len(work.jobs)
    try:
        with Progress(work, kept) as progress:
            if work.jobs:
                launcher.launch(work, progress)
    except KeyboardInterrupt:
        code = 130
    except (CannotRecord, OSError, RuntimeError) as problem:
        print(f"{experiment.name}: {problem}", file=sys.stderr)
        code = 1
    failed = collect(experiment, work.out, _told(work, launcher, kept, time.perf_counter() - start), named)
    if old := sum(map(work.is_old, work.jobs)):
        print(f"{experiment.name}: {old} jobs were not computed again: their earlier records stand", file=sys.stderr)
    sys.exit(code or failed or int(old > 0))


def _told(work: Work, launcher: Launcher, kept: int, seconds: float) -> str:
    """Return what the first line of the report ends with."""
    by_earlier = f"; {kept} by an earlier start" if kept else ""
    if not work.jobs or not isinstance(launcher, Serial):
        return f"{by_earlier}; {seconds:.1f} s"
    inside = sum(record["seconds"] for job in work.jobs if (record := jobs.record_of(job)))
    overhead = f", {1000 * (seconds - inside) / len(work.jobs):.0f} ms of overhead a job"
    return f"{by_earlier}; {seconds:.1f} s{overhead if inside < seconds else ''}"  # another command may have done some
