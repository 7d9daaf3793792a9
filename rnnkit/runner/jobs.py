"""One job: claimed, run, and recorded with where it was made, whatever happens to it."""

import datetime
import shutil
import time
import traceback
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from rnnkit.runner import provenance, store
from rnnkit.runner.config import Settings
from rnnkit.runner.experiment import Experiment, Measurement

BUSY = "busy"  # another process is at it


class CannotRecord(Exception):  # noqa: N818  a statement, not an error of the job
    """The folder takes no more records: to go on would be work for nothing."""


class Job(NamedTuple):
    """What a process needs to run one job. since: an older record counts for nothing; wait: for who is at it now."""

    values: dict[str, Any]
    since: float = 0.0
    wait: bool = False


@dataclass(frozen=True)
class Work:
    """What a launcher is asked to get done: `jobs` are those of the sweep that have no record to be kept."""

    experiment: Experiment
    out: Path
    jobs: list[Job]
    began: float = field(default_factory=time.time)

    def folder(self, job: Job) -> Path:
        """Return the folder of a job's record."""
        return folder_of(self.experiment.schema.model_validate(job.values))

    def is_recorded(self, job: Job) -> bool:
        """Return whether a job has a record to be kept."""
        record, _ = store.read_record(self.folder(job))
        return _counts(record, self.experiment, self.experiment.schema.model_validate(job.values), job)

    def is_without(self, job: Job) -> bool:
        """Return whether a job has no record of its own from this command, nor one of a job that has ended."""
        record, _ = store.read_record(self.folder(job))
        return record is None or not (store.has_ended(record) or record["start"] >= self.began)

    def lost(self, job: Job, message: str) -> None:
        """Leave a record of a job whose process was ended from outside, if it is without one."""
        settings = self.experiment.schema.model_validate(job.values)
        with recording(settings), store.claim(folder_of(settings), wait=False) as mine:
            if mine and self.is_without(job):
                _write(self.experiment, settings, Measurement({"status": "interrupted"}, message=message), time.time())


def folder_of(settings: Settings) -> Path:
    """Return the folder of a job's record."""
    return Path(settings.out) / "jobs" / store.identity(settings.scientific())


class recording:  # noqa: N801  reads as a statement: with recording(...)
    """Turn an OSError of the folder into a line that names it."""

    def __init__(self, settings: Settings) -> None:
        self.out = settings.out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            what = f"out={self.out}: cannot be written ({error.strerror or error})"
            raise CannotRecord(f"{what}; records written before are as they were") from None


@cache
def code_of(*files: Path) -> str:
    """Return the identity of the code as it was when this process first asked."""
    return store.code_identity(*files)


def run_job(experiment: Experiment, job: Job) -> str:
    """Run one job and leave its record, whatever happens; return its status, or BUSY.

    A job that the same code has ended in the meantime is not run again. An interruption keeps an earlier record.
    """
    settings = experiment.schema.model_validate(job.values)
    folder = folder_of(settings)
    with recording(settings), store.claim(folder, job.wait) as mine:
        if not mine:
            return BUSY
        record, damage = store.read_record(folder)
        if _counts(record, experiment, settings, job):
            return record["row"]["status"]
        if damage:
            (folder / "record.json").replace(folder / "record.damaged.json")
        return _run(experiment, settings, had_ended=store.has_ended(record))


def _counts(record: dict[str, Any] | None, experiment: Experiment, settings: Settings, job: Job) -> bool:
    code = code_of(experiment.file, *settings.sources())
    return store.has_ended(record, code) and record["start"] >= job.since


def _run(experiment: Experiment, settings: Settings, had_ended: bool) -> str:
    start, began = time.time(), time.perf_counter()
    problem = folder_of(settings) / "traceback.txt"
    with provenance.compilation() as compiled:
        try:
            measured = experiment.run(settings)
            problem.unlink(missing_ok=True)
        except KeyboardInterrupt:
            if not had_ended:
                _write(experiment, settings, Measurement({"status": "interrupted"}), start)
            raise
        except Exception as error:  # a job that raises is a row with status error; the others go on
            measured = Measurement({"status": "error"}, message=f"{type(error).__name__}: {error}")
            store.write_whole(problem, traceback.format_exc())
        compile_seconds = compiled()
    _write(experiment, settings, measured, start, time.perf_counter() - began, compile_seconds)
    for checkpoints in folder_of(settings).glob("checkpoints-*"):  # of a job that has ended: nobody goes on from them
        shutil.rmtree(checkpoints)
    return measured.row["status"]


def _write(
    experiment: Experiment,
    settings: Settings,
    measured: Measurement,
    start: float,
    seconds: float = 0.0,
    compile_seconds: float = 0.0,
) -> None:
    code = code_of(experiment.file, *settings.sources())
    made = provenance.environment(experiment.file) | {
        "seed": settings.seed,
        "started": datetime.datetime.fromtimestamp(start, datetime.UTC).isoformat(timespec="seconds"),
        "compile_seconds": round(compile_seconds, 6),
    }
    head = {"config": settings.scientific(), "code": code, "start": start, "seconds": seconds, "provenance": made}
    store.write_record(folder_of(settings), head | vars(measured))
