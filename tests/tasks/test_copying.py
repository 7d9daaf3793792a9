"""Data, delay, marker, data again; and the plateau of a memoryless model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import classes_are_uniform, drawn

from rnnkit.tasks.copying import Copying

TASK = Copying()


@given(L=st.integers(1, 120))
def test_every_step(L):
    x, target, mask = drawn(TASK, L, n=20)
    assert mask is None
    assert len(x) == TASK.steps(L) == L + 20
    for i in range(20):
        data = x[:10, i].tolist()
        assert all(1 <= v <= 8 for v in data)
        assert x[10:, i].tolist() == [0] * (L - 1) + [9] + [0] * 10
        assert target[:, i].tolist() == [0] * (L + 10) + data


def test_data_are_uniform():
    classes_are_uniform(drawn(TASK, 5, n=4000).x[:10] - 1, 8)


@pytest.mark.parametrize(("L", "plateau"), [(100, 0.1733), (200, 0.0945), (300, 0.0650), (500, 0.0400)])
def test_plateau(L, plateau):
    assert TASK.constant_loss(L) == pytest.approx(plateau, abs=5e-5)
    target = drawn(TASK, L, n=5000).target
    shares = np.stack([(target == c).mean(axis=1) for c in range(9)])  # best memoryless output: shares by step
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=0).mean()
    assert entropy == pytest.approx(TASK.constant_loss(L), rel=2e-3)  # short by 7/(2 n) nats in 10 of L + 20 steps


def test_chance():
    assert TASK.chance_error(100) == pytest.approx(1 - 8.0**-10, abs=1e-15)
