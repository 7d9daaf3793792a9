"""Several experiments at once, each as its own command line would run it, spread over the cores of this machine.

A process runs one experiment after the other: starting one and importing everything takes 3 s, which for 25 experiments
was a seventh of all work.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import NamedTuple

from rnnkit.runner.jobs.experiment import load
from rnnkit.runner.jobs.provenance import cores
from rnnkit.runner.launchers import threads_for
from rnnkit.runner.launchers.local import PATIENCE
from rnnkit.runner.sweep import launch


class Line(NamedTuple):
    """One command line: an experiment's file, its arguments, and the file that gets what it prints."""

    file: Path
    arguments: tuple[str, ...]
    log: Path


class Ended(NamedTuple):
    """How a line ended: exit code and seconds."""

    line: Line
    code: int
    seconds: float


def run_lines(lines: list[Line]) -> Iterator[Ended]:
    """Run the lines in this order, as many at a time as there are cores, and yield each as it ends.

    A line whose process was killed, and those that were still to come, end with code 1.
    """
    workers = max(1, min(cores(), len(lines)))
    os.environ.update(threads_for(max(1, cores() // workers)))  # a worker reads it when it starts
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        futures = {pool.submit(_run, line): line for line in lines}
        for future in as_completed(futures):
            try:
                code, seconds = future.result()
            except BrokenProcessPool:
                code, seconds = 1, 0.0
            yield Ended(futures[future], code, seconds)
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Have this process end once the one that started it has, however that was: the job at hand leaves its record."""

    def wait() -> None:
        parent_process().join()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(PATIENCE)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _run(line: Line) -> tuple[int, float]:
    """Run one line in this process; return its exit code and seconds."""
    start = time.perf_counter()
    line.log.parent.mkdir(parents=True, exist_ok=True)
    with open(line.log, "w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        sys.argv = [str(line.file), *line.arguments]
        try:
            launch(load(line.file))
        except SystemExit as end:
            code = _exit_code(end)
    return code, time.perf_counter() - start


def _exit_code(end: SystemExit) -> int:
    """Return what a shell would see; a message goes to where errors go."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1
