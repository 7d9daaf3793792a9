"""Calls in one process that take turns, each warm from its own work; medians."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)
WARM_SECONDS = 0.02
SECONDS_EACH, RUNS = 1.0, (5, 21)  # timed calls of each: as many as fit, within these bounds


def seconds(function: Callable[[], object]) -> float:
    """Return the seconds one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(runs: Mapping[Key, Callable[[], object]]) -> dict[Key, float]:
    """Return the median seconds of each."""
    longest = max(seconds(run) for run in runs.values())
    times: dict[Key, list[float]] = {name: [] for name in runs}
    for _ in range(int(np.clip(SECONDS_EACH / longest, *RUNS))):
        for name, run in runs.items():
            until = time.perf_counter() + WARM_SECONDS
            run()
            while time.perf_counter() < until:
                run()
            times[name].append(seconds(run))
    return {name: float(np.median(t)) for name, t in times.items()}
