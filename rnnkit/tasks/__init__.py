"""Tasks by name: samplers of sequences with answers, and the chance baseline of each; or a task of your own file.

TASKS are drawn anew each time. DATA_SETS are read where they are installed, a text by the path of its .txt file.
"""

from collections.abc import Callable
from pathlib import Path

from rnnkit._arguments import integer, shown
from rnnkit.tasks.adding import AddingArjovsky, AddingHochreiter, AddingLe, AddingPascanu, AddingSutskever
from rnnkit.tasks.chorales import bach_chorales
from rnnkit.tasks.copying import Copying
from rnnkit.tasks.data_set import DataSet
from rnnkit.tasks.delayed_echo import DelayedEcho
from rnnkit.tasks.digits import digits_pixels
from rnnkit.tasks.fashion_mnist import fashion_pixels, fashion_rows
from rnnkit.tasks.latch import Latch
from rnnkit.tasks.long_lag import LongLag
from rnnkit.tasks.memorization import Memorization
from rnnkit.tasks.multiplication import Multiplication
from rnnkit.tasks.one_bit import OneBit
from rnnkit.tasks.permutation import Permutation
from rnnkit.tasks.task import Batch, Task
from rnnkit.tasks.temporal_order import TemporalOrder
from rnnkit.tasks.text import Text
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
        OneBit(),
    )
}

DATA_SETS: dict[str, Callable[[], DataSet]] = {
    "digits_pixels": digits_pixels,
    "fashion_rows": fashion_rows,
    "fashion_pixels": fashion_pixels,
    "chorales": bach_chorales,
}
OF_A_FILE = (".py", ".txt")  # how the path of a task ends


def load(name_or_path: str) -> Task:
    """Return the task of that name, of the .py file at that path (see `load_file`), or the text of that .txt file.

    Raises ValueError, with what to install where it is a data set that is not there.
    """
    if isinstance(name_or_path, str) and name_or_path in TASKS:
        return TASKS[name_or_path]
    if isinstance(name_or_path, str) and name_or_path in DATA_SETS:
        return _read(name_or_path)
    suffix = Path(name_or_path).suffix if isinstance(name_or_path, str | Path) else ""
    if suffix in OF_A_FILE:
        return load_file(name_or_path) if suffix == ".py" else Text(name_or_path)
    names = ", ".join([*TASKS, *DATA_SETS])
    raise ValueError(f"task must be a .py or .txt file or one of {names}, got {shown(name_or_path)}")


def _read(name: str) -> DataSet:
    try:
        return DATA_SETS[name]()
    except ValueError as error:
        raise ValueError(f"task={name}: {error}") from None


def check_length(task: Task, seq_len: int, name: str = "seq_len") -> None:
    """Raise ValueError unless the task has sequences of this length: from `shortest` to `longest`, if it has one."""
    integer(f"{name} of task {task.name}", seq_len, task.shortest, getattr(task, "longest", None))


__all__ = [
    "DATA_SETS",
    "OF_A_FILE",
    "TASKS",
    "Batch",
    "DataSet",
    "Task",
    "batch_faults",
    "check_draws",
    "check_length",
    "check_trial",
    "load",
    "load_file",
]
