"""Logarithms of gradients where phi' leaves the dtype, against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from exact import BITS, SATURATED, exact, log_norm, slope

from rnnkit._compile.jit import jit
from rnnkit.kernels import ACTIVATIONS, hidden_gradient_log_norms, rnn_backward, rnn_backward_scaled, rnn_forward

ROUNDING = {np.float32: 2e-6, np.float64: 1e-12}  # relative to a logarithm, or to 1: of a few steps, and of a itself
GRADIENTS = {np.float32: 1e-3, np.float64: 1e-10}  # relative, of one whose logarithm is some thousand
every_dtype = pytest.mark.parametrize("dtype", ROUNDING)
every_activation = pytest.mark.parametrize("activation", SATURATED)


@pytest.fixture(autouse=True)
def precision():
    with mp.workprec(BITS):
        yield


def driven(activation, dtype, sizes, H=3, T=6, W="dense", seed=0, signs=(-1, 1)):
    """Return the arguments of the kernels for units whose pre-activations have these sizes, but for W h."""
    rng = np.random.default_rng(seed)
    x = rng.choice(sizes, (T, 2, H)) * rng.choice(signs, (T, 2, H))
    W_hh = rng.standard_normal((H, H)) if W == "dense" else np.diag(rng.uniform(0.5, 1.5, H))
    b_h, dh_T = 0.1 * rng.standard_normal(H), rng.standard_normal((2, H))
    dh_T, x, W_xh, W_hh, b_h = (a.astype(dtype) for a in (dh_T, x, np.eye(H), W_hh, b_h))
    h = rnn_forward(x, np.zeros((2, H), dtype), W_xh, W_hh, b_h, ACTIVATIONS[activation])
    return dh_T, x, h, W_xh, W_hh, b_h


def deltas(arguments, activation, b):
    """Yield (dL/dh_t, dL/da_t) of sample b from the last step back, and last (dL/dh_0, None)."""
    dh_T, x, h, W_xh, W_hh, b_h = map(exact, arguments)
    delta = dh_T[b]
    for t in reversed(range(len(x))):
        a = x[t, b] @ W_xh + h[t, b] @ W_hh + b_h
        z = delta * np.array([slope(a_j, activation) for a_j in a])
        yield delta, z
        delta = z @ W_hh.T
    yield delta, None


def log_norms(arguments, activation):
    return np.array([[log_norm(delta) for delta, _ in deltas(arguments, activation, b)] for b in (0, 1)]).T


def assert_logs(found, expected, dtype):
    np.testing.assert_allclose(found, expected, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@every_dtype
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("activation", "size"), [(name, size) for name in SATURATED for size in SATURATED[name]])
def test_one_saturated_unit(activation, size, sign, dtype):
    """Every step costs ln phi'(a): 2 ln 2 - 2 |a| of tanh, -|a| of sigmoid, to e^-2|a|, beside the bias and W h."""
    arguments = driven(activation, dtype, (size,), H=1, T=3, signs=(sign,))
    found = hidden_gradient_log_norms(*arguments, ACTIVATIONS[activation])
    assert_logs(found, log_norms(arguments, activation), dtype)
    assert found[3].max() < -2.5 * size  # three steps, each of |a| - 3 at least


@every_dtype
@every_activation
@pytest.mark.parametrize("W", ["dense", "diagonal"])
def test_saturated_beside_free_units(activation, W, dtype):
    """In a diagonal net each unit goes its own way: the largest of a step may be the least of the next."""
    for seed in range(4):
        arguments = driven(activation, dtype, (1.0, *SATURATED[activation]), W=W, seed=seed)
        found = hidden_gradient_log_norms(*arguments, ACTIVATIONS[activation])
        assert_logs(found, log_norms(arguments, activation), dtype)


@every_dtype
def test_a_unit_that_fades_far_below_the_other_and_leads_again(dtype):
    """No single step is deep: 3 nats below the other at each of 300 steps, beyond both dtypes; then that one shuts."""
    x = np.zeros((303, 1, 2), dtype)
    x[3:, 0, 0], x[:3, 0, 1] = 1.5, 1000  # a of the first unit is 2.5, with its state of .98
    dh_T, W, b_h = np.ones((1, 2), dtype), np.eye(2, dtype=dtype), np.zeros(2, dtype)
    h = rnn_forward(x, np.zeros((1, 2), dtype), W, W, b_h, ACTIVATIONS["tanh"])
    found = hidden_gradient_log_norms(dh_T, x, h, W, W, b_h, ACTIVATIONS["tanh"])
    slopes = [sum(float(mp.log(slope(mp.mpf(float(a)), "tanh"))) for a in unit) for unit in (x + h[:-1])[:, 0].T]
    assert slopes[1] < slopes[0] - 1000
    assert_logs(found[-1, 0], slopes[0], dtype)


@every_dtype
@every_activation
def test_scaled_gradients(activation, dtype):
    arguments = driven(activation, dtype, (1.0, *SATURATED[activation][:2]), seed=1)
    _, x, h, *_ = map(exact, arguments)
    found = rnn_backward_scaled(*arguments, ACTIVATIONS[activation])
    expected = [0, 0, 0]
    for b in (0, 1):
        for t, (_, z) in zip(reversed(range(len(x))), deltas(arguments, activation, b), strict=False):
            expected = [expected[0] + np.outer(x[t, b], z), expected[1] + np.outer(h[t, b], z), expected[2] + z]
    for got, wanted in zip(found[:3], expected, strict=True):
        wanted = (wanted * mp.exp(-mp.mpf(found.log_scale))).astype(float)
        np.testing.assert_allclose(got, wanted, rtol=GRADIENTS[dtype], atol=GRADIENTS[dtype] * np.abs(wanted).max())


@every_dtype
@pytest.mark.parametrize(("activation", "size"), [(name, size) for name in SATURATED for size in SATURATED[name]])
def test_scaled_gradients_of_one_saturated_unit(activation, size, dtype):
    """Plain BPTT has zeros there, or what is left of rounding; of the scaled one, logarithms are right."""
    arguments = driven(activation, dtype, (size,), H=1, T=2)
    found = rnn_backward_scaled(*arguments, ACTIVATIONS[activation])
    total = sum(z[0] for b in (0, 1) for _, z in deltas(arguments, activation, b) if z is not None)
    logs = np.log(np.abs(float(found.db_h[0]))) + found.log_scale
    assert_logs(logs, float(mp.log(abs(total))), dtype)
    plain = rnn_backward(*arguments[:5], ACTIVATIONS[activation])
    assert np.abs(plain.db_h[0]) < 1e-7


def test_each_sample_has_a_scale_of_its_own():
    """The second sample is e^-40 of the first at the last step, and e^1000 of it at the first: a factor of e^1041."""
    x = np.array([[[0.0], [0.0]], [[520.0], [0.0]]])
    dh_T, one, b_h = np.array([[1.0], [np.exp(-40)]]), np.eye(1), np.zeros(1)
    h = np.concatenate([np.zeros((1, 2, 1)), np.tanh(x)])
    arguments = dh_T, x, h, one, one, b_h
    found = rnn_backward_scaled(*arguments, ACTIVATIONS["tanh"])
    total = sum(z[0] for b in (0, 1) for _, z in deltas(arguments, "tanh", b) if z is not None)
    assert abs(np.log(found.db_h[0]) + found.log_scale - float(mp.log(total))) < ROUNDING[np.float64]


@every_activation
def test_from_compiled_code_and_with_symbols(activation):
    """Symbols pick rows of W_xh, which saturate the units."""
    dh_T, _, _, _, W_hh, b_h = driven(activation, np.float64, (1.0,))
    W_xh = np.array([[1.0, -30.0, 400.0], [-50.0, 0.5, 30.0]])
    symbols = np.array([[0, 1], [1, 1], [0, 0]])
    x, code = np.eye(2)[symbols], ACTIVATIONS[activation]
    h = rnn_forward(x, np.zeros((2, 3)), W_xh, W_hh, b_h, code)

    @jit
    def compiled(dh_T, x, h, W_xh, W_hh, b_h, activation):
        return hidden_gradient_log_norms(dh_T, x, h, W_xh, W_hh, b_h, activation)

    expected = log_norms((dh_T, x, h, W_xh, W_hh, b_h), activation)
    assert_logs(compiled(dh_T, x, h, W_xh, W_hh, b_h, code), expected, np.float64)
    assert_logs(hidden_gradient_log_norms(dh_T, symbols, h, W_xh, W_hh, b_h, code), expected, np.float64)
