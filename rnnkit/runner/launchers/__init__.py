"""Ways to get the jobs of a sweep done: one class a file, its keys those of conf/hydra/launcher/<name>.yaml.

A launcher has `launch(work, progress)`: it returns when every job of `work` has a record or cannot have one, and calls
`progress.look()` now and then. A job that another client is at is left for last, and waited for. Hydra's own launchers
were measured and left: they compose every job anew (80 ms; on Slurm a whole process for each, 2.5 s), a killed worker
ends the sweep, and none of them knows which jobs are done.
"""

from pydantic import BaseModel, ConfigDict, field_validator

from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.jobs.job import BUSY, Job, Work, run_job
from rnnkit.runner.jobs.progress import Progress

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Launcher(BaseModel):
    """What a sweep asks of a launcher; its fields are its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def missing(self) -> list[str]:
        """Return what this machine would need to have, one line each."""
        return []

    def launch(self, work: Work, progress: Progress) -> None:
        """Get every job of `work` done."""
        raise NotImplementedError

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object) -> object:
        if isinstance(value, bool):  # true would pass as 1
            raise ValueError
        return value


def run_all(experiment: Experiment, jobs: list[Job], progress: Progress | None = None) -> None:
    """Run jobs one after the other in this process; those that others are at come last."""
    busy = []
    for job in jobs:
        if run_job(experiment, job) == BUSY:
            busy.append(job)
        if progress:
            progress.look()
    for job in busy:
        run_job(experiment, job._replace(wait=True))


def threads_for(cores: int) -> dict[str, str]:
    """Return the environment in which a process uses that many cores."""
    return dict.fromkeys(THREAD_VARIABLES, str(cores))
