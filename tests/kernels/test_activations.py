import numba
import numpy as np
import pytest

from rnnkit.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels import ACTIVATIONS, IDENTITY, RELU, SIGMOID, TANH, activations

DTYPES = (np.float32, np.float64)
DIFFERENCES = 1e-10  # 4th-order differences: step^4 / 30 times a 5th derivative below 20, and 1e-16 / step
SIGMOID_FLOOR = {np.float32: 1e-37, np.float64: 1e-304}  # it stops near the last normal number, above 0
activate = numba.njit(lambda *a: activations.activate(*a))  # from Python itself the loops run as they are written
times_derivative = numba.njit(lambda *a: activations.times_derivative(*a))
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


def activated(a, activation, dtype):
    z = np.array(a, dtype)
    activate(z, 0, z.size, 1, z.size, activation)
    return z


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(dtype):
    specials = [0.0, -0.0, np.inf, -np.inf, np.nan]
    tanh, sigmoid, relu, identity = (activated(specials, code, dtype) for code in (TANH, SIGMOID, RELU, IDENTITY))
    np.testing.assert_array_equal(tanh, [0, 0, 1, -1, np.nan])
    np.testing.assert_array_equal(np.signbit(tanh[:2]), [False, True])
    np.testing.assert_array_equal(sigmoid[[0, 1, 2, 4]], [0.5, 0.5, 1, np.nan])
    assert 0 <= sigmoid[3] < SIGMOID_FLOOR[dtype]
    np.testing.assert_array_equal(relu, [0, 0, np.inf, 0, np.nan])
    np.testing.assert_array_equal(identity, specials)
    np.testing.assert_array_equal(np.signbit(identity[:2]), [False, True])


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_tiny_numbers_is_themselves(dtype):
    tiny = np.array([np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny, 1e-20], dtype)
    np.testing.assert_array_equal(activated(tiny, TANH, dtype), tiny)
    np.testing.assert_array_equal(activated(-tiny, TANH, dtype), -tiny)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 7, 64])  # the last number lies in the SIMD loop, or in the rest
@every_activation
def test_nan_survives(activation, size, dtype):
    z = np.zeros(size, dtype)
    z[-1] = np.nan
    activate(z, 0, z.size, 1, z.size, activation)
    assert np.isnan(z[-1])
    assert not np.isnan(z[:-1]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_the_first_columns_are_activated_in_place(activation, dtype):
    before = np.linspace(-4, 4, 60).astype(dtype).reshape(4, 15)
    z = before.copy()
    activate(z, 15, 15, 2, 8, activation)
    np.testing.assert_array_equal(z[1:3, :8].ravel(), activated(before[1:3, :8].ravel(), activation, dtype))
    np.testing.assert_array_equal(z[1:3, 8:], before[1:3, 8:])
    np.testing.assert_array_equal(z[::3], before[::3])


@every_activation
def test_derivative_against_differences(activation):
    a = np.linspace(-4, 4, 40).reshape(4, 10)  # no entry within four steps of the kink of relu: the nearest is .1
    d = np.random.default_rng(0).standard_normal(a.shape)
    out = np.empty_like(a)
    times_derivative(d, 0, 10, activated(a, activation, np.float64), 0, 10, out, 0, 10, 4, 10, activation)
    numeric = numerical_gradient(lambda: (d * activated(a, activation, np.float64)).sum(), a)
    assert relative_error(out, numeric) < DIFFERENCES


@every_activation
def test_derivative_may_overwrite_the_gradient(activation):
    h, d = np.linspace(-0.9, 0.9, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    out = np.empty_like(d)
    times_derivative(d, 0, 4, h, 0, 4, out, 0, 4, 3, 4, activation)
    times_derivative(d, 0, 4, h, 0, 4, d, 0, 4, 3, 4, activation)
    np.testing.assert_array_equal(d, out)


@every_activation
def test_derivative_leaves_the_padding_of_longer_rows(activation):
    h, d = np.linspace(-0.9, 0.9, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    expected = np.empty_like(d)
    times_derivative(d, 0, 4, h, 0, 4, expected, 0, 4, 3, 4, activation)
    longer, out = np.pad(d, ((0, 0), (0, 2)), constant_values=np.nan), np.full((3, 5), 7.0)
    times_derivative(longer, 0, 6, h, 0, 4, out, 0, 5, 3, 4, activation)
    np.testing.assert_array_equal(out[:, :4], expected)
    np.testing.assert_array_equal(out[:, 4], 7)


@every_activation
def test_derivative_from_some_columns_of_the_states(activation):
    h, d = np.linspace(-0.9, 0.9, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    expected, out = np.empty_like(d), np.empty_like(d)
    times_derivative(d, 0, 4, h, 0, 4, expected, 0, 4, 3, 4, activation)
    padded = np.pad(h, ((0, 0), (3, 2)), constant_values=np.nan)
    times_derivative(d, 0, 4, padded, 3, 9, out, 0, 4, 3, 4, activation)
    np.testing.assert_array_equal(out, expected)


@every_activation
def test_derivative_of_a_nan_state_is_nan(activation):
    h, out = np.array([[0.5, np.nan], [0.5, 0.5]]), np.empty((2, 2))
    times_derivative(np.ones((2, 2)), 0, 2, h, 0, 2, out, 0, 2, 2, 2, activation)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(h) & (activation != IDENTITY))


def test_derivative_of_relu_at_its_kink_is_zero():
    out = np.ones((1, 2))
    times_derivative(np.ones((1, 2)), 0, 2, np.array([[0.0, -0.0]]), 0, 2, out, 0, 2, 1, 2, RELU)
    np.testing.assert_array_equal(out, 0)
