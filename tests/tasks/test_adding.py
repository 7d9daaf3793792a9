"""The five tasks called adding: where marks stand, what the target is, what a constant scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import agrees, covers, drawn, wrong

from rnnkit.tasks.adding import AddingArjovsky, AddingHochreiter, AddingLe, AddingPascanu, AddingSutskever

PLAIN = [AddingPascanu, AddingLe, AddingArjovsky]
ALL = [*PLAIN, AddingSutskever, AddingHochreiter]


def windows(kind, L):
    """(start, width) of p_0 and p_1, from the papers and codes, in whole numbers."""
    return {
        AddingPascanu: ((0, L // 10), (L // 10, 4 * L // 10)),
        AddingArjovsky: ((0, L // 2), (L // 2, L // 2)),
    }[kind]


def marks(x):
    return np.array([[t for t, m in enumerate(column) if m == 1] for column in x[:, :, 0].T]).T


@pytest.mark.parametrize("kind", PLAIN)
@given(data=st.data())
def test_two_marks_and_the_sum_of_their_numbers(kind, data):
    L = data.draw(st.integers(kind.shortest, 200))
    x, target, mask = drawn(kind(), L, n=40)
    p = marks(x)
    assert p.shape == (2, 40)
    assert set(np.unique(x[:, :, 0])) <= {0, 1}
    assert mask is None
    numbers = [sum(x[t, i, 1] for t in p[:, i]) for i in range(40)]
    np.testing.assert_allclose(target[0, :, 0], np.array(numbers) * (0.5 if kind is AddingPascanu else 1), rtol=1e-15)
    if kind is not AddingLe:
        for (start, width), steps in zip(windows(kind, L), p, strict=True):
            assert start <= steps.min()
            assert steps.max() < start + width


def test_all_steps_of_the_windows_come_up():
    for kind in (AddingPascanu, AddingArjovsky):
        p = marks(drawn(kind(), 37, n=4000).x)
        for (start, width), steps in zip(windows(kind, 37), p, strict=True):
            covers(steps, start, width)
    covers(marks(drawn(AddingLe(), 37, n=4000).x), 0, 37)


def test_sutskever_is_pascanu_centred():
    plain, centred = drawn(AddingPascanu(), 40), drawn(AddingSutskever(), 40)
    np.testing.assert_allclose(centred.x, plain.x - np.array([2 / 40, 0.5]), atol=1e-15)
    np.testing.assert_allclose(centred.target, plain.target - 0.5, atol=1e-15)
    np.testing.assert_allclose(centred.x[:, :, 0].mean(axis=0), 0, atol=1e-15)


@given(L=st.integers(11, 200))
def test_hochreiter_marks_and_target(L):
    x, target, _ = drawn(AddingHochreiter(), L, n=60)
    marker, number = x[:, :, 0], x[:, :, 1]
    assert np.all(marker[[0, -1]] == -1)
    assert np.all(np.abs(number) <= 1)
    for i in range(60):
        steps = [t for t in range(L) if marker[t, i] == 1]
        assert set(marker[1:-1, i]) <= {0, 1}
        assert len(steps) in (1, 2)  # one where step 0 was drawn, or where it was drawn as the second
        assert min(steps) < max(10, L // 2)
        assert max(steps) <= max(9, L // 2 - 1)
        assert target[0, i, 0] == pytest.approx(0.5 + sum(number[t, i] for t in steps) / 4, abs=1e-15)


def test_hochreiter_positions_are_uniform_over_what_is_unmarked():
    p_0, p_1 = AddingHochreiter().positions(np.random.default_rng(0), 20_000, 60)
    covers(p_0, 0, 10)
    covers(p_1, 0, 30)
    assert not np.any(p_0 == p_1)
    for step in (0, 5, 29):  # of 29 unmarked of the first 30 - a step under ten is itself marked in a tenth
        agrees((p_1 == step).astype(float), (0.9 if step < 10 else 1) / 29)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("L", [None, 40])
def test_what_a_constant_scores(kind, L):
    task = kind()
    L = L or task.shortest
    target = drawn(task, L, n=100_000).target.ravel()
    mean = {AddingLe: 1, AddingArjovsky: 1, AddingSutskever: 0}.get(kind, 0.5)
    agrees(target, mean)
    agrees(wrong(target, mean, task.tolerance).astype(float), task.chance_error(L))
    agrees((target - mean) ** 2, task.constant_loss(L))
    assert all(wrong(target, mean + d, task.tolerance).mean() > task.chance_error(L) for d in (-0.15, 0.15))


def test_the_numbers_of_the_literature():
    assert AddingPascanu().chance_error(50) == pytest.approx(0.36)
    assert AddingSutskever().chance_error(80) == pytest.approx(0.36)
    assert AddingLe().constant_loss(150) == pytest.approx(1 / 6)
    assert AddingLe().chance_error(150) == pytest.approx(0.64)
