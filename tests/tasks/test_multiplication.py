"""Products of two marked numbers, and which constant 23.35% belongs to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, covers, drawn, wrong

from rnnkit.tasks.multiplication import Multiplication

TASK = Multiplication()


@given(L=st.integers(10, 200))
def test_two_marks_and_the_product(L):
    x, target, _ = drawn(TASK, L, n=40)
    for i in range(40):
        first, second = (t for t in range(L) if x[t, i, 0] == 1)
        assert 0 <= first < L // 10 <= second < L // 10 + 4 * L // 10
        assert target[0, i, 0] == x[first, i, 1] * x[second, i, 1]


def test_all_steps_of_the_windows_come_up():
    steps, _ = np.nonzero(drawn(TASK, 50, n=2000).x[:, :, 0])
    covers(steps, 0, 25)


def test_the_constant_of_2335_percent_is_one_fifth_and_wrong_that_often():
    target = drawn(TASK, 20, n=200_000).target.ravel()
    assert TASK.chance_error(20) == pytest.approx(0.2335, abs=5e-5)
    agrees(wrong(target, 0.2, TASK.tolerance).astype(float), TASK.chance_error(20))
    shares = [wrong(target, constant, TASK.tolerance).mean() for constant in np.arange(0, 1, 0.02)]
    assert np.argmin(shares) == 10  # no other constant is wrong less often
    agrees(wrong(target, 0.25, TASK.tolerance).astype(float), 0.3905)  # the mean, which MSE learns first


def test_the_loss_of_the_mean():
    target = drawn(TASK, 20, n=200_000).target.ravel()
    agrees(target, 1 / 4)
    agrees((target - 0.25) ** 2, TASK.constant_loss(20))
