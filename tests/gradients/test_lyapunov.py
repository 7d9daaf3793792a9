"""Jacobians against finite differences and by hand, exponents where they are known."""

import numpy as np
import pytest
from traces import states_before

import rnnkit
from rnnkit.gradients import lyapunov
from rnnkit.gradients.differences import OFFSETS, WEIGHTS
from rnnkit.gradients.jacobians import _by_sweeps, jacobian_product, step_jacobian
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.step_factors import steps
from rnnkit.initializers import orthogonal
from rnnkit.kernels.cells import CELLS
from rnnkit.rng import streams

NUMERICAL = 1e-9  # fourth-order differences of one step, by 1e-3
ROUNDING = 1e-10  # some dozens of float64 steps, and their logarithms
every_cell = pytest.mark.parametrize("cell", CELLS)
every_depth = pytest.mark.parametrize("layers", [1, 2])


def make(cell, T=6, B=2, H=4, seed=0, **options):
    """Return (net, run) of a float64 net with random biases and first states."""
    lengths = options.pop("lengths", None)
    net = rnnkit.RNN(3, H, cell=cell, seed=seed, dtype="float64", **options)
    rng = streams(seed).data
    for name, array in net.parameters.items():
        if name.endswith("b_h"):
            array[:] = 0.5 * rng.standard_normal(array.shape)
    state = net.initial_state(B)
    for part in state:
        if part is not None:
            part[:] = rng.standard_normal(part.shape)
    return net, net.forward(rng.standard_normal((T, B, 3)), state, lengths)


def linear(W, T=6):
    net = rnnkit.RNN(3, len(W), cell="identity", initializer=W, dtype="float64")
    return net, net.forward(np.zeros((T, 1, 3)))


def as_vector(state, b=0):
    """h and c of each layer side by side, as the docstring says."""
    return np.concatenate([part[layer, b] for layer in range(len(state.h)) for part in state])


def numerical_jacobian(net, trace, first, last, b):
    """d state_last / d state_{first-1} by differences of the network itself."""
    columns, state = [], states_before(net, trace, first)
    for layer in range(net.layers):
        for part in state:
            for unit in range(net.hidden_size):
                kept, column = part[layer, b, unit], 0.0
                for offset, weight in zip(OFFSETS, WEIGHTS, strict=True):
                    part[layer, b, unit] = kept + offset * 1e-3
                    column += weight / 1e-3 * as_vector(net.forward(trace.x[first : last + 1], state).state, b)
                part[layer, b, unit] = kept
                columns.append(column)
    return np.stack(columns, axis=1)


@every_cell
@every_depth
def test_a_step_against_finite_differences(cell, layers):
    net, trace = make(cell, layers=layers)
    for t, b in ((0, 0), (3, 1), (5, 0)):
        expected = numerical_jacobian(net, trace, t, t, b)
        np.testing.assert_allclose(step_jacobian(net, trace, t, b), expected, rtol=0, atol=NUMERICAL)


@every_cell
@every_depth
def test_gradients_go_back_by_the_jacobians(cell, layers):
    """dL/d state_0 of a loss on the last states, by net.backward, is that loss's gradient times the product."""
    net, trace = make(cell, layers=layers)
    dstate = net.initial_state(2)
    for part in (part for part in dstate if part is not None):
        part[:] = streams(3).data.standard_normal(part.shape)
    gradient = net.backward(trace, None, dstate).state
    for b in (0, 1):
        product = jacobian_product(net, trace, 0, 5, b)
        got = as_vector(dstate, b) @ product.matrix * np.exp(product.log_scale)
        np.testing.assert_allclose(got, as_vector(gradient, b), rtol=0, atol=ROUNDING)


def test_an_elman_step_and_product_by_hand():
    net, trace = make("tanh")
    W_hh, h = net.parameters["l0.W_hh"], trace.layers[0].h[:, 1]
    by_hand = [np.diag(1 - h[t + 1] ** 2) @ W_hh.T for t in range(6)]
    np.testing.assert_allclose(step_jacobian(net, trace, 2, 1), by_hand[2], rtol=0, atol=ROUNDING)
    product = jacobian_product(net, trace, 2, 4, 1)
    expected = by_hand[4] @ by_hand[3] @ by_hand[2]
    np.testing.assert_allclose(product.matrix * np.exp(product.log_scale), expected, rtol=0, atol=ROUNDING)
    singular = np.linalg.svd(expected, compute_uv=False)
    np.testing.assert_allclose(product.log_singular_values, np.log(singular), rtol=0, atol=ROUNDING)


def test_a_linear_net_multiplies_by_its_matrix_again_and_again():
    W = streams(0).init.standard_normal((4, 4))
    product = jacobian_product(*linear(W), 0, 5)
    expected = np.linalg.matrix_power(W.T, 6)
    np.testing.assert_allclose(product.matrix * np.exp(product.log_scale), expected, rtol=ROUNDING)


@pytest.mark.parametrize("size", [1e-165, 1e-300, 1e154, 1e300])
def test_weights_whose_squares_no_float_holds(size):
    product = jacobian_product(*linear(size * np.eye(3)), 0, 3)
    np.testing.assert_allclose(product.log_singular_values, 4 * np.log(size), rtol=ROUNDING)
    assert abs(product.log_scale - 4 * np.log(size) - np.log(3) / 2) < ROUNDING * 4000


def test_singular_values_far_beyond_the_range_of_floats():
    """W = U D U^T: the singular values of W^k are D^k, here from 2^600 to .01^600 = 1e-1200."""
    D, U = np.array([2.0, 1.0, 0.5, 0.01]), orthogonal(streams(0).init, 4)
    found = jacobian_product(*linear(U @ np.diag(D) @ U.T, T=600), 0, 599)
    np.testing.assert_allclose(found.log_singular_values, 600 * np.log(D), rtol=0, atol=1e-8)
    assert abs(found.log_scale - 600 * np.log(2)) < ROUNDING * 600


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_both_ways_to_singular_values_agree_and_their_sum_is_the_determinant(cell):
    net, trace = make(cell, T=60)
    factors = list(steps(net, trace, 0, 59, 0))
    short = jacobian_product(net, trace, 0, 1).log_singular_values
    np.testing.assert_allclose(_by_sweeps(factors[:2]), short, rtol=0, atol=1e-6)
    log_det = sum(np.linalg.slogdet(step.J)[1] for step in factors)
    assert abs(jacobian_product(net, trace, 0, 59).log_singular_values.sum() - log_det) < 1e-8


def test_exponents_of_a_linear_net_are_the_logs_of_its_eigenvalues():
    W = streams(1).init.standard_normal((5, 5))
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(W))))[::-1]
    found = lyapunov_exponents(*linear(W, T=4000), burn_in=2000)
    np.testing.assert_allclose(found, expected, atol=2e-3)  # a pair of complex ones turns: O(1 / steps)
    np.testing.assert_allclose(lyapunov_exponents(*linear(W, T=4000), n=1, burn_in=2000), found[:1], atol=2e-3)


def test_exponents_of_a_diagonal_net_do_not_depend_on_the_order_of_its_units():
    D = np.array([0.5, 0.9, 1.1])
    for order in ([0, 1, 2], [2, 0, 1]):
        found = lyapunov_exponents(*linear(np.diag(D[order]), T=1000), n=2, burn_in=500)
        np.testing.assert_allclose(found, np.log([1.1, 0.9]), atol=1e-9)


@pytest.mark.parametrize("size", [1e-160, 1e160])
def test_the_largest_exponent_where_squares_leave_the_floats(size):
    W = np.random.default_rng(0).standard_normal((5, 5))
    (expected,), (found,) = (lyapunov_exponents(*linear(scale * W, 30), n=1) for scale in (1.0, size))
    assert abs(found - np.log(size) - expected) < ROUNDING


def test_an_orthogonal_linear_net_keeps_every_change():
    W = orthogonal(streams(0).init, 6)
    np.testing.assert_allclose(lyapunov_exponents(*linear(W, T=50)), 0, atol=ROUNDING)
    np.testing.assert_allclose(jacobian_product(*linear(W, T=50), 0, 49).log_singular_values, 0, atol=ROUNDING)


@pytest.mark.parametrize("cell", ["tanh", "sigmoid", "lstm", "gru"])
@every_depth
def test_the_sum_of_the_exponents_is_the_mean_log_determinant(cell, layers):
    net, trace = make(cell, T=30, layers=layers)
    log_dets = [np.linalg.slogdet(step_jacobian(net, trace, t, 1))[1] for t in range(30)]
    assert abs(lyapunov_exponents(net, trace, b=1).sum() - np.mean(log_dets)) < ROUNDING
    assert abs(lyapunov_exponents(net, trace, burn_in=10, b=1).sum() - np.mean(log_dets[10:])) < ROUNDING


@every_cell
@every_depth
def test_a_contracting_net_has_negative_exponents(cell, layers):
    net, trace = make(cell, T=100, layers=layers)
    for name, array in net.parameters.items():
        array *= 0.1 if name.endswith("W_hh") else 1
    found = lyapunov_exponents(net, net.forward(trace.x), burn_in=20)
    assert found.shape == (layers * 4 * (2 if cell == "lstm" else 1),)
    assert (found < 0).all()
    assert (found[1:] <= found[:-1]).all()


def test_an_lstm_without_weights_forgets_at_the_rate_of_its_gate():
    net, trace = make("lstm", T=40)
    for array in net.parameters.values():
        array[:] = 0
    net.parameters["l0.b_h"][4:8] = 2.0  # the forget gate's
    found = lyapunov_exponents(net, net.forward(trace.x), burn_in=5)
    np.testing.assert_allclose(found[:4], -np.log1p(np.exp(-2)), atol=ROUNDING)
    assert (found[4:] == -np.inf).all()  # h passes nothing on


def test_the_steps_of_a_shorter_row():
    net, trace = make("gru", lengths=np.array([6, 3]))
    whole, short = make("gru")[1], trace._replace(x=trace.x[:3], lengths=np.empty(0, np.int64))
    np.testing.assert_array_equal(lyapunov_exponents(net, trace, b=0), lyapunov_exponents(net, whole, b=0))
    np.testing.assert_array_equal(lyapunov_exponents(net, trace, b=1), lyapunov_exponents(net, short, b=1))
    with pytest.raises(ValueError, match=r"^t must be an integer in 0\.\.2, the last step of sample 1, got 3"):
        step_jacobian(net, trace, 3, 1)


def test_a_bad_argument_is_named():
    net, trace = make("tanh")
    for message, call in {
        r"t must be an integer in 0\.\.5": lambda: step_jacobian(net, trace, -1),
        r"b must be an integer in 0\.\.1, got 2": lambda: step_jacobian(net, trace, 0, 2),
        "last must be at least first = 3, got 2": lambda: jacobian_product(net, trace, 3, 2),
        r"first must be an integer in 0\.\.5": lambda: jacobian_product(net, trace, 6, 7),
        r"n must be an integer in 1\.\.4, got 5": lambda: lyapunov_exponents(net, trace, n=5),
        r"burn_in must be an integer in 0\.\.5": lambda: lyapunov_exponents(net, trace, burn_in=6),
    }.items():
        with pytest.raises(ValueError, match=f"^{message}"):
            call()
    with pytest.raises(ValueError, match=r"^net must have one direction"):
        step_jacobian(*make("tanh", bidirectional=True), 0)


@pytest.mark.parametrize(
    ("cell", "gain", "layers", "bias"),
    [("tanh", 3.0, 1, 0), ("tanh", 30.0, 1, 0), ("lstm", 1.5, 1, 0), ("lstm", 3.0, 1, 25), ("lstm", 3.0, 1, -12),
     ("relu", 1.5, 1, 0), ("sigmoid", 20.0, 1, 5), ("gru", 2.0, 2, 0)],
)  # fmt: skip
@pytest.mark.parametrize("n", [None, 3])
def test_elimination_is_as_exact_as_a_qr_at_every_step(monkeypatch, cell, gain, layers, bias, n):
    """Saturated too: rows of an LSTM's h and c are then nearly parallel."""
    net, trace = saturated(cell, gain, layers, bias)
    found = lyapunov_exponents(net, trace, n, burn_in=7)
    monkeypatch.setattr(lyapunov, "eliminated", lambda step, frame: None)
    np.testing.assert_allclose(found, lyapunov_exponents(net, trace, n, burn_in=7), rtol=0, atol=1e-8)


def saturated(cell, gain, layers=1, bias=0):
    net = rnnkit.RNN(2, 12, cell=cell, gain=gain, initializer="gaussian", dtype="float64", seed=1, layers=layers)
    rng = np.random.default_rng(1)
    for name, array in net.parameters.items():
        if name.endswith("b_h"):
            array[:] = bias * rng.standard_normal(array.shape)
    return net, net.forward(3 * rng.standard_normal((60, 1, 2)))


def test_the_sum_of_two_saturated_layers_is_that_of_their_determinants():
    """ln |det J| of each step: ln phi' of all units, in logarithms, and ln |det W_hh|."""
    net, trace = saturated("tanh", 8.0, layers=2)
    total = 0.0
    for layer, of_layer in enumerate(trace.layers):
        W_xh, W_hh, b_h = (net.parameters[f"l{layer}.{name}"] for name in ("W_xh", "W_hh", "b_h"))
        a = of_layer.x[7:, 0] @ W_xh + of_layer.h[7:-1, 0] @ W_hh + b_h
        log_cosh = np.abs(a) + np.log1p(np.exp(-2 * np.abs(a))) - np.log(2)
        total += (-2 * log_cosh).sum() / (60 - 7) + np.linalg.slogdet(W_hh)[1]
    assert lyapunov_exponents(net, trace, burn_in=7).sum() == pytest.approx(total, abs=1e-9)
