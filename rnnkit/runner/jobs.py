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

from rnnkit.runner import provenance, store
from rnnkit.runner.config import Settings
from rnnkit.runner.experiment import Experiment, Measurement

BUSY = "busy"  # another process is at it


class CannotRecord(Exception):  # noqa: N818  a statement, not an error of the job
    """The folder takes no more records: to go on would be work for nothing."""


class Job(NamedTuple):
    """What a process needs to run one job.

    after: the start of the record that was there and does not count, as one that is no newer does not. wait: for
    another process that is at it now.
    """

    values: dict[str, Any]
    after: float = 0.0
    wait: bool = False


@dataclass(frozen=True)
class Work:
    """What a launcher is asked to get done: `jobs` are those of the sweep that have no record to be kept."""

    experiment: Experiment
    out: Path
    jobs: list[Job]

    def folder(self, job: Job) -> Path:
        """Return the folder of a job's record."""
        return folder_of(self.experiment.schema.model_validate(job.values))

    def is_recorded(self, job: Job) -> bool:
        """Return whether a job has a record to be kept."""
        return _counts(store.read_record(self.folder(job))[0], job)

    def is_without(self, job: Job) -> bool:
        """Return whether a job has no record of its own from this command, nor one of a job that has ended."""
        record, _ = store.read_record(self.folder(job))
        return record is None or not (store.has_ended(record) or record["start"] > job.after)

    def is_old(self, job: Job) -> bool:
        """Return whether a job has ended, but before it was to be computed again."""
        record, _ = store.read_record(self.folder(job))
        return store.has_ended(record) and not _counts(record, job)

    def lost(self, job: Job, message: str) -> None:
        """Leave a record of a job whose process was ended from outside, if it is without one."""
        settings = self.experiment.schema.model_validate(job.values)
        with recording(settings), store.claim(folder_of(settings), wait=False) as mine:
            if mine and self.is_without(job):
                code = code_of(self.experiment.file, *settings.sources())
                measured = Measurement({"status": "interrupted"}, message=message)
                _write(self.experiment, settings, measured, time.time(), code)


def folder_of(settings: Settings) -> Path:
    """Return the folder of a job's record."""
    return Path(settings.out) / "jobs" / store.identity(settings.scientific())


@contextmanager
def recording(settings: Settings) -> Iterator[None]:
    """Turn an OSError of the folder into a line that names it."""
    try:
        yield
    except OSError as error:
        what = f"out={settings.out}: cannot be written ({error.strerror or error})"
        raise CannotRecord(f"{what}; records written before are as they were") from None


@cache
def _modules_code(experiment: Path) -> str:
    return store.code_identity(*store.own_sources(experiment))


def code_of(experiment: Path, *sources: Path) -> str:
    """Return the identity of the code: modules as this process first met them, `sources` as they are now.

    A user's task is read anew for each job, so its text is, too.
    """
    code = _modules_code(experiment)
    return store.identity([code, *(path.read_text(encoding="utf-8") for path in sources)]) if sources else code


def run_job(experiment: Experiment, job: Job) -> str:
    """Run one job and leave its record, whatever happens; return its status, or BUSY.

    A job that has ended since it was planned is not run again, whoever's code it was: that is for the user to decide.
    An interruption keeps an earlier record.
    """
    settings = experiment.schema.model_validate(job.values)
    folder = folder_of(settings)
    with recording(settings), store.claim(folder, job.wait) as mine:
        if not mine:
            return BUSY
        record, damage = store.read_record(folder)
        if _counts(record, job):
            return record["row"]["status"]
        if damage:
            (folder / "record.json").replace(folder / "record.damaged.json")
        return _run(experiment, settings, had_ended=store.has_ended(record))


def _counts(record: dict[str, Any] | None, job: Job) -> bool:
    return store.has_ended(record) and record["start"] > job.after


def _run(experiment: Experiment, settings: Settings, had_ended: bool) -> str:
    start, began = time.time(), time.perf_counter()
    problem, code = folder_of(settings) / "traceback.txt", code_of(experiment.file, *settings.sources())
    with provenance.compilation() as compiled:
        try:
            measured = experiment.run(settings)
            _check(measured)
            problem.unlink(missing_ok=True)
        except KeyboardInterrupt:
            if not had_ended:
                _write(experiment, settings, Measurement({"status": "interrupted"}), start, code)
            raise
        except Exception as error:  # a job that raises is a row with status error; the others go on
            measured = Measurement({"status": "error"}, message=f"{type(error).__name__}: {error}")
            store.write_whole(problem, traceback.format_exc())
        compile_seconds = compiled()
    _write(experiment, settings, measured, start, code, time.perf_counter() - began, compile_seconds)
    if measured.row["status"] in store.ENDED:  # after an error a training goes on from them
        for checkpoints in folder_of(settings).glob("checkpoints-*"):
            shutil.rmtree(checkpoints)
    return measured.row["status"]


def _check(measured: Measurement) -> None:
    """Raise for what cannot be a record: it is an error of the job, not of the sweep."""
    if measured.row.get("status") not in store.ENDED:
        raise ValueError(f"status={measured.row.get('status')}: allowed is {' or '.join(store.ENDED)}")
    json.dumps(vars(measured))


def _write(
    experiment: Experiment,
    settings: Settings,
    measured: Measurement,
    start: float,
    code: str,
    seconds: float = 0.0,
    compile_seconds: float = 0.0,
) -> None:
    made = provenance.environment(experiment.file) | {
        "seed": settings.seed,
        "started": datetime.datetime.fromtimestamp(start, datetime.UTC).isoformat(timespec="seconds"),
        "compile_seconds": round(compile_seconds, 6),
    }
    head = {"config": settings.scientific(), "code": code, "start": start, "seconds": seconds, "provenance": made}
    store.write_record(folder_of(settings), head | vars(measured))
