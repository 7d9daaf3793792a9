"""An array job of a cluster: `hydra/launcher=slurm`. Needs submitit (pip install 'rnnkit[slurm]') and sbatch.

The jobs of a sweep are dealt out to at most `tasks` tasks of one array; a task runs its share one after the other. A
task that reaches its time limit, or is preempted, is queued again, keeps the records it has, and its trainings resume
from their checkpoints. Tasks outlive the command; the same line again waits for them before it submits what is left.
"""

import importlib.util
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from rnnkit.runner.jobs.experiment import environment, load
from rnnkit.runner.jobs.job import CannotRecord, Job, Work
from rnnkit.runner.jobs.progress import Progress
from rnnkit.runner.launchers import THREAD_VARIABLES, Launcher, run_all

PER_CORE = "${SLURM_CPUS_PER_TASK:-1}"
SETUP = [f"export {name}={PER_CORE}" for name in (*THREAD_VARIABLES, "SRUN_CPUS_PER_TASK")]  # Slurm tells srun no more
ACCOUNTING_S = 10
Text = str | None


@dataclass(frozen=True)
class Share:
    """What one task of the array does. submitit stores it, and calls `checkpoint` when the task has to give way."""

    experiment: Path
    jobs: list[Job]

    def __call__(self) -> None:
        """Run the jobs; those that have ended already are left as they are."""
        try:
            run_all(load(self.experiment), self.jobs)
        except CannotRecord as problem:
            sys.exit(str(problem))

    def checkpoint(self) -> Any:
        """Return what the task does when it is started again: the same, since records and checkpoints are on disk."""
        from submitit.helpers import DelayedSubmission  # an extra: asked for by hydra/launcher=slurm alone

        return DelayedSubmission(self)


class Task(NamedTuple):
    """A submitted task of an array."""

    job: Any
    share: Share


class Slurm(Launcher):
    """Keys of sbatch by their own names, as far as sweeps need them; all others go into `extra`."""

    partition: Text = Field(None, description="a partition, or null (the cluster's default)")
    account: Text = Field(None, description="an account, or null")
    timeout_min: int = Field(
        60, ge=1, le=10**6, description="an integer from 1 to 1e6 (minutes for one task between two requeues)"
    )
    cpus_per_task: int = Field(1, ge=1, le=4096, description="an integer from 1 to 4096")
    mem_gb: float = Field(2, gt=0, le=1e5, description="a number above 0, up to 1e5 (GB of one task)")
    tasks: int = Field(100, ge=1, le=100_000, description="an integer from 1 to 1e5 (tasks of the array at most)")
    parallel: int = Field(100, ge=1, le=100_000, description="an integer from 1 to 1e5 (tasks at a time)")
    requeues: int = Field(100, ge=0, le=10**6, description="an integer from 0 to 1e6 (time limits a task may reach)")
    warn_s: int = Field(
        60, ge=1, le=65_535, description="an integer from 1 to 65535 (seconds before its limit when a task is told)"
    )
    poll_s: float = Field(
        5, gt=0, le=3600, description="a number above 0, up to 3600 (seconds between two looks at the queue)"
    )
    setup: list[str] = Field([], description="a list of shell lines for the start of each task")
    extra: dict[str, Any] = Field({}, description="a mapping of further options of sbatch to their values")

    def missing(self) -> list[str]:
        """Return what this machine would need to have."""
        found = {"submitit, pip install 'rnnkit[slurm]'": importlib.util.find_spec("submitit")}
        found |= {f"{name}, a command of Slurm": shutil.which(name) for name in ("sbatch", "squeue")}
        return [f"hydra/launcher=slurm: needs {name}" for name, there in found.items() if not there]

    def launch(self, work: Work, progress: Progress) -> None:
        """Wait for what an earlier command has submitted, submit what is left, wait for that."""
        if "%" in str(work.out.resolve()):
            wanted = "a folder without % in its path, to which sbatch gives a meaning"
            raise RuntimeError(f"out must be {wanted}, got {work.out} with hydra/launcher=slurm")
        submitted = work.out / "slurm" / "submitted.txt"
        earlier = set(submitted.read_text(encoding="utf-8").split()) if submitted.exists() else set()
        if running := earlier & queued(earlier):
            print(f"waiting for {', '.join(sorted(running))}, submitted by an earlier command", flush=True)
            self._wait(running, progress)
        left = [job for job in work.jobs if not work.is_recorded(job)]
        if not left:
            return
        tasks = self._submit(work, left)
        array = {task.job.job_id.split("_")[0] for task in tasks}
        with open(submitted, "a", encoding="utf-8") as file:
            file.writelines(f"{job_id}\n" for job_id in array)
        try:
            self._wait(array, progress)
        except KeyboardInterrupt:
            ids = " ".join(sorted(array))
            print(f"\nSlurm continues: scancel {ids} ends it, rnnkit collect {work.out} makes tables")
            raise
        _tell(work, [(task, job) for task in tasks if (job := _at(work, task))])

    def _submit(self, work: Work, jobs: list[Job]) -> list[Task]:
        from submitit import AutoExecutor  # an extra

        n = min(self.tasks, len(jobs))
        shares = [Share(work.experiment.file, jobs[first::n]) for first in range(n)]
        executor = AutoExecutor(work.out / "slurm", cluster="slurm", slurm_max_num_timeout=self.requeues)
        executor.update_parameters(
            name=work.experiment.name,
            timeout_min=self.timeout_min,
            cpus_per_task=self.cpus_per_task,
            mem_gb=self.mem_gb,
            slurm_array_parallelism=self.parallel,
            slurm_signal_delay_s=self.warn_s,
            slurm_setup=[*SETUP, *_exported(environment(work.experiment.file)), *self.setup],
            slurm_additional_parameters={"requeue": True} | self._named() | self.extra,
        )
        found = [Task(job, share) for job, share in zip(executor.submit_array(shares), shares, strict=True)]
        print(f"submitted {found[0].job.job_id.split('_')[0]}: {len(jobs)} jobs in {n} tasks", flush=True)
        return found

    def _named(self) -> dict[str, str]:
        return {name: value for name in ("partition", "account") if (value := getattr(self, name))}

    def _wait(self, arrays: set[str], progress: Progress) -> None:
        while arrays & queued(arrays):
            progress.look()
            time.sleep(self.poll_s)


def _exported(variables: dict[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def queued(unless_told: set[str] = frozenset()) -> set[str]:
    """Return the array jobs of this user that are queued or running; `unless_told` while Slurm gives no answer."""
    command = ["squeue", "--noheader", "--me", "--format=%F"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(answer.stdout.split()) if answer.returncode == 0 else set(unless_told)


def _at(work: Work, task: Task) -> Job | None:
    """Return the job that a task was at when it was ended from outside."""
    return next((job for job in task.share.jobs if work.is_without(job)), None)


def _tell(work: Work, ended: list[tuple[Task, Job]]) -> None:
    """Record what became of the jobs at which tasks were ended; accounting says why, some seconds late."""
    if not ended:
        return
    for _ in range(ACCOUNTING_S):
        ended[0][0].job.watcher.update()
        states = [task.job.watcher.get_state(task.job.job_id, mode="cache") for task, _ in ended]
        if not set(states) & {"RUNNING", "COMPLETING", "PENDING", "UNKNOWN"}:
            break
        time.sleep(1)
    for (task, job), state in zip(ended, states, strict=True):
        work.lost(job, f"task {task.job.job_id} ended as {state}; see {task.job.paths.stderr}")
