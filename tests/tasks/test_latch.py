"""Three steps of class, then noise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, drawn

from rnnkit.tasks.latch import Latch


@given(L=st.integers(4, 200))
def test_three_steps_show_the_class(L):
    x, target, _ = drawn(Latch(), L, n=30)
    for i in range(30):
        assert x[:3, i, 0].tolist() == [1.0 if target[0, i] else -1.0] * 3
    assert np.all(np.abs(x[3:]) < 0.2 * 7)


def test_the_noise_is_normal_of_std_one_fifth():
    noise = drawn(Latch(), 103, n=1000).x[3:].ravel()
    agrees(noise, 0)
    agrees(noise**2, 0.04)
    agrees(noise**4, 3 * 0.04**2)


def test_chance():
    task = Latch()
    target = drawn(task, 10, n=10_000).target
    classes_are_uniform(target, 2)
    agrees((target != 1).astype(float), task.chance_error(10))
    assert task.constant_loss(10) == pytest.approx(math.log(2))
