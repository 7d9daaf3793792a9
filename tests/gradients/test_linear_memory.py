"""Memory of linear nets: the definition in many digits, the theorems, and what is refused."""

import mpmath
import numpy as np
import pytest

from rnnkit.gradients.linear_memory import delay_line_fisher, fisher_memory, memory_capacity
from rnnkit.initializers import orthogonal, recurrent_weights

DIGITS, LAGS = 80, 60
SAME = 1e-10  # filters of some tens of stages in float64
COMPUTED = 1e-9  # Lyapunov equations of well-conditioned matrices


def by_definition(W, v, lags):
    """Return v W^k C^-1 (v W^k)^T by lag, C = sum of (v W^k)^T (v W^k), in 80 digits."""
    with mpmath.workdps(DIGITS):
        W, a, rows = mpmath.matrix(W.tolist()), mpmath.matrix([v.tolist()]), []
        for _ in range(2000):
            rows.append(a)
            a = a * W
        C = mpmath.matrix(len(W), len(W))
        for row in rows:
            C += row.T * row
        inverse = C**-1
        return np.array([float((row * inverse * row.T)[0]) for row in rows[: lags + 1]])


@pytest.mark.parametrize("initializer", ["gaussian", "orthogonal"])
def test_the_capacity_is_that_of_its_definition(initializer):
    rng = np.random.default_rng(3)
    W = recurrent_weights(initializer, 6, rng, radius=0.9)
    expected = by_definition(W, rng.standard_normal(6), LAGS)
    np.testing.assert_allclose(memory_capacity(W, LAGS), expected, rtol=0, atol=SAME)


@pytest.mark.parametrize(("H", "radius"), [(1, 0.5), (30, 0.95), (100, 0.9)])
def test_all_lags_have_as_much_as_there_are_units(H, radius):
    capacity = memory_capacity(recurrent_weights("gaussian", H, np.random.default_rng(0), radius=radius), 4000)
    assert capacity.sum() == pytest.approx(H, rel=SAME)
    assert (capacity >= 0).all()
    assert (capacity <= 1 + SAME).all()


def test_a_delay_line_has_its_own_lags():
    np.testing.assert_allclose(memory_capacity(0.8 * np.eye(5, k=1), 8), [1] * 5 + [0] * 4, rtol=0, atol=SAME)


def test_fisher_memory_of_a_normal_matrix_is_one_from_everywhere():
    W = 0.9 * orthogonal(np.random.default_rng(1), 20)
    np.testing.assert_allclose(fisher_memory(W), np.eye(20), rtol=0, atol=COMPUTED)


def test_fisher_memory_is_its_definition():
    rng = np.random.default_rng(2)
    W, v = recurrent_weights("gaussian", 8, rng, radius=0.7), rng.standard_normal(8)
    C, a, information, power = np.zeros((8, 8)), v, 0.0, np.eye(8)
    for _ in range(300):
        C += power.T @ power
        power = power @ W
    for _ in range(300):
        information += a @ np.linalg.solve(C, a)
        a = a @ W
    J = fisher_memory(W)
    assert v @ J @ v == pytest.approx(information, rel=COMPUTED)
    assert np.trace(J) == pytest.approx(8, rel=COMPUTED)


@pytest.mark.parametrize("alpha", [1e-300, 0.5, 1.0, 1.5, 100.0])
def test_fisher_memory_of_a_delay_line(alpha):
    expected = sum(1 / sum(alpha**-j for j in range(k + 1) if alpha > 1e-9 or j < 2) for k in range(12))
    assert delay_line_fisher(alpha, 12) == pytest.approx(expected, rel=SAME)


def test_fisher_memory_of_a_delay_line_is_that_of_its_matrix():
    J = fisher_memory(np.sqrt(1.5) * np.eye(12, k=1))
    assert J[0, 0] == pytest.approx(delay_line_fisher(1.5, 12), rel=COMPUTED)
    assert J[0, 0] > 12 * (1 - 1 / 1.5)  # extensive


@pytest.mark.parametrize("function", [fisher_memory, lambda W: memory_capacity(W, 5)])
def test_what_never_forgets_is_refused(function):
    with pytest.raises(ValueError, match=r"^W must have a spectral radius below 1, got 1$"):
        function(np.eye(3))
    with pytest.raises(ValueError, match=r"^W must"):
        function(np.ones((2, 3)))
