"""Positions, classes and speed of temporal order."""

import math
from timeit import repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, classes_are_uniform, covers, drawn

from rnnkit.rng import streams
from rnnkit.tasks.temporal_order import TemporalOrder

STARTS = {2: (1, 5), 3: (1, 3, 6)}  # tenths of L


def shown(x):
    """Steps and values (k, n) of the symbols A and B, in order of time, by a slow loop."""
    found = [[(t, int(v)) for t, v in enumerate(column) if v < 2] for column in x.T]
    return np.array(found).transpose(2, 1, 0)


@pytest.mark.parametrize("k", [2, 3])
@given(seq_len=st.integers(10, 300))
def test_symbols_stand_in_their_windows_and_make_the_class(k, seq_len):
    x, target, mask = drawn(TemporalOrder(k), seq_len, n=50)
    (steps, values) = shown(x)
    assert steps.shape == (k, 50)
    assert mask is None
    assert x.min() >= 0
    assert x.max() <= 5
    for i, start in enumerate(STARTS[k]):
        first = start * seq_len // 10
        assert first <= steps[i].min()
        assert steps[i].max() < first + seq_len // 10
    expected = [sum(v * 2**i for i, v in enumerate(column)) for column in values.T]
    assert target.tolist() == [expected]


@pytest.mark.parametrize("k", [2, 3])
def test_every_position_class_and_distractor_comes_up(k):
    x, target, _ = drawn(TemporalOrder(k), 57, n=4000)
    for i, start in enumerate(STARTS[k]):
        covers(shown(x)[0][i], start * 57 // 10, 5)
    classes_are_uniform(target, 2**k)
    classes_are_uniform(x[x > 1] - 2, 4)


def test_the_float_products_are_the_exact_floors():
    for part, tenths in ((0.1, 1), (0.3, 3), (0.4, 4), (0.5, 5), (0.6, 6)):
        assert all(int(L * part) == tenths * L // 10 for L in range(1, 100_001))


@pytest.mark.parametrize(("k", "error"), [(2, 0.75), (3, 0.875)])
def test_chance(k, error):
    task = TemporalOrder(k)
    target = drawn(task, 20, n=20_000).target
    assert task.chance_error(20) == error
    agrees((target != 0).astype(float), error)
    assert task.constant_loss(20) == pytest.approx(k * math.log(2))


def test_bags_of_words_err_on_a_quarter():
    """Counts tell AA and BB, and leave AB against BA to chance: the 25% of claim S8."""
    x, target, _ = drawn(TemporalOrder(2), 50, n=20_000)
    b = (x == 1).sum(axis=0)
    guess = np.where(b == 0, 0, np.where(b == 2, 3, 1))
    agrees((guess != target[0]).astype(float), 0.25)


def test_sampling_is_fast():
    rng, task = streams(0).data, TemporalOrder(2)
    assert min(repeat(lambda: task.sample(rng, 1000, 50), number=1, repeat=50)) < 1.5e-3


def test_other_numbers_of_symbols_are_refused():
    with pytest.raises(ValueError, match="symbols_to_order must be 2 or 3, got 4"):
        TemporalOrder(4)
