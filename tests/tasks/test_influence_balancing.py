"""The digits of claim T1, the closed form against the sum, the gradient against differences."""

import numpy as np
import pytest

from rnnkit.tasks.influence_balancing import (
    fixed_point,
    loss,
    state,
    system,
    truncated_derivative,
    truncated_gradient,
)

DIGITS = {1: 1, 5: 5, 10: 10, 20: 16.48, 30: 9.87, 40: 0.566, 45: -2.81, 50: -4.75, 60: -5.897}
DIGITS |= {80: -5.9999, 100: -6.0000}


@pytest.mark.parametrize(("K", "expected"), DIGITS.items())
def test_the_digits_of_the_claim(K, expected):
    digits = len(str(expected).partition(".")[2]) if K < 100 else 4
    assert round(truncated_derivative(K), digits) == expected


def test_the_sign_turns_after_40():
    assert all(truncated_derivative(K) > 0 for K in range(1, 41))
    assert all(truncated_derivative(K) < 0 for K in range(41, 300))
    assert truncated_derivative(41) > -0.3
    assert truncated_derivative(2000) == -6


def test_the_closed_form_is_the_sum_over_powers():
    A, v = system()
    total, power = 0.0, v.copy()
    assert truncated_derivative(0) == 0
    for K in range(1, 121):
        total, power = total + power[0], A @ power
        assert truncated_derivative(K) == pytest.approx(total, abs=1e-12)


def test_states_reach_the_fixed_point():
    A, v = system()
    s = fixed_point(0.5)
    assert s[0] == -6 * 0.5
    np.testing.assert_allclose(A @ s + 0.5 * v, s, atol=1e-14)
    np.testing.assert_allclose(state(0.5, 200), s, atol=1e-12)
    np.testing.assert_array_equal(state(0.5, 0, start=s), s)


@pytest.mark.parametrize("n_steps", [1, 5, 30, 120])
def test_the_full_gradient_is_that_of_differences(n_steps):
    differences = (loss(state(0.3 + 1e-6, n_steps)) - loss(state(0.3 - 1e-6, n_steps))) / 2e-6
    assert truncated_gradient(0.3, n_steps, n_steps) == pytest.approx(differences, rel=1e-7)
    assert truncated_gradient(0.3, n_steps, 10**6) == truncated_gradient(0.3, n_steps, n_steps)


def test_truncated_descent_goes_the_wrong_way():
    assert truncated_gradient(0.5, 200, 10) * truncated_gradient(0.5, 200, 200) < 0
