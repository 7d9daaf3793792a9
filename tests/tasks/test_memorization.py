"""Symbols shown, delayed, and repeated from the cue on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, drawn

from rnnkit.tasks import TASKS
from rnnkit.tasks.memorization import Memorization

FORMS = {"memorization_5": (2, 5), "memorization_20": (5, 10)}


@pytest.mark.parametrize("name", FORMS)
@given(L=st.integers(1, 60))
def test_every_step(name, L):
    V, P = FORMS[name]
    x, target, mask = drawn(TASKS[name], L, n=20)
    assert mask is None
    assert len(x) == TASKS[name].steps(L) == L + 2 * P
    for i in range(20):
        data = x[:P, i].tolist()
        assert all(0 <= v < V for v in data)
        assert x[P:, i].tolist() == [V] * L + [V + 1] + [V] * (P - 1)
        assert target[:, i].tolist() == [V] * (L + P) + data


@pytest.mark.parametrize("name", FORMS)
def test_symbols_are_uniform(name):
    V, P = FORMS[name]
    classes_are_uniform(drawn(TASKS[name], 3, n=4000).x[:P], V)


def test_chance():
    five, twenty = TASKS["memorization_5"], TASKS["memorization_20"]
    assert five.chance_error(50) == 0.96875
    assert twenty.chance_error(50) == 1 - 1 / 9765625
    target = drawn(five, 10, n=50_000).target
    agrees(np.any(target[-5:] != 0, axis=0).astype(float), five.chance_error(10))
    assert five.constant_loss(10) == pytest.approx(5 * math.log(2) / 20)
    assert twenty.constant_loss(10) == pytest.approx(10 * math.log(5) / 30)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="values must be an integer >= 2, got 1"):
        Memorization(1, 5)
