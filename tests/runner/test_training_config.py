"""The keys of a job that trains: every fault gives one line, and no traceback."""

import math

import pytest
from cell_cases import FOLDER
from common.training import TrainingConfig

from rnnkit.runner.jobs.config import faults
from rnnkit.tasks import TASKS

GOOD = {
    "task": "temporal_order",
    "seq_len": 12,
    "net": "basic_tanh",
    "hidden_size": 5,
    "spectral_radius": "none",
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "mu": 0,
    "batch_size": 4,
    "clip": 1.0,
    "clip_mode": "norm",
    "nonfinite": "stop",
    "omega": 0,
    "omega_form": "squared",
    "updates": 50,
    "check_every": 25,
    "check_size": 40,
    "solved_error": 0.01,
    "hold": 3,
    "stop": "held",
    "replicates": 3,
    "seed": 0,
    "dtype": "float32",
    "out": "somewhere",
}
MULTIPLES = "check_every must be a multiple of 25, and updates one of check_every, got check_every={} updates={}"
ELMAN = "cannot be combined with net={0} cell={0}: it needs a cell whose state is made of W_hh's block alone"
WRONG = [
    ({"task": "temporal_ordr"}, "task must be a .py or .txt file or one of temporal_order, "),
    ({"task": ""}, "task must be a task of rnnkit, or the path of a .py file with one, or of a text (.txt), got ''"),
    ({"task": 3}, "task must be a task of rnnkit, or the path of a .py file with one, or of a text (.txt), got 3"),
    ({"task": "no/such/file.py"}, "task='no/such/file.py': there is no such file"),
    ({"seq_len": 9}, "seq_len of task temporal_order must be an integer >= 10, got 9"),
    ({"seq_len": 0}, "seq_len must be an integer from 1 to 1000000 (as the task allows), got 0"),
    ({"seq_len": 12.5}, "seq_len must be an integer from 1 to 1000000 (as the task allows), got 12.5"),
    ({"seq_len": [10, 12]}, "seq_len must be an integer from 1 to 1000000 (as the task allows), got [10, 12]"),
    ({"net": "LSTM"}, "net must be one of tanh, tanh_frozen, basic_tanh, "),
    ({"net": None}, "net must be one of tanh, "),
    ({"hidden_size": 0}, "hidden_size must be an integer from 1 to 4096, got 0"),
    ({"hidden_size": True}, "hidden_size must be an integer from 1 to 4096, got True"),
    ({"spectral_radius": 0}, "spectral_radius must be none or a number from 1e-6 to 1e6, got 0"),
    ({"spectral_radius": math.nan}, "spectral_radius must be none or a number from 1e-6 to 1e6, got nan"),
    ({"optimizer": "SGD"}, "optimizer must be sgd, momentum, nesterov, rmsprop or adam, got SGD"),
    ({"learning_rate": 0}, "learning_rate must be a number above 0, up to 1e6, got 0"),
    ({"learning_rate": math.inf}, "learning_rate must be a number above 0, up to 1e6, got inf"),
    ({"learning_rate": math.nan}, "learning_rate must be a number above 0, up to 1e6, got nan"),
    ({"mu": 0.9}, "mu must be 0 with optimizer=sgd, got 0.9"),
    ({"mu": 0.9, "optimizer": "adam"}, "mu must be 0 with optimizer=adam, got 0.9"),
    (
        {"mu": 1, "optimizer": "momentum"},
        "mu must be a number from 0, below 1 (momentum, of momentum and nesterov), got 1",
    ),
    ({"batch_size": 0}, "batch_size must be an integer from 1 to 100000, got 0"),
    ({"clip": -1}, "clip must be none or a number from 1e-6 to 1e6, got -1"),
    ({"clip_mode": "both"}, "clip_mode must be norm or value, got both"),
    ({"nonfinite": "raise"}, "nonfinite must be stop, skip, zero or shrink, got raise"),
    ({"omega": -1}, "omega must be a number from 0 to 1e6 (weight of Pascanu's regularizer), got -1"),
    ({"omega_form": "paper"}, "omega_form must be squared or norms, got paper"),
    ({"net": "lstm", "omega": 4}, f"omega=4.0 {ELMAN.format('lstm')}"),
    ({"net": "gru", "nonfinite": "shrink"}, f"nonfinite=shrink {ELMAN.format('gru')}"),
    (
        {"cell": str(FOLDER / "min_gru.py"), "spectral_radius": 0.9},
        "spectral_radius=0.9 cannot be combined with cell=MinGRU: it has no recurrent weights to scale",
    ),
    (
        {"cell": str(FOLDER / "min_gru.py"), "net": "tanh_frozen"},
        "net=tanh_frozen cannot be combined with cell=MinGRU: it has no W_hh to freeze",
    ),
    ({"updates": 60}, MULTIPLES.format(25, 60)),
    ({"check_every": 30, "updates": 60}, MULTIPLES.format(30, 60)),
    ({"check_every": 100}, MULTIPLES.format(100, 50)),
    ({"updates": 0}, "updates must be an integer from 1 to 1e9, a multiple of check_every, got 0"),
    ({"check_size": 0}, "check_size must be an integer from 1 to 1e7 (sequences of a check), got 0"),
    ({"solved_error": 0}, "solved_error must be a number above 0, up to 1, got 0"),
    ({"solved_error": 1.5}, "solved_error must be a number above 0, up to 1, got 1.5"),
    ({"hold": 0}, "hold must be an integer from 1 to 1000 (passed checks in a row that hold), got 0"),
    ({"stop": "always"}, "stop must be held, first or never, got always"),
    ({"replicates": 0}, "replicates must be an integer from 1 to 100000, got 0"),
    ({"dtype": "float16"}, "dtype must be float32 or float64, got float16"),
    (
        {"seq_len": 1_000_000, "batch_size": 100_000, "task": "adding_le"},
        "seq_len, batch_size and hidden_size must fit in ",
    ),
    ({"colour": "red"}, "unknown key colour=red: known are seed, out, force, stale, cell, constants, task, "),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_every_fault_is_one_line(change, told):
    (fault,) = faults(TrainingConfig, GOOD | change)
    assert fault.startswith(told)
    assert "\n" not in fault


@pytest.mark.parametrize("key", ["task", "out"])
def test_a_missing_key_is_named(key):
    (fault,) = faults(TrainingConfig, {k: v for k, v in GOOD.items() if k != key})
    assert fault.startswith(f"{key} is missing: it must be ")


@pytest.mark.parametrize("value", [None, True, [], {}, "x y", -1, math.nan, 1e300, 10**30])
def test_anything_gives_lines_and_no_traceback(value):
    for key in GOOD:
        found = faults(TrainingConfig, GOOD | {key: value})
        assert all(isinstance(fault, str) and "\n" not in fault for fault in found), key


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_net(task):
    assert faults(TrainingConfig, GOOD | {"task": task, "seq_len": max(TASKS[task].shortest, 4)}) == []
    assert faults(TrainingConfig, GOOD | {"clip": "none", "optimizer": "nesterov", "mu": 0.9}) == []


def test_what_decides_the_numbers_is_the_keys_alone(tmp_path):
    config = TrainingConfig(**GOOD | {"out": str(tmp_path)})
    before = config.scientific()
    assert config.the_task is TASKS["temporal_order"]
    assert config.scientific() == before == {k: v for k, v in GOOD.items() if k != "out"}


@pytest.mark.parametrize(
    ("key", "value", "end"),
    [
        ("task", "temporal_ordr", "got 'temporal_ordr'; did you mean temporal_order?"),
        ("net", "ltsm", "got ltsm; did you mean lstm?"),
        ("cell", "Gruu", "got Gruu; did you mean gru?"),
        ("optimizer", "adm", "got adm; did you mean adam?"),
        ("optimizer", "zzz", "got zzz"),
        ("net", "the path", "got the path"),
        ("clip", "nonee", "got nonee"),
    ],
)
def test_a_name_like_a_known_one_is_asked_for(key, value, end):
    (fault,) = faults(TrainingConfig, GOOD | {key: value})
    assert fault.endswith(end)


def test_a_file_of_a_cell_that_lacks_its_ending_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fastslow.py").touch()
    (line,) = faults(TrainingConfig, GOOD | {"cell": "fastslow"})
    assert line.endswith("or the path of a .py file with one, got fastslow; did you mean fastslow.py?")


def test_a_cell_in_place_of_a_net_is_told_where_it_belongs():
    (line,) = faults(TrainingConfig, GOOD | {"net": "mine.py"})
    assert line == "net must be the name of a recipe, got mine.py: a cell of a file is cell=mine.py"
