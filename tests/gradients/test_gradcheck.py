import numpy as np
import pytest

from rnnkit.gradients.gradcheck import numerical_gradient, relative_error

EXACT = 1e-11  # a polynomial of degree 4 has no 5th derivative: what is left is rounding, 1e-16 / step


@pytest.fixture
def point():
    return np.random.default_rng(0).uniform(0.5, 1.5, (2, 3))


def test_a_quartic_is_differentiated_exactly(point):
    numeric = numerical_gradient(lambda: (point**4).sum(), point)
    assert relative_error(4 * point**3, numeric) < EXACT


def test_the_error_falls_with_the_fourth_power_of_the_step(point):
    errors = [
        relative_error(np.exp(point), numerical_gradient(lambda: np.exp(point).sum(), point, step))
        for step in (0.2, 0.1, 0.05)
    ]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 4, atol=0.1)  # the next term of the error is step^6


def test_the_leading_error_is_the_one_in_the_formula():
    x, step = np.array([1.0]), 0.1
    numeric = numerical_gradient(lambda: x[0] ** 5, x, step)
    np.testing.assert_allclose(5.0 - numeric[0], step**4 / 30 * 120, rtol=1e-9)  # f^(5) = 120, f^(6) = 0


def test_what_does_not_enter_the_loss_has_a_gradient_of_zero_exactly(point):
    np.testing.assert_array_equal(numerical_gradient(lambda: 0.1, point), 0)


def test_a_wrong_gradient_is_seen(point):
    numeric = numerical_gradient(lambda: np.sin(point).sum(), point)
    right = np.cos(point)
    assert relative_error(right, numeric) < EXACT
    wrong = right.copy()
    wrong[1, 2] *= 1.001
    assert relative_error(wrong, numeric) > 1e-5


def test_the_array_is_restored_to_the_bit(point):
    before = point.copy()
    numerical_gradient(lambda: point.sum(), point)
    np.testing.assert_array_equal(point, before)


def test_the_array_is_restored_when_the_loss_raises(point):
    before = point.copy()

    def loss():
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        numerical_gradient(loss, point)
    np.testing.assert_array_equal(point, before)


def test_relative_error_of_zeros_and_nan():
    zeros = np.zeros(3)
    assert relative_error(zeros, zeros) == 0
    assert relative_error(zeros + 1e-300, zeros) == np.inf
    assert np.isnan(relative_error(np.array([np.nan, 1.0]), np.ones(2)))


@pytest.mark.parametrize("bad", [np.ones(2, np.float32), np.ones(2, int), [1.0], 1.0, np.ones(0)])
def test_only_float64_arrays_are_taken(bad):
    with pytest.raises(ValueError, match=r"^array must be .*float64"):
        numerical_gradient(lambda: 0.0, bad)
    with pytest.raises(ValueError, match=r"^analytic must be .*float64"):
        relative_error(bad, np.ones(2))
    with pytest.raises(ValueError, match=r"^numeric must be .*float64"):
        relative_error(np.ones(2), bad)


def test_an_array_that_cannot_be_moved_is_told(point):
    point.flags.writeable = False
    with pytest.raises(ValueError, match=r"^array must be writeable, got a read-only array$"):
        numerical_gradient(lambda: 0.0, point)


def test_shapes_and_step_are_checked():
    with pytest.raises(ValueError, match=r"^analytic must have the shape of numeric"):
        relative_error(np.ones(2), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"^step must be"):
        numerical_gradient(lambda: 0.0, np.ones(1), step=0.0)
