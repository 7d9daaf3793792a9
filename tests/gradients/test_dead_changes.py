"""Changes of a state that come to exactly nothing: exponents and singular values of -inf, and of none but those."""

import numpy as np
import pytest

import rnnkit
from rnnkit.gradients.jacobians import jacobian_product
from rnnkit.gradients.lyapunov import lyapunov_exponents

ROUNDING = 1e-10  # some dozens of float64 steps, and their logarithms


def net_of(W, cell="tanh", T=60, seed=0):
    rng = np.random.default_rng(seed)
    net = rnnkit.RNN(1, len(W), cell=cell, initializer=W, dtype="float64")
    return net, net.forward(rng.standard_normal((T, 1, 1)))


def triangular(H=30, seed=0):
    return np.triu(np.random.default_rng(seed).standard_normal((H, H)), 1) / 10


@pytest.mark.parametrize("permuted", [False, True])
@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("burn_in", [0, 10, 40])
def test_nilpotent_jacobians(permuted, n, burn_in):
    """A strictly triangular W of 30 units: after 30 steps nothing is left of any change, in any order of the units."""
    order = np.random.default_rng(1).permutation(30) if permuted else np.arange(30)
    net, trace = net_of(triangular()[np.ix_(order, order)])
    np.testing.assert_array_equal(lyapunov_exponents(net, trace, n=n, burn_in=burn_in), -np.inf)
    with pytest.raises(ValueError, match=r"^burn_in must be an integer in 0\.\.59"):
        lyapunov_exponents(net, trace, burn_in=60)


def test_before_all_is_dead_some_changes_live():
    """One step takes one dimension, of a chain of 4: after two steps two changes of four are left."""
    net, trace = net_of(np.diag([1.0, 2.0, 4.0], 1), "identity", T=2)
    found = lyapunov_exponents(net, trace)
    np.testing.assert_array_equal(found[2:], -np.inf)
    assert np.isfinite(found[:2]).all()
    logs = jacobian_product(net, trace, 0, 1).log_singular_values
    np.testing.assert_allclose(logs[:2], np.log([8, 2]), rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(logs[2:], -np.inf)


def test_a_dead_block_beside_a_live_one():
    W = np.zeros((5, 5))
    W[:2, :2], W[2:, 2:] = np.diag([0.9, 1.1]), triangular(3) * 10
    found = lyapunov_exponents(*net_of(W, "identity", T=400), burn_in=300)
    np.testing.assert_allclose(found[:2], np.log([1.1, 0.9]), rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(found[2:], -np.inf)


def test_units_of_relu_that_are_off():
    rng = np.random.default_rng(2)
    net = rnnkit.RNN(1, 4, cell="relu", initializer=rng.uniform(0.1, 1, (4, 4)), dtype="float64")
    net.parameters["l0.b_h"][:] = 1, -1e3, 1, 1  # the second is off
    trace = net.forward(np.zeros((5, 1, 1)))
    found, on = lyapunov_exponents(net, trace, burn_in=1), [0, 2, 3]
    np.testing.assert_array_equal(found[3:], -np.inf)
    log_det = np.linalg.slogdet(net.parameters["l0.W_hh"][np.ix_(on, on)])[1]
    assert abs(found[:3].sum() - log_det) < ROUNDING  # once rows of the unit that is off are zero
    logs = jacobian_product(net, trace, 0, 4).log_singular_values
    np.testing.assert_array_equal(np.isfinite(logs), [True, True, True, False])
    net.parameters["l0.b_h"][:] = -1e3
    trace = net.forward(np.zeros((5, 1, 1)))
    np.testing.assert_array_equal(lyapunov_exponents(net, trace), -np.inf)
    np.testing.assert_array_equal(jacobian_product(net, trace, 0, 4).log_singular_values, -np.inf)


@pytest.mark.parametrize("cell", ["lstm", "gru", "tanh", "sigmoid"])
def test_weights_of_zero(cell):
    net = rnnkit.RNN(1, 3, cell=cell, dtype="float64")
    net.parameters["l0.W_hh"][:] = 0
    found = lyapunov_exponents(net, net.forward(np.ones((4, 1, 1))))
    assert np.isfinite(found).sum() == (3 if cell in ("lstm", "gru") else 0)  # what a gate keeps
    np.testing.assert_array_equal(found[3:], -np.inf)


def test_a_layer_that_forgets_below_one_that_does_not():
    net = rnnkit.RNN(1, 3, cell="identity", layers=2, dtype="float64")
    net.parameters["l0.W_hh"][:] = triangular(3)
    net.parameters["l1.W_hh"][:] = np.diag([1.5, 1.0, 0.5])
    found = lyapunov_exponents(net, net.forward(np.ones((300, 1, 1))), burn_in=200)
    np.testing.assert_allclose(found[:3], np.log([1.5, 1.0, 0.5]), rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(found[3:], -np.inf)
