"""Contenders in turns: processes that run one net each in its own way, their answers compared, then timed."""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

import instances
import numpy as np
from environments import Command

WARM_SECONDS, SECONDS, ROUNDS = 0.02, 0.01, 9  # of own work before calls are timed; of timed calls; turns of each
AGREEMENT = {"float32": 2e-3, "float64": 1e-9}  # of the largest entry; sums of 200 steps in another order
SMALLEST = 1e-30  # a gradient below it is none: over 200 steps of a GRU that of the first state leaves float32
HOPELESS, FAR = 1.5, 3.0  # times its library's best way, and the best of all: timed in the first turn alone


class Run(NamedTuple):
    """A contender's way of running a net: its process and what that calls it."""

    contender: str
    way: str


class Contenders:
    """The processes, until `close`."""

    def __init__(self, commands: dict[str, Command]) -> None:
        """Start them."""
        self._folder = TemporaryDirectory()
        self._net, self._answer = (Path(self._folder.name) / name for name in ("net", "answer"))
        self._processes = {
            name: subprocess.Popen(
                command.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | command.variables,
            )
            for name, command in commands.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End them."""
        for process in self._processes.values():
            process.kill()
            process.communicate()
        self._folder.cleanup()

    def _ask(self, contender: str, *words: object) -> list[str]:
        process = self._processes[contender]
        with suppress(BrokenPipeError):
            process.stdin.write(" ".join(map(str, words)) + "\n")
            process.stdin.flush()
        reply = process.stdout.readline()
        if not reply:
            raise RuntimeError(f"{contender} ended at: {' '.join(map(str, words))}")
        return reply.split()

    def versions(self) -> dict[str, str]:
        """Return the version of each contender's library."""
        return {name: self._ask(name, "version")[0] for name in self._processes}

    def load(self, sizes: instances.Sizes) -> dict[Run, float]:
        """Hand all the same net; return the seconds of the first call of each run. ArithmeticError: answers differ."""
        instances.write(self._net, instances.draw_net(np.random.default_rng(0), sizes))
        who = [name for name in self._processes if sizes.dtype == "float32" or not name.startswith("onednn")]
        return self._first_calls(who, ("load", *sizes, self._net), instances.answer_shapes(sizes), sizes.dtype)

    def load_training(self, n: int, updates: int, sizes: instances.Sizes) -> dict[Run, float]:
        """Do the same for updates of n nets; oneDNN trains nothing."""
        who = [name for name in self._processes if not name.startswith("onednn")]
        return self._first_calls(who, ("train", n, updates, *sizes), instances.trained_shapes(sizes, n), sizes.dtype)

    def _first_calls(self, who: list[str], words: tuple, shapes: tuple, dtype: str) -> dict[Run, float]:
        first, expected = {}, None
        for contender in who:
            for way in self._ask(contender, *words):
                run = Run(contender, way)
                first[run] = float(self._ask(contender, "answer", way, self._answer)[0])
                answer = instances.read(self._answer, shapes, dtype)
                expected = expected or answer
                check_agreement(run, answer, expected, dtype)
        return first

    def time(self, runs: list[Run], average: Callable = np.median) -> dict[Run, float]:
        """Return the average seconds of a call of each run, over its turns and in each; far ones have one turn."""
        times: dict[Run, list[float]] = {run: [] for run in runs}
        for turn in range(ROUNDS):
            for run in promising(times) if turn else runs:
                reply = self._ask(run.contender, "time", run.way, WARM_SECONDS, SECONDS)
                times[run].append(float(average([float(word) for word in reply])))
        return {run: float(average(seconds)) for run, seconds in times.items()}


def promising(times: dict[Run, list[float]]) -> list[Run]:
    """Return the runs whose first time is not far above the best of the same contender, and of all."""
    best: dict[str, float] = {}
    for run, seconds in times.items():
        best[run.contender] = min(best.get(run.contender, np.inf), seconds[0])
    limit = {name: min(HOPELESS * seconds, FAR * min(best.values())) for name, seconds in best.items()}
    return [run for run, seconds in times.items() if seconds[0] <= limit[run.contender]]


def check_agreement(run: Run, answer: list[np.ndarray], expected: list[np.ndarray], dtype: str) -> None:
    """Raise ArithmeticError where gradients are not those of the first contender."""
    for a, e in zip(answer, expected, strict=True):
        difference = np.abs(a - e).max() / max(np.abs(e).max(), SMALLEST)
        if not difference <= AGREEMENT[dtype]:
            raise ArithmeticError(f"{run.contender} {run.way} and rnnkit differ by {difference:.1e}")
