"""Processes of this machine, each with its share of the cores: `hydra/launcher=local`."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from typing import Any

from pydantic import Field

from rnnkit.runner.jobs import provenance
from rnnkit.runner.jobs.experiment import environment as environment_of
from rnnkit.runner.jobs.job import BUSY, CannotRecord, Job, Work
from rnnkit.runner.jobs.progress import EVERY, Progress
from rnnkit.runner.launchers import Launcher, threads_for

PATIENCE = 5.0  # seconds an interrupted worker has to leave its record


class Local(Launcher):
    """Worker processes; a killed one costs the job it was at, and another takes its place."""

    workers: int | None = Field(None, ge=1, le=4096, description="an integer from 1 to 4096, or null (one a core)")
    threads: int | None = Field(None, ge=1, le=4096, description="an integer from 1 to 4096, or null (cores / workers)")

    def launch(self, work: Work, progress: Progress) -> None:
        """Feed the workers until no job is left."""
        asyncio.run(self._launch(work, progress))

    async def _launch(self, work: Work, progress: Progress) -> None:
        queue = deque(work.jobs)
        cores = provenance.cores()
        workers = min(self.workers or cores, len(queue))
        environment = os.environ | environment_of(work.experiment.file)
        environment |= threads_for(self.threads or max(1, cores // workers))
        slots = [asyncio.create_task(_Slot(work, number, environment).serve(queue)) for number in range(workers)]
        looking = asyncio.create_task(_look(progress))
        try:
            await asyncio.gather(*slots)
        finally:
            for task in (looking, *slots):
                task.cancel()
            await asyncio.gather(looking, *slots, return_exceptions=True)


async def _look(progress: Progress) -> None:
    while True:
        progress.look()
        await asyncio.sleep(EVERY)


class _Slot:
    """One worker after the other, and what it is at."""

    def __init__(self, work: Work, number: int, environment: dict[str, str]) -> None:
        self.work, self.environment = work, environment
        self.log = work.out / "workers" / f"{number}.log"

    async def serve(self, queue: deque[Job]) -> None:
        """Take jobs from the queue until it is empty."""
        process: Process | None = None
        try:
            while queue:
                job = queue.popleft()
                process = process or await self._start()
                reply = await _ask(process, job)
                if not reply:
                    self.work.lost(job, f"{_how_it_ended(await process.wait())}; its worker wrote {self.log}")
                    process = None
                elif reply == BUSY:
                    queue.append(job._replace(wait=True))
                elif reply.startswith("cannot record: "):
                    raise CannotRecord(reply.removeprefix("cannot record: "))
        finally:
            if process:
                await _stop(process)

    async def _start(self) -> Process:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "rnnkit.runner.jobs.worker", str(self.work.experiment.file))
        with open(self.log, "a", encoding="utf-8") as log:
            # A session of its own: Ctrl-C comes from the launcher, and a closed terminal lets the job at hand end.
            options: dict[str, Any] = {"env": self.environment, "start_new_session": True}
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=log, **options)
        if (await process.stdout.readline()).strip() != b"ready":
            raise RuntimeError(f"a worker could not start, see {self.log}")
        return process


async def _ask(process: Process, job: Job) -> str:
    """Return a worker's reply, empty where it has died."""
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
        return (await process.stdout.readline()).decode().strip()
    except ConnectionError:
        return ""


async def _stop(process: Process) -> None:
    """Let an idle worker go; interrupt one at work, which leaves a record, and end it where it does not."""
    process.stdin.close()
    if sys.exc_info()[0] and process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


def _how_it_ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
