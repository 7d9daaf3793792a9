"""The Hydra application: check the whole sweep, plan it, run it, collect it, and end with an honest exit code."""

import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from rnnkit.runner import store, tables
from rnnkit.runner.config import Settings
from rnnkit.runner.plan import check, job_configs

ENDED = ("done", "diverged")


@dataclass
class Measurement:
    """What an experiment's `run` returns for one job.

    row: the columns after the configuration, `status` and `n` among them. nets: a row for each net. lags: a row for
    each lag. history: a row for each evaluation of a training. message: what a person should know of a status that is
    not `done`.
    """

    row: dict[str, Any]
    nets: list[dict[str, Any]] = field(default_factory=list)
    lags: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""


@dataclass
class Experiment:
    """One experiment file: its schema, its method, its columns, its pictures."""

    file: Path
    schema: type[Settings]
    run: Callable[[Any], Measurement]
    columns: list[str]
    draw: Callable[[Path], None] | None = None
    plan: list[dict[str, Any]] = field(default_factory=list)
    out: Path | None = None
    seconds: float = 0.0  # inside `run`, all jobs of this process
    kept: int = 0  # jobs that an earlier start of this sweep had ended

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.file.stem


class SweepCallback(Callback):
    """Hydra's hooks: refuse a faulty sweep as a whole before its first job, and show progress."""

    experiment: ClassVar[Experiment]

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check and plan one job."""
        self._start(config, multirun=False)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check and plan all jobs of a sweep."""
        self._start(config, multirun=True)

    def _start(self, config: DictConfig, multirun: bool) -> None:
        try:
            configs = job_configs(config, multirun)
            found = check(self.experiment.schema, configs)
        except Exception as error:  # Hydra would only warn, and start the sweep unchecked
            found = [f"{type(error).__name__}: {error}".splitlines()[0]]
        if not found:
            checked = [self.experiment.schema.model_validate(values) for values in configs]
            self.experiment.plan = [settings.scientific() for settings in checked]
            self.experiment.out = Path(checked[0].out)
            refusal = store.claim_folder(self.experiment.out, self.experiment.plan)
            found = [refusal] if refusal else []
        if found:  # any Exception here is only a warning to Hydra
            self.experiment.plan = []
            sys.exit(f"{self.experiment.name}: nothing was started\n  " + "\n  ".join(found))
        # disable=None: a bar on a terminal, silence in a log
        self.bar = tqdm(total=len(configs), desc=self.experiment.name, unit="job", disable=None)

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        """Move the bar."""
        if hasattr(self, "bar"):
            self.bar.update()
            if self.bar.n >= self.bar.total:
                self.bar.close()


def _run_job(experiment: Experiment, settings: Settings) -> None:
    """Run one job and leave its record, whatever happens; an interruption keeps the record of an earlier run.

    A job that the same code has ended before is not run again.
    """
    config = settings.scientific()
    folder = Path(settings.out) / "jobs" / store.identity(config)
    problem = folder / "traceback.txt"
    record, code = store.read_record(folder), store.code_identity(experiment.file, *settings.sources())
    if record and record.get("code") == code and record["row"]["status"] in ENDED:
        experiment.kept += 1
        return
    start = time.perf_counter()
    try:
        measured = experiment.run(settings)
        problem.unlink(missing_ok=True)
    except KeyboardInterrupt:
        if record is None:
            store.write_record(folder, {"config": config, "row": {"status": "interrupted"}, "seconds": 0.0})
        experiment.seconds += time.perf_counter() - start
        raise
    except Exception as error:  # a job that raises is a row with status error; the others go on
        measured = Measurement({"status": "error"}, message=f"{type(error).__name__}: {error}")
        store.write_whole(problem, traceback.format_exc())
    seconds = time.perf_counter() - start
    experiment.seconds += seconds
    store.write_record(folder, {"config": config, "code": code, **vars(measured), "seconds": seconds})
    for checkpoints in folder.glob("checkpoints-*"):  # of a job that has ended: nobody goes on from them
        shutil.rmtree(checkpoints)


def _collect(experiment: Experiment, seconds: float) -> int:
    """Write the tables and pictures, tell how the jobs ended, return the exit code."""
    records = tables.collect(experiment.out, experiment.plan, experiment.columns)
    if experiment.draw and any(record["row"]["status"] == "done" for record in records):
        experiment.draw(experiment.out)
    statuses = [record["row"]["status"] for record in records]
    counts = ", ".join(f"{statuses.count(s)} {s}" for s in dict.fromkeys(statuses))
    overhead = 1000 * (seconds - experiment.seconds) / len(records)
    kept = f", {experiment.kept} of them by an earlier start" if experiment.kept else ""
    told = f"{seconds:.1f} s, {overhead:.0f} ms a job beside the work"
    print(f"{experiment.name}: {len(records)} jobs: {counts}{kept}; {told}")
    for record in records:
        if record["row"]["status"] != "done":
            job = f"jobs/{store.identity(record['config'])}"
            print(f"  {record['row']['status']}: {job}: {record.get('message', '')}")
    print(f"{experiment.name}: {experiment.out / 'table.csv'}")
    return int(any(status in ("error", "missing", "interrupted") for status in statuses))


def offer_defaults(schema: type[Settings]) -> None:
    """Offer the schema's defaults to a config.yaml that has `schema_defaults` among its own."""
    defaults = {name: field.default for name, field in schema.model_fields.items() if not field.is_required()}
    ConfigStore.instance().store("schema_defaults", defaults)


def launch(
    file: str,
    schema: type[Settings],
    run: Callable[[Any], Measurement],
    columns: list[str],
    draw: Callable[[Path], None] | None = None,
) -> None:
    """Run experiment `file` as a command; its keys are in ../conf/<its name>/config.yaml, seen from there.

    run: takes a `schema`, returns a Measurement whose row has `columns`. draw: takes the folder of the tables.
    Ends the process with exit code 1 when a job failed, 130 when interrupted; every finished row is kept.
    """
    experiment = Experiment(Path(file), schema, run, columns, draw)
    conf = Path(file).resolve().parents[1] / "conf" / experiment.name
    SweepCallback.experiment = experiment
    offer_defaults(schema)

    def task(config: DictConfig) -> None:
        _run_job(experiment, schema.model_validate(OmegaConf.to_container(config, resolve=True)))

    start, code = time.perf_counter(), 0
    try:
        hydra.main(version_base="1.3", config_path=str(conf), config_name="config")(task)()
    except KeyboardInterrupt:
        code = 130
    if experiment.plan:
        failed = _collect(experiment, time.perf_counter() - start)
        code = code or failed
    sys.exit(code)
