"""One job: claimed, run, and recorded with where it was made, whatever happens to it."""

import datetime
import json
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit._arguments import choice
from rnnkit._user_files import describe
from rnnkit.runner.jobs import provenance, sources, store
from rnnkit.runner.jobs.config import JobConfig, validated
from rnnkit.runner.jobs.experiment import Experiment, Measurement

BUSY = "busy"  # another process is at it


class CannotRecord(Exception):  # noqa: N818  a statement, not an error of the job
    """The folder takes no more records: to continue would be work for nothing."""


class Job(NamedTuple):
    """What a process needs to run one job.

    config: its scientific configuration. folder: of its record. after: the start of the record that was there and does
    not count, as one that is no newer does not. wait: for another process that is at it now.
    """

    values: dict[str, Any]
    config: dict[str, Any]
    folder: str
    after: float = 0.0
    wait: bool = False


def job_of(config: JobConfig, after: float = 0.0) -> Job:
    """Return the job of a configuration, by absolute paths."""
    values = config.model_dump() | {"out": str(Path(config.out).resolve())}
    config = config.scientific()
    return Job(values, config, str(Path(values["out"], "jobs", store.identity(config))), after)


@dataclass(frozen=True)
class Work:
    """What a launcher is asked to get done: `jobs` are those of the sweep that have no record to be kept."""

    experiment: Experiment
    out: Path
    jobs: list[Job]

    def is_recorded(self, job: Job) -> bool:
        """Return whether a job has a record to be kept."""
        return _counts(record_of(job), job)

    def is_without(self, job: Job) -> bool:
        """Return whether a job has no record of its own from this command, nor one of a job that has ended."""
        record = record_of(job)
        return record is None or not (store.has_ended(record) or record["start"] > job.after)

    def is_old(self, job: Job) -> bool:
        """Return whether a job has ended, but before it was to be computed again."""
        record = record_of(job)
        return store.has_ended(record) and not _counts(record, job)

    def lost(self, job: Job, message: str) -> None:
        """Leave a record of a job whose process was ended from outside, if it is without one."""
        with recording(job), store.claim(Path(job.folder), wait=False) as mine:
            if mine and self.is_without(job):
                measured = Measurement({"status": "interrupted"}, message=message)
                _write(self.experiment, job, measured, time.time())


def record_of(job: Job) -> dict[str, Any] | None:
    """Return a job's record, None where there is none or a damaged one."""
    return store.read_record(Path(job.folder), job.config)[0]


@contextmanager
def recording(job: Job) -> Iterator[None]:
    """Turn an OSError of the folder into a line that names it."""
    try:
        yield
    except OSError as error:
        what = f"out must be a folder that can be written to, got {job.values['out']} ({error.strerror or error})"
        raise CannotRecord(f"{what}: records written before are as they were") from None


def code_of(experiment: Experiment) -> str:
    """Return the identity of the code as this process first met it."""
    return _code_of(experiment.file)


@cache
def _code_of(file: Path) -> str:
    return sources.code_identity(file)


def run_job(experiment: Experiment, job: Job) -> str:
    """Run one job and leave its record, whatever happens; return its status, or BUSY.

    A job that has ended since it was planned is not run again, whoever's code it was: that is for the user to decide.
    An interruption keeps an earlier record.
    """
    config = _config_of(experiment, job)
    folder = Path(job.folder)
    with recording(job), store.claim(folder, job.wait) as mine:
        if not mine:
            return BUSY
        record, damage = store.read_record(folder, job.config)
        if _counts(record, job):
            return record["row"]["status"]
        if damage:
            (folder / "record.json").replace(folder / "record.damaged.json")
        return _run(experiment, job, config, had_ended=store.has_ended(record))


def _config_of(experiment: Experiment, job: Job) -> JobConfig:
    """Return the config of a job; CannotRecord where a file that they name is no longer what was planned."""
    config, found = validated(experiment.schema, job.values)
    now = config.scientific() if config else job.config
    for key in [key for key in job.config if key.endswith(store.OF_A_FILE) and now.get(key) != job.config[key]]:
        name = key.removesuffix(store.OF_A_FILE)
        was = f"{name} must be what it was when the sweep was planned, got {job.values[name]}, which has changed since"
        found.append(f"{was}; the same line plans it anew")
    if found:
        raise CannotRecord("; ".join(found))
    return config


def _counts(record: dict[str, Any] | None, job: Job) -> bool:
    return store.has_ended(record) and record["start"] > job.after


def _run(experiment: Experiment, job: Job, config: JobConfig, had_ended: bool) -> str:
    config.run_by(code_of(experiment))
    start, began, problem = time.time(), time.perf_counter(), Path(job.folder, "traceback.txt")
    with provenance.compilation() as compiled:
        try:
            measured = experiment.measure(config)
            _check(experiment, measured)
            problem.unlink(missing_ok=True)
        except KeyboardInterrupt:
            if not had_ended:
                measured = Measurement({"status": "interrupted"}, message="the same line resumes it")
                _write(experiment, job, measured, start)
            raise
        except (Exception, SystemExit) as error:  # a job that raises is a row with status error; the others run
            measured = Measurement({"status": "error"}, message=describe(error, experiment.file))
            store.write_whole(problem, traceback.format_exc())
        compile_seconds = compiled()
    _write(experiment, job, measured, start, time.perf_counter() - began, compile_seconds)
    if measured.row["status"] in store.ENDED:  # after an error a training resumes from them
        for checkpoints in Path(job.folder).glob("checkpoints-*"):
            shutil.rmtree(checkpoints)
    return measured.row["status"]


def _check(experiment: Experiment, measured: Measurement) -> None:
    """Raise for what cannot be a record: it is an error of the job, not of the sweep."""
    if not isinstance(measured, Measurement):
        raise TypeError(f"measure must return a Measurement, got {type(measured).__name__}")
    if unknown := [key for key in measured.row if key not in experiment.columns]:
        raise ValueError(f"row must have columns among {', '.join(experiment.columns)}, got {', '.join(unknown)}")
    choice("status", measured.row.get("status"), store.ENDED)
    json.dumps(vars(measured))


def _write(
    experiment: Experiment,
    job: Job,
    measured: Measurement,
    start: float,
    seconds: float = 0.0,
    compile_seconds: float = 0.0,
) -> None:
    made = provenance.environment(experiment.file) | {
        "seed": job.config["seed"],
        "started": datetime.datetime.fromtimestamp(start, datetime.UTC).isoformat(timespec="seconds"),
        "compile_seconds": round(compile_seconds, 6),
    }
    made |= {key: value for key, value in job.config.items() if key.endswith(store.OF_A_FILE)}
    head = {"config": job.config, "code": code_of(experiment), "start": start, "seconds": seconds, "provenance": made}
    store.write_record(Path(job.folder), head | vars(measured))
