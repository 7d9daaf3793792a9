"""A user's own task: loaded from its file, and every fault of it told."""

import pickle
import re
import sys

import numpy as np
import pytest

from rnnkit.rng import streams
from rnnkit.tasks import Batch, Task, batch_faults, load, load_file

HEAD = "import numpy as np\nfrom rnnkit.tasks.task import Batch, Task\nfrom rnnkit.tasks.copying import Copying\n"
GOOD = (
    HEAD
    + """
class Last(Task):
    name, input_size, output_size = "last", 4, 4

    def sample(self, rng, n, seq_len):
        x = rng.integers(4, size=(seq_len, n))
        return Batch(x, x[-1:].copy())

    def chance_error(self, seq_len):
        return 0.75

    def constant_loss(self, seq_len):
        return 1.386
"""
)
SAMPLE = "return Batch(x, x[-1:].copy())"
BROKEN = [
    ("raise KeyError('oh')", "the file raises KeyError: 'oh'"),
    ("raise SystemExit(3)", "the file raises SystemExit: 3"),
    ("def f(:", "the file raises SyntaxError"),
    ("import no_such_module_here", "the file raises ModuleNotFoundError"),
    (HEAD, "the file must define exactly one subclass of Task, got 0"),
    (GOOD + "class More(Last): pass", "exactly one subclass of Task, got 2 (Last, More)"),
    (GOOD + "    def __init__(self, k): pass", "the trial of Last() raises TypeError"),
    (GOOD.replace('"last", 4, 4', '"last", 4, 0'), "output_size must be an integer >= 1, got 0"),
    (GOOD + "    def sample_test(self, rng, n, seq_len): return 3\n", "sample_test must return a Batch, got int"),
    (GOOD.replace('"last", 4, 4', '"last", True, 4'), "input_size must be an integer >= 1, got True"),
    (GOOD.replace('"last", 4, 4', '"", 4, 4'), "name must be a text, got ''"),
    (
        GOOD.replace("name, input_size, output_size =", "_ ="),
        "name is missing: it must be a text; input_size is missing",
    ),
    (GOOD + "    symbols = 1", "symbols must be True or False, got 1"),
    (GOOD + "    output = 'all'", "output must be last or every, got 'all'"),
    (GOOD + "    loss = 'l1'", "loss must be softmax, mse or sigmoid, got 'l1'"),
    (GOOD + "    tolerance = float('nan')", "tolerance must be a finite number > 0, got nan"),
    (GOOD + "    shortest = 1.5", "shortest must be an integer >= 1, got 1.5"),
    (GOOD + "    steps = 3", "steps must be a method, got 3"),
    (GOOD.replace("def sample", "def simple"), "sample is missing: it must be a method"),
    (GOOD.replace("def chance_error", "def other"), "chance_error is missing: it must be a method"),
    (GOOD + "    constant_loss = 1.0", "constant_loss must be a method, got 1.0"),
    (GOOD.replace(SAMPLE, "return x, x"), "sample must return a Batch, got tuple"),
    (
        GOOD.replace(SAMPLE, "raise IndexError('i')"),
        "the trial of Last() at seq_len=1 (shortest=1) raises IndexError: i",
    ),
    (GOOD.replace("rng, n, seq_len", "rng, n"), "the trial of Last() at seq_len=1 (shortest=1) raises TypeError"),
    (GOOD.replace(SAMPLE, "return Batch(x.T, x[-1:])"), "x must be (1, 3) int64, got (3, 1) int64"),
    (GOOD.replace(SAMPLE, "return Batch(x * 1.0, x[-1:])"), "x must be (1, 3) int64, got (1, 3) float64"),
    (GOOD.replace(SAMPLE, "return Batch(x, x[-1])"), "target must be (1, 3) int64, got (3,) int64"),
    (GOOD.replace(SAMPLE, "return Batch(x, x[-1:] + 4)"), "target must hold integers in 0..3, got "),
    (
        GOOD.replace(SAMPLE, "return Batch(x, x[-1:], x > 1.0)") + "    shortest = 2",
        "mask must be None or (1, 3) bool, got (2, 3) bool",
    ),
    (
        GOOD.replace(SAMPLE, "return Batch(x, x[-1:].copy(), np.zeros((1, n), bool))"),
        "mask must count at least one output of each sequence, got a sequence without one",
    ),
    (
        GOOD.replace(SAMPLE, "return Batch(x, np.full((1, n, 4), np.nan))") + "    loss = 'mse'",
        "target must hold finite numbers, got nan or inf",
    ),
    (GOOD + "    loss = 'mse'", "target must be (1, 3, 4) float64, got (1, 3) int64"),
    (
        GOOD.replace(SAMPLE, "return Batch(x, np.full((1, n, 4), 1.5))") + "    loss = 'sigmoid'",
        "target must hold numbers in [0, 1], got 1.5..1.5",
    ),
    (GOOD + "    symbols = False", "x must be (1, 3, 4) float64, got (1, 3) int64"),
    (GOOD.replace("0.75", "'half'"), "chance_error(1) must be a number >= 0, got 'half'"),
]


def write(folder, text, name="mine.py"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_users_task_loads_and_samples(tmp_path):
    task = load(str(write(tmp_path, GOOD)))
    x, target, _ = task.sample(streams(0).data, 6, 9)
    assert task.name == "last"
    np.testing.assert_array_equal(target[0], x[-1])
    assert type(pickle.loads(pickle.dumps(task))) is type(task)


def test_relative_paths_work_and_sys_path_stays(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", GOOD)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert load("sub/mine.py").name == "last"
    assert sys.path == before
    assert "mine" not in sys.modules
    assert list((tmp_path / "sub").iterdir()) == [tmp_path / "sub" / "mine.py"]  # no bytecode left beside it


def test_a_changed_file_is_run_anew_and_two_of_one_name_are_two(tmp_path):
    file = write(tmp_path, GOOD)
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", GOOD.replace('"last"', '"other"'))
    assert (load(file).name, load(other).name) == ("last", "other")
    write(tmp_path, GOOD.replace('"last"', '"lost"'))
    assert load(file).name == "lost"


def test_imported_tasks_do_not_count_and_may_be_built_on(tmp_path):
    file = write(tmp_path, HEAD + "class Mine(Copying):\n    name = 'mine'\nAlias = Mine")
    assert load(file).name == "mine"


def test_dataclasses_with_written_hints_work(tmp_path):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n" + GOOD
    text += "\n@dataclass\nclass Settings:\n    depth: int = 3\n"
    assert load(write(tmp_path, text)).name == "last"


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_faults_are_told(tmp_path, text, told):
    file = write(tmp_path, text)
    modules = set(sys.modules)
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        load(str(file))
    assert str(caught.value).startswith(f"task={str(file)!r}: ")
    assert "the file raises" not in told or set(sys.modules) == modules


@pytest.mark.parametrize("value", ["temporal_ordr", "", "mine.csv", 3, None, ["copying"]])
def test_unknown_names_are_told_with_the_known_ones(value):
    wanted = "task must be a .py or .txt file or one of temporal_order, "
    with pytest.raises(ValueError, match=f"^{wanted}.*, got {re.escape(repr(value))}$"):
        load(value)


@pytest.mark.parametrize("name", ["nowhere.py", "folder.py"])
def test_missing_files_are_told(tmp_path, name):
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ValueError, match=r"\.py': there is no such file"):
        load(str(tmp_path / name))


def test_numbers_that_are_not_finite_are_a_fault():
    class Holes(Task):
        name, input_size, output_size, symbols, loss = "holes", 2, 1, False, "mse"

    batch = Batch(np.full((4, 3, 2), np.nan), np.zeros((1, 3, 1)))
    assert batch_faults(Holes(), batch, 3, 4) == ["x must hold finite numbers, got nan or inf"]


def test_a_trial_that_raises_names_the_length_it_was_made_at(tmp_path):
    file = tmp_path / "half.py"
    file.write_text(
        "from rnnkit.tasks import Batch, Task\n"
        "class Half(Task):\n"
        "    name, input_size, output_size = 'half', 4, 4\n"
        "    def sample(self, rng, n, seq_len):\n"
        "        x = rng.integers(1, seq_len // 2, size=(seq_len, n))\n"
        "        return Batch(x, x[:1])\n"
        "    def chance_error(self, seq_len):\n"
        "        return 0.75\n"
        "    constant_loss = chance_error\n"
    )
    with pytest.raises(ValueError, match=r"at seq_len=1 \(shortest=1\) raises ValueError: low >= high"):
        load_file(file)
