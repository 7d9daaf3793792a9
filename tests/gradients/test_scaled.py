"""Numbers of any size: sums and products of vectors with one logarithm, or one for each number."""

import numpy as np
import pytest

from rnnkit.gradients.scaled import (
    Scaled,
    beside,
    graded,
    is_graded,
    log_norm,
    part,
    plus,
    product,
    scaled,
    times,
    zeros,
)

ROUNDING = 1e-10  # of sums of logarithms of size 1e4


def value_logs(a):
    """Return (signs, ln |numbers|)."""
    g = graded(a)
    return g.v, np.where(g.v == 0, -np.inf, g.log)


def of_logs(signs, logs):
    return Scaled(np.array(signs, float), np.array(logs, float))


@pytest.mark.parametrize("far", [-1e4, 0.0, 1e4])
def test_sums(far):
    a, b = (scaled(np.array([v]), far) for v in ([3e-200, 4e-200], [0.0, 1e-200]))
    total = scaled(*plus(a, b))
    np.testing.assert_allclose(total.v, [[3 / np.sqrt(34), 5 / np.sqrt(34)]], rtol=ROUNDING)
    np.testing.assert_allclose(total.log, [[far + np.log(np.sqrt(34)) - 200 * np.log(10)]], rtol=ROUNDING)
    much_smaller = scaled(*plus(a, b._replace(log=b.log - 1e4)))
    np.testing.assert_allclose(much_smaller.v, a.v, rtol=ROUNDING)


def test_a_sum_keeps_what_is_far_below_where_nothing_is_above_it():
    total = plus(scaled(np.array([1.0, 0.0])), scaled(np.array([1.0, -1.0]), -1e4))
    signs, logs = value_logs(total)
    np.testing.assert_array_equal(signs, [1, -1])
    np.testing.assert_allclose(logs, [0, -1e4], atol=ROUNDING)


def test_numbers_far_apart_are_graded_and_others_not():
    assert not is_graded(scaled(np.array([1.0, 1e-100])))
    apart = scaled(np.array([1.0, 1e-200, 0.0]), 5.0)
    assert is_graded(apart)
    np.testing.assert_allclose(value_logs(apart)[1], [5, 5 - 200 * np.log(10), -np.inf], atol=ROUNDING)
    together = scaled(*of_logs([1, -1], [-1e5, -1e5 - 1]))
    assert together.log.shape == (1,)
    np.testing.assert_allclose(together.v, np.array([1, -np.exp(-1)]) / np.hypot(1, np.exp(-1)))


def test_a_product_is_summed_again_where_floats_have_nothing():
    """The second unit is e^-1e4 of the first, and the only one that the second column reads."""
    a = of_logs([[1, -1]], [[0, -1e4]])
    M = np.array([[2.0, 0.0], [3.0, 5.0]])
    signs, logs = value_logs(product(a, M))
    np.testing.assert_array_equal(signs, [[1, -1]])
    np.testing.assert_allclose(logs, [[np.log(2), np.log(5) - 1e4]], atol=ROUNDING)
    of_M = of_logs([[1, 1], [1, 1]], [[0, -3e4], [2e4, -7e4]])
    np.testing.assert_allclose(value_logs(product(a._replace(v=-a.v), of_M))[1], [[1e4, -3e4]], atol=ROUNDING)


def test_norms_parts_and_zeros():
    a = of_logs([1, 1, 1], [-2e4, -2e4, -5e4])
    assert abs(log_norm(a) - np.log(2) / 2 + 2e4) < ROUNDING
    assert log_norm(zeros(3)) == -np.inf
    assert log_norm(part(a, slice(2, 3))) == -5e4
    both = beside([a, zeros(2)])
    np.testing.assert_array_equal(value_logs(both)[1], [-2e4, -2e4, -5e4, -np.inf, -np.inf])
    assert is_graded(both)
    assert not is_graded(beside([zeros(2), zeros(2)]))
    np.testing.assert_array_equal(times(a, a).log, [-4e4, -4e4, -1e5])


def test_what_is_not_finite_stays_so_in_its_vector_alone():
    a = scaled(np.array([[np.nan, 1.0], [1.0, 2.0], [np.inf, 0.0]]))
    total = scaled(*plus(a, scaled(np.ones((3, 2)), -1e4)))
    norms = log_norm(total)
    assert np.isfinite(norms).tolist() == [False, True, False]
    assert np.isfinite(log_norm(product(a, np.eye(2)))).tolist() == [False, True, False]
