"""The first symbol is the answer, the others are noise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, drawn

from rnnkit.tasks.permutation import Permutation


@given(L=st.integers(1, 200))
def test_first_symbol_is_the_class(L):
    x, target, _ = drawn(Permutation(), L, n=30)
    assert set(np.unique(x[0])) <= {0, 1}
    assert np.all((x[1:] >= 2) & (x[1:] < 100))
    assert target.tolist() == [[int(column[0]) for column in x.T]]
    assert not np.shares_memory(x, target)


def test_symbols_are_uniform_and_chance_is_a_half():
    task = Permutation()
    x, target, _ = drawn(task, 20, n=5000)
    classes_are_uniform(x[1:] - 2, 98)
    agrees((target != 0).astype(float), task.chance_error(20))
    assert task.chance_error(20) == 0.5
    assert task.constant_loss(20) == pytest.approx(math.log(2))
