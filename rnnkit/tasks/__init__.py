"""Tasks by name: samplers of sequences with answers, and what ignorance scores on each; or a task of your own file."""

from pathlib import Path

from rnnkit._arguments import is_integer
from rnnkit.tasks.adding import AddingArjovsky, AddingHochreiter, AddingLe, AddingPascanu, AddingSutskever
from rnnkit.tasks.copying import Copying
from rnnkit.tasks.delayed_echo import DelayedEcho
from rnnkit.tasks.latch import Latch
from rnnkit.tasks.long_lag import LongLag
from rnnkit.tasks.memorization import Memorization
from rnnkit.tasks.multiplication import Multiplication
from rnnkit.tasks.permutation import Permutation
from rnnkit.tasks.task import Batch, Task
from rnnkit.tasks.temporal_order import TemporalOrder
from rnnkit.tasks.user_file import batch_faults, check_draws, check_trial, load_file

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        TemporalOrder(2),
        TemporalOrder(3),
        AddingPascanu(),
        AddingSutskever(),
        AddingHochreiter(),
        AddingLe(),
        AddingArjovsky(),
        Multiplication(),
        Memorization(2, 5, "memorization_5"),
        Memorization(5, 10, "memorization_20"),
        Permutation(),
        Copying(),
        Latch(),
        LongLag(),
        DelayedEcho(2),
        DelayedEcho(4),
    )
}


def load(name_or_path: str) -> Task:
    """Return the task of that name, or of the .py file at that path (see `load_file`). Raises ValueError."""
    if isinstance(name_or_path, str) and name_or_path in TASKS:
        return TASKS[name_or_path]
    if isinstance(name_or_path, str | Path) and Path(name_or_path).suffix == ".py":
        return load_file(name_or_path)
    raise ValueError(f"task={name_or_path!r}: allowed is a .py file or one of {', '.join(TASKS)}")


def check_length(task: Task, seq_len: int) -> None:
    """Raise ValueError unless the task has sequences of this seq_len: from `shortest` to `longest`, if it has one."""
    longest = getattr(task, "longest", None)
    if not is_integer(seq_len):
        raise ValueError(f"seq_len={seq_len!r}: task {task.name} needs an integer")
    if seq_len < task.shortest:
        raise ValueError(f"seq_len={seq_len}: task {task.name} needs at least {task.shortest}")
    if longest is not None and seq_len > longest:
        raise ValueError(f"seq_len={seq_len}: task {task.name} allows at most {longest}")


__all__ = ["TASKS", "Batch", "Task", "batch_faults", "check_draws", "check_length", "check_trial", "load", "load_file"]
