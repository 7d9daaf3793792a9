"""A Ray cluster, or a Ray of this machine: `hydra/launcher=ray`. Needs ray (pip install 'rnnkit[ray]')."""

import importlib.util
from pathlib import Path
from typing import Any

from pydantic import Field

from rnnkit.runner.jobs.experiment import environment as environment_of
from rnnkit.runner.jobs.experiment import load
from rnnkit.runner.jobs.job import BUSY, CannotRecord, Job, Work, run_job
from rnnkit.runner.jobs.progress import EVERY, Progress
from rnnkit.runner.launchers import Launcher, threads_for


class Ray(Launcher):
    """Every job is a task of Ray; `out` has to be a folder that all its machines see."""

    address: str | None = Field(None, description="the address of a cluster, or null (a Ray of this machine)")
    cpus: int = Field(1, ge=1, le=4096, description="an integer from 1 to 4096 (cores of one job)")

    def missing(self) -> list[str]:
        """Return what this machine would need to have."""
        return [] if importlib.util.find_spec("ray") else ["hydra/launcher=ray: needs ray, pip install 'rnnkit[ray]'"]

    def launch(self, work: Work, progress: Progress) -> None:
        """Hand all jobs to Ray and wait for them."""
        import ray  # an extra

        environment: dict[str, Any] = {"env_vars": threads_for(self.cpus) | environment_of(work.experiment.file)}
        ray.init(self.address, log_to_driver=False, logging_level="ERROR", runtime_env=environment)
        try:
            task = ray.remote(num_cpus=self.cpus, max_retries=0)(_run)
            pending = {task.remote(work.experiment.file, job): job for job in work.jobs}
            while pending:
                done, _ = ray.wait(list(pending), timeout=EVERY)
                for reference in done:
                    job = pending.pop(reference)
                    if self._reply(work, job, reference) == BUSY:  # the last in Ray's queue, and waited for
                        job = job._replace(wait=True)
                        pending[task.remote(work.experiment.file, job)] = job
                progress.look()
        finally:
            ray.shutdown()

    def _reply(self, work: Work, job: Job, reference: Any) -> str:
        """Return how a task ended."""
        import ray

        try:
            status, problem = ray.get(reference)
        except ray.exceptions.RayError as error:  # its process was killed, or its machine is gone
            work.lost(job, str(error).splitlines()[0])
            return "interrupted"
        if problem:
            raise CannotRecord(problem)
        return status


def _run(experiment: Path, job: Job) -> tuple[str, str]:
    """Run a job within Ray; return its status, and why its record could not be written."""
    try:
        return run_job(load(experiment), job), ""
    except CannotRecord as problem:
        return "", str(problem)
