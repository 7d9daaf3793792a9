"""Two sequences that differ in their ends alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, drawn

from rnnkit.tasks.long_lag import LongLag


@given(p=st.integers(2, 100))
def test_the_two_sequences(p):
    x, target, mask = drawn(LongLag(), p, n=30)
    assert mask is None
    for i in range(30):
        first, *between = x[:, i].tolist()
        assert first in (0, 1)
        assert between == list(range(2, p + 1))  # a_1 .. a_{p-1}
        assert target[:, i].tolist() == [*between, first]
    assert not np.shares_memory(x, target)


def test_the_papers_net_has_the_alphabet_of_p_plus_1():
    task = LongLag(4)
    x, target, _ = drawn(task, 4)
    assert task.input_size == task.output_size == 5
    assert set(np.unique(x)) == set(range(5))
    assert set(np.unique(target)) == set(range(5))


def test_chance():
    task = LongLag()
    target = drawn(task, 10, n=10_000).target
    agrees((target[-1] != 0).astype(float), task.chance_error(10))
    assert task.constant_loss(10) == pytest.approx(math.log(2) / 10)


def test_too_long_is_refused():
    with pytest.raises(ValueError, match=r"^seq_len of task long_lag must be an integer in 2\.\.4, got 5"):
        drawn(LongLag(4), 5)
    with pytest.raises(ValueError, match="largest must be an integer >= 2, got 1"):
        LongLag(1)
