"""Tasks by name: samplers of sequences with answers, and the chance baseline of each; or a task of your own file."""

from pathlib import Path

from rnnkit._arguments import integer, shown
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
    raise ValueError(f"task must be a .py file or one of {', '.join(TASKS)}, got {shown(name_or_path)}")


def check_length(task: Task, seq_len: int, name: str = "seq_len") -> None:
    """Raise ValueError unless the task has sequences of this length: from `shortest` to `longest`, if it has one."""
    integer(f"{name} of task {task.name}", seq_len, task.shortest, getattr(task, "longest", None))


__all__ = ["TASKS", "Batch", "Task", "batch_faults", "check_draws", "check_length", "check_trial", "load", "load_file"]
