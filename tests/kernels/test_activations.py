import numba
import numpy as np
import pytest
from numba import config

from rnnkit.cells import CELLS
from rnnkit.cells.loops import compiled
from rnnkit.cells.source import forward_source
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels import ACTIVATIONS, IDENTITY, RELU, SIGMOID, TANH
from rnnkit.kernels.engine import words

DTYPES = (np.float32, np.float64)
DIFFERENCES = 1e-10  # 4th-order differences: step^4 / 30 times a 5th derivative below 20, and 1e-16 / step
SIGMOID_FLOOR = {np.float32: 1e-37, np.float64: 1e-304}  # it stops near the last normal number, above 0
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="of compiled loops")


def activated(a, activation, dtype):
    a = np.ascontiguousarray(a, dtype)
    cls, h = list(CELLS.values())[activation], np.empty_like(a)
    compiled(cls, forward_source, np.dtype(dtype).name).run({"a": a, "h": a, "new_h": h}, np.zeros(1, dtype))
    return h


@numba.njit
def rows_back(d, d_at, d_row, h, h_at, h_row, out, out_at, out_row, rows, H, activation):
    words.rows_back(words.words(activation), d, d_at, d_row, h, h_at, h_row, out, out_at, out_row, rows, H)


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
    h = activated(z, activation, dtype)
    assert np.isnan(h[-1])
    assert not np.isnan(h[:-1]).any()


@every_activation
def test_derivative_against_differences(activation):
    a = np.linspace(-4, 4, 40).reshape(4, 10)  # no entry within four steps of the kink of relu: the nearest is .1
    d = np.random.default_rng(0).standard_normal(a.shape)
    out = np.empty_like(a)
    rows_back(d, 0, 10, activated(a, activation, np.float64), 0, 10, out, 0, 10, 4, 10, activation)
    numeric = numerical_gradient(lambda: (d * activated(a, activation, np.float64)).sum(), a)
    assert relative_error(out, numeric) < DIFFERENCES


@every_activation
def test_derivative_leaves_the_padding_of_longer_rows(activation):
    h, d = np.linspace(-0.9, 0.9, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    expected = np.empty_like(d)
    rows_back(d, 0, 4, h, 0, 4, expected, 0, 4, 3, 4, activation)
    longer, out = np.pad(d, ((0, 0), (0, 2)), constant_values=np.nan), np.full((3, 5), 7.0)
    rows_back(longer, 0, 6, h, 0, 4, out, 0, 5, 3, 4, activation)
    np.testing.assert_array_equal(out[:, :4], expected)
    np.testing.assert_array_equal(out[:, 4], 7)


@every_activation
def test_derivative_from_some_columns_of_the_states(activation):
    h, d = np.linspace(-0.9, 0.9, 12).reshape(3, 4), np.linspace(1, 2, 12).reshape(3, 4)
    expected, out = np.empty_like(d), np.empty_like(d)
    rows_back(d, 0, 4, h, 0, 4, expected, 0, 4, 3, 4, activation)
    padded = np.pad(h, ((0, 0), (3, 2)), constant_values=np.nan)
    rows_back(d, 0, 4, padded, 3, 9, out, 0, 4, 3, 4, activation)
    np.testing.assert_array_equal(out, expected)


@every_activation
def test_derivative_of_a_nan_state_is_nan(activation):
    h, out = np.array([[0.5, np.nan], [0.5, 0.5]]), np.empty((2, 2))
    rows_back(np.ones((2, 2)), 0, 2, h, 0, 2, out, 0, 2, 2, 2, activation)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(h) & (activation != IDENTITY))


def test_derivative_of_relu_at_its_kink_is_zero():
    out = np.ones((1, 2))
    rows_back(np.ones((1, 2)), 0, 2, np.array([[0.0, -0.0]]), 0, 2, out, 0, 2, 1, 2, RELU)
    np.testing.assert_array_equal(out, 0)
