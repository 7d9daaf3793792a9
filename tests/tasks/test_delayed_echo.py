"""What was in comes out lag steps later."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, drawn

from rnnkit.tasks.delayed_echo import DelayedEcho


@pytest.mark.parametrize("alphabet", [2, 4])
@given(lag=st.integers(1, 60))
def test_the_echo(alphabet, lag):
    x, target, mask = drawn(DelayedEcho(alphabet), lag, n=20)
    assert x.shape == target.shape == mask.shape == (2 * lag + 10, 20)
    assert mask.dtype == bool
    for t in range(len(x)):
        assert np.all(mask[t] == (t >= lag))
        assert t < lag or np.array_equal(target[t], x[t - lag])


@pytest.mark.parametrize("alphabet", [2, 4])
def test_symbols_are_uniform(alphabet):
    classes_are_uniform(drawn(DelayedEcho(alphabet), 5, n=3000).x, alphabet)


def test_chance():
    task = DelayedEcho()
    _, target, mask = drawn(task, 1, n=200_000)
    agrees(np.any((target != 0) & mask, axis=0).astype(float), task.chance_error(1))
    assert task.chance_error(1) == 1 - 2.0**-11
    assert task.constant_loss(1) == pytest.approx(math.log(2))
    assert DelayedEcho(4).constant_loss(7) == pytest.approx(math.log(4))


def test_one_symbol_is_refused():
    with pytest.raises(ValueError, match=r"alphabet must be an integer in 2\.\.256, got 1"):
        DelayedEcho(1)
