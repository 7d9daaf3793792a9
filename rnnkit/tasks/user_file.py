"""A task from a user's own file: loaded, and tried once, before a network is built on it."""

from collections.abc import Callable
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit._arguments import shown
from rnnkit._user_files import describe, only_class
from rnnkit.rng import streams
from rnnkit.tasks.task import Batch, Task

TRIAL = 3  # sequences of the trial


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value) and value > 0


ATTRIBUTES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda value: isinstance(value, str) and value != "", "a text"),
    "input_size": (_is_size, "an integer >= 1"),
    "output_size": (_is_size, "an integer >= 1"),
    "symbols": (lambda value: isinstance(value, bool), "True or False"),
    "output": (lambda value: value in ("last", "every"), "last or every"),
    "loss": (lambda value: value in ("softmax", "mse", "sigmoid"), "softmax, mse or sigmoid"),
    "tolerance": (_is_positive, "a finite number > 0"),
    "shortest": (_is_size, "an integer >= 1"),
}
OWN_METHODS = ("sample", "chance_error", "constant_loss")  # the user's to write; `steps` need not be


def load_file(path: str | Path) -> Task:
    """Return an instance of the one subclass of Task that the .py file at `path` defines; those it imports don't count.

    The file is run once, and anew when it has changed, under a module name of its own; `sys.path` stays as it is.
    Raises ValueError with the path and what is wrong: no such file, an error in it, no task or several, a task with
    faults (all of them).
    """
    where = f"task={str(path)!r}"
    cls = only_class(path, Task, where)
    try:
        task = cls()
        found = faults(task)
    except Exception as error:
        raise ValueError(f"{where}: the trial of {cls.__name__}() raises {describe(error)}") from error
    if found:
        raise ValueError(f"{where}: {'; '.join(found)}")
    check_trial(task, int(task.shortest), where)
    return task


def check_trial(task: Task, seq_len: int, where: str | None = None) -> None:
    """Raise ValueError where a task raises at this length, or draws what kernels cannot take."""
    where = f"task {task.name}" if where is None else where
    try:
        found = trial_faults(task, seq_len)
    except Exception as error:
        at = f"at seq_len={seq_len} (shortest={task.shortest})"
        raise ValueError(f"{where}: the trial of {type(task).__name__}() {at} raises {describe(error)}") from error
    if found:
        raise ValueError(f"{where}: {'; '.join(found)}")


def faults(task: Task) -> list[str]:
    """Return one line for each attribute or method of the task that is missing or of the wrong kind."""
    found = []
    for key, (good, wanted) in ATTRIBUTES.items():
        if not hasattr(task, key):
            found.append(f"{key} is missing: it must be {wanted}")
        elif not good(getattr(task, key)):
            found.append(f"{key} must be {wanted}, got {shown(getattr(task, key))}")
    for key in (*OWN_METHODS, "steps"):
        if key in OWN_METHODS and getattr(type(task), key) is getattr(Task, key):
            found.append(f"{key} is missing: it must be a method")
        elif not callable(getattr(task, key)):
            found.append(f"{key} must be a method, got {shown(getattr(task, key))}")
    return found


def trial_faults(task: Task, seq_len: int) -> list[str]:
    """Return what is wrong with one batch of sequences, and with the two chance baselines."""
    found = []
    for name in ("sample", "sample_test"):
        first, again = (getattr(task, name)(streams(0).data, TRIAL, seq_len) for _ in range(2))
        faults = batch_faults(task, first, TRIAL, seq_len) or draw_faults(first, again)
        found = found or [fault.replace("sample must", f"{name} must") for fault in faults]
    for key in ("chance_error", "constant_loss"):
        value = getattr(task, key)(seq_len)
        if not (isinstance(value, Real) and value >= 0):
            found.append(f"{key}({seq_len}) must be a number >= 0, got {shown(value)}")
    return found


def check_draws(task: Task, seq_len: int, n: int = TRIAL) -> None:
    """Raise ValueError where n sequences differ that are drawn from equal generators: no run could be repeated."""
    if found := draw_faults(*(task.sample(streams(0).data, n, seq_len) for _ in range(2))):
        raise ValueError(f"task {task.name}: {found[0]}")


def draw_faults(first: Batch, again: Batch) -> list[str]:
    """Return what is wrong with two batches drawn from equal generators where they are not the same."""
    if not (isinstance(first, Batch) and isinstance(again, Batch)) or all(map(_same, first, again)):
        return []
    return ["sample must draw from the rng it is given, got different sequences from two equal ones"]


def _same(a: Any, b: Any) -> bool:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return a is b
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")


def batch_faults(task: Task, batch: Batch, n: int, seq_len: int) -> list[str]:
    """Return what is wrong with n sequences of a task: kernels take shapes and symbols as they come."""
    if not isinstance(batch, Batch):
        return [f"sample must return a Batch, got {type(batch).__name__}"]
    T, classes = task.steps(seq_len), task.loss == "softmax"
    S = T if task.output == "every" else 1
    found = _array_faults("x", batch.x, (T, n), task.input_size, task.symbols)
    found += _array_faults("target", batch.target, (S, n), task.output_size, classes)
    if not found and task.loss == "sigmoid" and not (batch.target.min() >= 0 and batch.target.max() <= 1):
        found = [f"target must hold numbers in [0, 1], got {batch.target.min():g}..{batch.target.max():g}"]
    if batch.mask is None:
        return found
    masked = isinstance(batch.mask, np.ma.MaskedArray)
    if masked or np.shape(batch.mask) != (S, n) or np.asarray(batch.mask).dtype != bool:
        found.append(f"mask must be None or {(S, n)} bool, got {_kind(batch.mask)}")
    elif not np.all(np.any(batch.mask, axis=0)):
        found.append("mask must count at least one output of each sequence, got a sequence without one")
    return found


def _array_faults(name: str, array: Any, shape: tuple[int, int], size: int, integers: bool) -> list[str]:
    wanted, kind = (shape, np.integer) if integers else ((*shape, size), np.floating)
    masked = isinstance(array, np.ma.MaskedArray)  # its mask would be lost: Batch has one
    if masked or not isinstance(array, np.ndarray) or array.shape != wanted or not np.issubdtype(array.dtype, kind):
        return [f"{name} must be {wanted} {'int64' if integers else 'float64'}, got {_kind(array)}"]
    if integers and not (array.min() >= 0 and array.max() < size):
        return [f"{name} must hold integers in 0..{size - 1}, got {array.min()}..{array.max()}"]
    if not integers and not np.isfinite(array).all():
        return [f"{name} must hold finite numbers, got nan or inf"]
    return []


def _kind(value: Any) -> str:
    masked = "masked " if isinstance(value, np.ma.MaskedArray) else ""
    return f"{masked}{value.shape} {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
