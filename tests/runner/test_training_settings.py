"""The keys of a job that trains: every fault gives one line, and no traceback."""

import math

import pytest

from rnnkit.runner.config import faults
from rnnkit.runner.training import TrainingSettings
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
ELMAN = "omega and nonfinite=shrink are for a cell whose state is made of W_hh's block alone, as tanh's"
WRONG = [
    ({"task": "temporal_ordr"}, "task='temporal_ordr': allowed is a .py file or one of temporal_order, "),
    ({"task": ""}, "task=: allowed is a task of rnnkit, or the path of a .py file with one"),
    ({"task": 3}, "task=3: allowed is a task of rnnkit"),
    ({"task": "no/such/file.py"}, "task='no/such/file.py': there is no such file"),
    ({"seq_len": 9}, "seq_len=9: task temporal_order needs at least 10"),
    ({"seq_len": 0}, "seq_len=0: allowed is an integer from 1 to 1000000"),
    ({"seq_len": 12.5}, "seq_len=12.5: allowed is an integer from 1 to 1000000"),
    ({"seq_len": [10, 12]}, "seq_len=[10, 12]: allowed is an integer"),
    ({"net": "LSTM"}, "net=LSTM: allowed is one of tanh, tanh_frozen, basic_tanh, "),
    ({"net": None}, "net=None: allowed is one of tanh, "),
    ({"hidden_size": 0}, "hidden_size=0: allowed is an integer from 1 to 4096"),
    ({"hidden_size": True}, "hidden_size=True: allowed is an integer from 1 to 4096"),
    ({"spectral_radius": 0}, "spectral_radius=0: allowed is none or a number from 1e-6 to 1e6"),
    ({"spectral_radius": math.nan}, "spectral_radius=nan: allowed is none or a number from 1e-6 to 1e6"),
    ({"optimizer": "SGD"}, "optimizer=SGD: allowed is sgd, momentum, nesterov, rmsprop or adam"),
    ({"learning_rate": 0}, "learning_rate=0: allowed is a number above 0, up to 1e6"),
    ({"learning_rate": math.inf}, "learning_rate=inf: allowed is a number above 0, up to 1e6"),
    ({"learning_rate": math.nan}, "learning_rate=nan: allowed is a number above 0, up to 1e6"),
    ({"mu": 0.9}, "mu=0.9: with optimizer=sgd allowed is 0"),
    ({"mu": 0.9, "optimizer": "adam"}, "mu=0.9: with optimizer=adam allowed is 0"),
    ({"mu": 1, "optimizer": "momentum"}, "mu=1: allowed is a number from 0, below 1"),
    ({"batch_size": 0}, "batch_size=0: allowed is an integer from 1 to 100000"),
    ({"clip": -1}, "clip=-1: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip_mode": "both"}, "clip_mode=both: allowed is norm or value"),
    ({"nonfinite": "raise"}, "nonfinite=raise: allowed is stop, skip, zero or shrink"),
    ({"omega": -1}, "omega=-1: allowed is a number from 0 to 1e6"),
    ({"omega_form": "paper"}, "omega_form=paper: allowed is squared or norms"),
    ({"net": "lstm", "omega": 4}, f"net=lstm cell=lstm: {ELMAN}"),
    ({"net": "gru", "nonfinite": "shrink"}, f"net=gru cell=gru: {ELMAN}"),
    ({"updates": 60}, MULTIPLES.format(25, 60)),
    ({"check_every": 30, "updates": 60}, MULTIPLES.format(30, 60)),
    ({"check_every": 100}, MULTIPLES.format(100, 50)),
    ({"updates": 0}, "updates=0: allowed is an integer from 1 to 1e9"),
    ({"check_size": 0}, "check_size=0: allowed is an integer from 1 to 1e7"),
    ({"solved_error": 0}, "solved_error=0: allowed is a number above 0, up to 1"),
    ({"solved_error": 1.5}, "solved_error=1.5: allowed is a number above 0, up to 1"),
    ({"hold": 0}, "hold=0: allowed is an integer from 1 to 1000"),
    ({"stop": "always"}, "stop=always: allowed is held, first or never"),
    ({"replicates": 0}, "replicates=0: allowed is an integer from 1 to 100000"),
    ({"dtype": "float16"}, "dtype=float16: allowed is float32 or float64"),
    ({"colour": "red"}, "colour=red: unknown key, allowed are seed, out, force, stale, cell, constants, task, "),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_every_fault_is_one_line(change, told):
    (fault,) = faults(TrainingSettings, GOOD | change)
    assert fault.startswith(told)
    assert "\n" not in fault


@pytest.mark.parametrize("key", ["task", "seed", "out"])
def test_a_missing_key_is_named(key):
    (fault,) = faults(TrainingSettings, {k: v for k, v in GOOD.items() if k != key})
    assert fault.startswith(f"{key}: missing, allowed is ")


@pytest.mark.parametrize("value", [None, True, [], {}, "x y", -1, math.nan, 1e300, 10**30])
def test_anything_gives_lines_and_no_traceback(value):
    for key in GOOD:
        found = faults(TrainingSettings, GOOD | {key: value})
        assert all(isinstance(fault, str) and "\n" not in fault for fault in found), key


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_net(task):
    assert faults(TrainingSettings, GOOD | {"task": task, "seq_len": max(TASKS[task].shortest, 4)}) == []
    assert faults(TrainingSettings, GOOD | {"clip": "none", "optimizer": "nesterov", "mu": 0.9}) == []


def test_what_decides_the_numbers_is_the_keys_alone(tmp_path):
    config = TrainingSettings(**GOOD | {"out": str(tmp_path)})
    before = config.scientific()
    assert config.the_task is TASKS["temporal_order"]
    assert config.scientific() == before == {k: v for k, v in GOOD.items() if k != "out"}
