"""What holds for every task by name."""

import numpy as np
import pytest
from sampling import drawn

from rnnkit.rng import streams
from rnnkit.tasks import TASKS, check_length, load
from rnnkit.tasks.user_file import faults, trial_faults

NAMES = list(TASKS)
every_task = pytest.mark.parametrize("name", NAMES)


def test_the_names():
    assert all(TASKS[name].name == name and load(name) is TASKS[name] for name in NAMES)


@every_task
@pytest.mark.parametrize("longer", [0, 1, 7, 50])
def test_arrays_are_as_the_contract_says(name, longer):
    task = TASKS[name]
    seq_len, n = task.shortest + longer, 5
    x, target, mask = drawn(task, seq_len, n)
    T = task.steps(seq_len)
    S = T if task.output == "every" else 1
    assert (x.shape, x.dtype) == (((T, n), np.int64) if task.symbols else ((T, n, task.input_size), np.float64))
    softmax = task.loss == "softmax"
    expected = ((S, n), np.int64) if softmax else ((S, n, task.output_size), np.float64)
    assert (target.shape, target.dtype) == expected
    assert x.flags.c_contiguous
    assert target.flags.c_contiguous
    assert not np.shares_memory(x, target)
    assert mask is None or (mask.shape == (S, n) and mask.dtype == bool)
    assert not task.symbols or (x.min() >= 0 and x.max() < task.input_size)
    assert not softmax or (target.min() >= 0 and target.max() < task.output_size)


@every_task
def test_the_own_tasks_stand_the_trial_of_a_users(name):
    assert faults(TASKS[name]) == []
    assert trial_faults(TASKS[name], TASKS[name].shortest) == []


@every_task
def test_same_seed_same_sample(name):
    first, again, other = (drawn(TASKS[name], 20, seed=seed) for seed in (3, 3, 4))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.x, other.x)


@every_task
def test_a_stream_goes_on(name):
    rng = streams(0).data
    assert not np.array_equal(*(TASKS[name].sample(rng, 50, 20).x for _ in range(2)))


@every_task
def test_levels_are_numbers(name):
    task = TASKS[name]
    assert 0 < task.chance_error(20) <= 1
    assert 0 < task.constant_loss(20) < 3


@every_task
def test_lengths_are_checked(name):
    task = TASKS[name]
    check_length(task, task.shortest)
    check_length(task, np.int64(task.shortest))
    with pytest.raises(
        ValueError,
        match=f"seq_len of task {name} must be an integer (>= |in ){task.shortest}.*, got {task.shortest - 1}",
    ):
        check_length(task, task.shortest - 1)


def test_lengths_that_are_none():
    for seq_len in (20.0, True, "20", None):
        with pytest.raises(ValueError, match=f"^seq_len of task copying must be an integer >= 1, got {seq_len!r}"):
            check_length(TASKS["copying"], seq_len)
    with pytest.raises(ValueError, match=r"^seq_len of task long_lag must be an integer in 2\.\.100, got 101"):
        check_length(TASKS["long_lag"], 101)
