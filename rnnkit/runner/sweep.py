"""The Hydra application: check the whole sweep, plan it, launch what is missing, collect, end with an honest exit code.

Hydra makes the configuration from files and the command line; what runs then is rnnkit's own, since Hydra knows neither
of jobs that are done nor of a sweep as a whole (see rnnkit.runner.launchers for what was measured).
"""

import sys
import time
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnkit.runner import jobs, plan, store
from rnnkit.runner.collect import collect
from rnnkit.runner.config import Settings, faults
from rnnkit.runner.experiment import Experiment, Measurement
from rnnkit.runner.jobs import CannotRecord, Job, Work
from rnnkit.runner.launchers import Launcher
from rnnkit.runner.launchers.serial import Serial
from rnnkit.runner.progress import Progress

__all__ = ["Experiment", "Measurement", "launch"]


class Composed(BaseException):  # no Exception: Hydra would make a warning of it, and run the sweep itself
    """Hydra has done its part: the configurations of all jobs, and of the launcher."""

    def __init__(self, configs: list[dict[str, Any]], launcher: dict[str, Any], found: list[str]) -> None:
        """Keep what was composed. found: the faults."""
        self.configs, self.launcher, self.found = configs, launcher, found


class TakeOver(Callback):
    """Hydra's hooks, named in conf/sweep.yaml: they end its run where the first job would begin."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Take over one job."""
        raise _composed(config, multirun=False)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Take over a sweep."""
        raise _composed(config, multirun=True)


def _composed(config: DictConfig, multirun: bool) -> Composed:
    try:
        launcher = OmegaConf.to_container(config.hydra.launcher, resolve=True)
        return Composed(plan.job_configs(config, multirun), launcher, [])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        return Composed([], {}, [str(error).splitlines()[0]])


class Prepared(NamedTuple):
    """A sweep that may start: what is to do, who does it, how many jobs are kept."""

    work: Work
    launcher: Launcher
    kept: int


def _prepare(experiment: Experiment, composed: Composed) -> Prepared:
    """Return the sweep, its plan written down; or end the process with every fault in one message."""
    found = composed.found or plan.check(experiment.schema, composed.configs)
    launcher, of_launcher = _launcher(composed.launcher)
    found = [*found, *of_launcher]
    if not found:
        settings = [experiment.schema.model_validate(values) for values in composed.configs]
        left, stale = _left(experiment, settings)
        _, refusal = plan.open_folder(Path(settings[0].out), experiment.file, [s.scientific() for s in settings])
        found = [line for line in (refusal, stale) if line]
    if found:
        sys.exit(f"{experiment.name}: nothing was started\n  " + "\n  ".join(found))
    return Prepared(Work(experiment, Path(settings[0].out), left), launcher, len(settings) - len(left))


def _launcher(values: dict[str, Any]) -> tuple[Launcher | None, list[str]]:
    """Return the launcher that conf/hydra/launcher describes, and its faults."""
    values = dict(values)
    target = values.pop("_target_", "")
    if target == "hydra._internal.core_plugins.basic_launcher.BasicLauncher":
        return Serial(), []
    if not target.startswith("rnnkit.runner.launchers."):
        return None, [f"hydra/launcher: {target} is not rnnkit's; allowed are serial, local, slurm and ray"]
    kind = hydra.utils.get_class(target)
    found = faults(kind, values, prefix="hydra.launcher.")
    launcher = None if found else kind(**values)
    return launcher, found or launcher.missing()


def _left(experiment: Experiment, settings: list[Settings]) -> tuple[list[Job], str]:
    """Return (the jobs that have no record to be kept, why the sweep cannot go on with those that have one)."""
    left, stale, now = [], set(), time.time()
    for one in settings:
        job = Job(one.model_dump() | {"out": str(Path(one.out).resolve())}, now if one.force else 0.0)
        record, damage = store.read_record(jobs.folder_of(one))
        if damage:
            print(f"{damage}; it is computed again", file=sys.stderr)
        code = jobs.code_of(experiment.file, *one.sources())
        if one.force or not store.has_ended(record) or (record["code"] != code and one.stale == "recompute"):
            left.append(job)
        elif record["code"] != code and one.stale == "stop":
            stale.add(record["code"])
    if not stale:
        return left, ""
    return left, (
        f"out={settings[0].out}: holds jobs that other code has ended ({', '.join(sorted(stale))}; now it is {code}); "
        "allowed is stale=recompute, stale=keep (the table then says which row is whose), or a new folder"
    )


def _compose(experiment: Experiment) -> Composed:
    """Return what Hydra makes of the command line; Hydra itself ends the process where it can make nothing of it."""
    offer(experiment)
    conf = str(experiment.conf / experiment.name)
    try:
        hydra.main(version_base="1.3", config_path=conf, config_name="config")(lambda config: None)()
    except Composed as composed:
        return composed
    sys.exit(0)  # --help, --cfg and the like


class _SharedConf(SearchPathPlugin):
    """Lets Hydra find what all experiments share: conf/sweep.yaml and conf/hydra/launcher."""

    folder: ClassVar[Path]

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder."""
        search_path.append("rnnkit", f"file://{self.folder}")


def offer(experiment: Experiment) -> None:
    """Let Hydra find the shared configurations, and the schema's defaults as `schema_defaults`."""
    _SharedConf.folder = experiment.conf
    Plugins.instance().register(_SharedConf)
    fields = experiment.schema.model_fields.items()
    defaults = {name: field.default for name, field in fields if not field.is_required()}
    ConfigStore.instance().store("schema_defaults", defaults)


def launch(experiment: Experiment) -> None:
    """Run an experiment file as a command; its keys are in conf/<its name>/config.yaml and conf/sweep.yaml.

    Ends the process with exit code 1 when a job failed, 130 when interrupted; every finished row is kept.
    """
    work, launcher, kept = _prepare(experiment, _compose(experiment))
    start, code = time.perf_counter(), 0
    try:
        with Progress(work, kept) as progress:
            if work.jobs:
                launcher.launch(work, progress)
    except KeyboardInterrupt:
        code = 130
    except (CannotRecord, OSError, RuntimeError) as problem:
        print(f"{experiment.name}: {problem}", file=sys.stderr)
        code = 1
    try:
        failed = collect(experiment, work.out, _told(work, launcher, kept, time.perf_counter() - start))
    except OSError as problem:
        print(f"{experiment.name}: tables cannot be written: {problem}", file=sys.stderr)
        failed = 1
    sys.exit(code or failed)


def _told(work: Work, launcher: Launcher, kept: int, seconds: float) -> str:
    """Return what the first line of the report ends with."""
    by_earlier = f", {kept} of them by an earlier start" if kept else ""
    if not work.jobs or not isinstance(launcher, Serial):
        return f"{by_earlier}; {seconds:.1f} s"
    records = [store.read_record(work.folder(job))[0] for job in work.jobs]
    inside = sum(record["seconds"] for record in records if record)
    return f"{by_earlier}; {seconds:.1f} s, {1000 * (seconds - inside) / len(work.jobs):.0f} ms a job beside the work"
