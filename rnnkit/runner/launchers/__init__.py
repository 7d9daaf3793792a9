"""Ways to get the jobs of a sweep done: one class a file, its keys those of conf/hydra/launcher/<name>.yaml.

A launcher has `launch(work, progress)`: it returns when every job of `work` has a record or cannot have one, and calls
`progress.look()` now and then. A job that another client is at is left for last, and waited for. Hydra's own launchers
were measured and left: they compose every job anew (80 ms; on Slurm a whole process for each, 2.5 s), a killed worker
ends the sweep, and none of them knows which jobs are done.
"""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, field_validator

from rnnkit.runner.jobs import BUSY, Job, Work, run_job
from rnnkit.runner.progress import Progress

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Launcher(Protocol):
    """What a sweep asks of a launcher."""

    def launch(self, work: Work, progress: Progress) -> None:
        """Get every job of `work` done."""


class Keys(BaseModel):
    """Base of the launchers' keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object) -> object:
        if isinstance(value, bool):  # true would pass as 1
            raise ValueError
        return value

    def missing(self) -> list[str]:
        """Return what this machine would need to have, one line each."""
        return []


def run_all(work: Work, progress: Progress | None = None) -> None:
    """Run jobs one after the other in this process; those that others are at come last."""
    busy = []
    for job in work.jobs:
        if run_job(work.experiment, job) == BUSY:
            busy.append(job)
        if progress:
            progress.look()
    for job in busy:
        run_job(work.experiment, job._replace(wait=True))


def threads_for(cores: int) -> dict[str, str]:
    """Return the environment in which a process uses that many cores."""
    return dict.fromkeys(THREAD_VARIABLES, str(cores))


__all__ = ["THREAD_VARIABLES", "Job", "Keys", "Launcher", "run_all", "threads_for"]
