"""The first symbol is the answer, whatever comes after."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, drawn

from rnnkit.tasks.one_bit import OneBit


@given(lag=st.integers(1, 60))
def test_a_bit_then_distractors(lag):
    x, target, _ = drawn(OneBit(), lag, n=20)
    assert x.shape == (lag + 1, 20)
    assert np.array_equal(target, x[:1])
    assert set(np.unique(x[0])) <= {0, 1}
    assert set(np.unique(x[1:])) <= {2, 3, 4, 5}


def test_symbols_are_uniform():
    x = drawn(OneBit(), 4, n=3000).x
    classes_are_uniform(x[0], 2)
    classes_are_uniform(x[1:] - 2, 4)


def test_chance():
    task = OneBit()
    agrees((drawn(task, 3, n=100_000).target[0] != 0).astype(float), task.chance_error(3))
    assert task.constant_loss(7) == math.log(2)
