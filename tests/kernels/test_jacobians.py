import mpmath
import numpy as np
import pytest

from rnnkit import reference
from rnnkit.kernels import (
    ACTIVATIONS,
    IDENTITY,
    RELU,
    TANH,
    hidden_gradient_log_norms,
    rnn_backward,
    rnn_backward_scaled,
    rnn_forward,
)

EXACT = 1e-12  # rounding of a few float64 steps
SINGLE = 1e-5  # rounding of a few float32 steps
LOG_ROUNDING = {np.float32: 1e-6, np.float64: 1e-11}  # relative, of a sum of 100,000 equal logarithms
LONG_ROUNDING = {np.float32: 1e-4, np.float64: 1e-11}  # 3,000 products; their rounding adds up along the way
ROUNDING = {np.float32: SINGLE, np.float64: EXACT}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", ROUNDING)


def assert_close(got, expected, tolerance):
    size = np.abs(expected, where=np.isfinite(expected), out=np.ones_like(expected)).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * max(1, size))


def given(dh_T, net, h):
    """Return the arguments of the kernels but for the activation."""
    return dh_T, net.x, h, net.W_xh, net.W_hh, net.b_h


def linear_log_norms(factor, T, dtype):
    """Log norms of one sample of h_t = factor h_{t-1}, with a gradient of norm 1 at the end."""
    dh_T, W_hh = np.array([[1, 0]], dtype), (factor * np.eye(2)).astype(dtype)
    x, h, zeros = np.zeros((T, 1), np.int64), np.zeros((T + 1, 1, 2), dtype), np.zeros(2, dtype)
    return hidden_gradient_log_norms(dh_T, x, h, zeros[None], W_hh, zeros, IDENTITY)[:, 0]


@every_activation
@every_dtype
def test_log_norms_against_reference(make_net, activation, dtype):
    net, dh = make_net(T=6, H=33, dtype=dtype)
    h = rnn_forward(*net, activation)
    got = hidden_gradient_log_norms(*given(dh[-1], net, h), activation)
    assert got.shape == (7, 3)
    assert got.dtype == dtype
    assert_close(got, reference.hidden_gradient_log_norms(*given(dh[-1], net, h), activation), ROUNDING[dtype])


@every_activation
def test_log_norms_against_explicit_jacobian_products(make_net, activation):
    net, dh = make_net(T=6)
    h = rnn_forward(*net, activation)
    got = hidden_gradient_log_norms(*given(dh[-1], net, h), activation)
    for b in range(3):
        product = np.eye(7)
        for lag in range(1, 7):
            jacobian = np.diag(reference.derivative(h[7 - lag, b], activation)) @ net.W_hh.T
            product = product @ jacobian
            with np.errstate(divide="ignore"):  # a sample whose relu units are all off: ln 0 is -inf
                expected = np.log(np.linalg.norm(dh[-1, b] @ product))
            assert_close(got[lag, b], expected, EXACT)


@every_activation
def test_float32_against_float64(make_net, activation):
    net, dh = make_net(T=6)
    h = rnn_forward(*net, activation)
    got = hidden_gradient_log_norms(*(a.astype(np.float32) for a in given(dh[-1], net, h)), activation)
    assert_close(got, hidden_gradient_log_norms(*given(dh[-1], net, h), activation), SINGLE)


@every_dtype
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_powers_of_a_constant_factor(factor, dtype):
    """The article: .5^10 = .00098, .5^20 = 9.5e-7, 2^10 = 1024, 2^20 = 1,048,576."""
    log_norms = linear_log_norms(factor, 20, dtype)
    for lag in (10, 20):
        expected = dtype(lag * np.log(factor))  # the factor is a power of two: only the sum of logarithms rounds
        assert abs(log_norms[lag] - expected) <= 4 * np.spacing(abs(expected))


@every_dtype
@pytest.mark.parametrize("growth", [0.1, -0.1])
def test_a_hundred_thousand_steps_neither_overflow_nor_underflow(growth, dtype):
    log_norms = linear_log_norms(np.exp(growth), 100_000, dtype)
    achieved = np.log(float(dtype(np.exp(growth))))  # of the weight as the dtype holds it
    np.testing.assert_allclose(log_norms, np.arange(100_001) * achieved, rtol=LOG_ROUNDING[dtype])


@every_dtype
def test_an_exact_zero_is_minus_infinity_from_its_lag_on(make_net, dtype):
    net, dh = make_net(dtype=dtype)
    h = np.ones((6, 3, 7), dtype)
    h[4, 1] = 0  # relu passes nothing through this state: sample 1, second step back
    log_norms = hidden_gradient_log_norms(*given(dh[-1], net, h), RELU)
    np.testing.assert_array_equal(log_norms[2:, 1], -np.inf)
    assert np.isfinite(log_norms[:2]).all()
    assert np.isfinite(log_norms[:, [0, 2]]).all()


@every_dtype
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_non_finite_gradient_stays_visible(make_net, dtype, bad):
    net, dh = make_net(dtype=dtype)
    h, dh_T = rnn_forward(*net, TANH), dh[-1].copy()
    dh_T[1, 0] = bad
    log_norms = hidden_gradient_log_norms(*given(dh_T, net, h), TANH)
    assert not np.isfinite(log_norms[:, 1]).any()
    assert np.isfinite(log_norms[:, [0, 2]]).all()
    W_hh = net.W_hh.copy()
    W_hh[2, 3] = bad
    assert not np.isfinite(hidden_gradient_log_norms(*given(dh[-1], net._replace(W_hh=W_hh), h), TANH)[1:]).any()
    scaled = rnn_backward_scaled(*given(dh_T, net, h), TANH)
    assert not np.isfinite(scaled.db_h).all()


@every_activation
@every_dtype
def test_scaled_times_its_scale_is_plain_bptt(make_net, activation, dtype):
    net, dh = make_net(T=6, dtype=dtype)
    h = rnn_forward(*net, activation)
    scaled = rnn_backward_scaled(*given(dh[-1], net, h), activation)
    plain = rnn_backward(dh[-1], net.x, h, net.W_xh, net.W_hh, activation)
    for name in ("dW_xh", "dW_hh", "db_h"):
        got, expected = getattr(scaled, name), getattr(plain, name)
        assert got.dtype == dtype
        assert_close(got * np.exp(scaled.log_scale), expected, ROUNDING[dtype])


@every_activation
@every_dtype
def test_the_log_norms_beside_scaled_gradients(make_net, activation, dtype):
    net, dh = make_net(T=6, dtype=dtype)
    arguments = (*given(dh[-1], net, rnn_forward(*net, activation)), activation)
    found = rnn_backward_scaled(*arguments).log_norms
    assert found.dtype == dtype
    assert_close(found, hidden_gradient_log_norms(*arguments), ROUNDING[dtype])


def exact_linear_gradients(dh_T, x, h, W_hh):
    """Return dW_xh, dW_hh and db_h of a linear net in numbers that neither overflow nor underflow."""
    exact = np.vectorize(mpmath.mpf, otypes=[object])
    delta, W_T = exact(dh_T.astype(float)), exact(W_hh.T.astype(float))
    totals = [0, 0, 0]
    for x_t, h_prev in zip(exact(x[::-1].astype(float)), exact(h[-2::-1].astype(float)), strict=True):
        totals = [totals[0] + x_t.T @ delta, totals[1] + h_prev.T @ delta, totals[2] + delta.sum(axis=0)]
        delta = delta @ W_T
    return totals


@every_dtype
@pytest.mark.parametrize("growth", [0.1, -0.1])
def test_scaled_gradients_of_3000_steps(growth, dtype):
    """exp(300) is beyond float32; the gradient at the first step of the vanishing net, exp(-300), as well."""
    rng, T = np.random.default_rng(0), 3000
    W_hh = (np.exp(growth) * np.array([[0.8, 0.2], [0.2, 0.8]])).astype(dtype)  # eigenvalues e^growth, .6 e^growth
    x, h, dh_T = (rng.uniform(0.5, 1, shape).astype(dtype) for shape in [(T, 1, 2), (T + 1, 1, 2), (1, 2)])
    scaled = rnn_backward_scaled(dh_T, x, h, np.eye(2, dtype=dtype), W_hh, np.zeros(2, dtype), IDENTITY)
    factor = mpmath.exp(scaled.log_scale)
    for got, exact in zip(scaled[:3], exact_linear_gradients(dh_T, x, h, W_hh), strict=True):
        assert got.dtype == dtype
        expected = (exact / factor).astype(float)
        np.testing.assert_allclose(got, expected, rtol=LONG_ROUNDING[dtype])


def test_scaled_gradients_that_are_all_zero(make_net):
    net, _ = make_net()
    scaled = rnn_backward_scaled(*given(np.zeros((3, 7)), net, np.ones((6, 3, 7))), RELU)
    assert scaled.log_scale == -np.inf
    for gradient in scaled[:3]:
        np.testing.assert_array_equal(gradient, 0)


def test_a_bad_argument_is_named(make_net):
    net, dh = make_net()
    h = rnn_forward(*net, TANH)
    names = ("dh_T", "x", "h", "W_xh", "W_hh", "b_h")
    arguments = dict(zip(names, given(dh[-1], net, h), strict=True)) | {"activation": TANH}
    for function in (hidden_gradient_log_norms, rnn_backward_scaled):
        for name in arguments:
            broken = 7 if name == "activation" else arguments[name][None, None]
            with pytest.raises(ValueError, match=rf"^{name} must"):
                function(**arguments | {name: broken})
