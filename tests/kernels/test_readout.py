"""The affine output against NumPy and differences, for sizes that fill vectors, chunks of rows, and neither."""

import numba
import numpy as np
import pytest
from gated import BROKEN, DIFFERENCES, ROUNDING, assert_close, assert_same_bytes, every_dtype
from pairs import every_pair

from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels.readout import readout_backward, readout_forward


def make(T=5, B=3, H=7, O=4, dtype=np.float64):  # noqa: E741
    """Return features, W_hy, b_y and dy."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in ((T, B, H), (H, O), (O,), (T, B, O))]


@every_pair(
    {
        "T, B": [(1, 1), (5, 3), (16, 8), (43, 3), (30, 13)],  # 1 to 4 chunks of rows
        "H": [1, 7, 33],
        "O": [1, 4, 17, 70],  # 70: more than a tile is wide
        "dtype": ROUNDING,
    }
)
def test_against_numpy(dtype, T, B, H, O):  # noqa: E741
    features, W_hy, b_y, dy = make(T, B, H, O, dtype)
    got = readout_forward(features, W_hy, b_y), *readout_backward(dy, features, W_hy)
    np.testing.assert_equal({a.dtype for a in got}, {np.dtype(dtype)})
    wide, d = features.reshape(-1, H).astype(float), dy.reshape(-1, O).astype(float)
    expected = (wide @ W_hy + b_y).reshape(T, B, O), (d @ W_hy.T).reshape(T, B, H), wide.T @ d, d.sum(axis=0)
    assert_close(got, expected, ROUNDING[dtype])


def test_gradients_against_differences():
    features, W_hy, b_y, dy = make(2, 3, 4, 5)
    gradients = readout_backward(dy, features, W_hy)
    for gradient, array in zip(gradients, (features, W_hy, b_y), strict=True):
        numeric = numerical_gradient(lambda: (readout_forward(features, W_hy, b_y) * dy).sum(), array)
        assert relative_error(gradient, numeric) < DIFFERENCES


@every_dtype
def test_the_bytes_of_a_row_do_not_depend_on_its_batch(dtype):
    features, W_hy, b_y, dy = make(43, 3, 33, 17, dtype)
    y, dh = readout_forward(features, W_hy, b_y), readout_backward(dy, features, W_hy).dh
    for t in range(43):
        for b in range(3):
            row = (slice(t, t + 1), slice(b, b + 1))
            one, d = features[row].copy(), dy[row].copy()
            alone = readout_forward(one, W_hy, b_y), readout_backward(d, one, W_hy).dh
            assert_same_bytes(alone, [np.ascontiguousarray(a[row]) for a in (y, dh)])


@every_dtype
@pytest.mark.parametrize("O", [1, 17])
def test_a_nan_stays_in_its_row(dtype, O):  # noqa: E741
    features, W_hy, b_y, dy = make(43, 3, 7, O, dtype)
    features[20, 1, 2], dy[30, 2, 0] = np.nan, np.nan
    y, (dh, dW_hy, db_y) = readout_forward(features, W_hy, b_y), readout_backward(dy, features, W_hy)
    for a, place in ((y, (20, 1)), (dh, (30, 2))):
        assert np.isnan(a[place]).all()
        a[place] = 0
        assert np.isfinite(a).all()
    np.testing.assert_array_equal(np.isnan(dW_hy), (np.arange(7) == 2)[:, None] | (np.arange(O) == 0))
    np.testing.assert_array_equal(np.isnan(db_y), np.arange(O) == 0)


def test_results_carry_their_names_and_inputs_are_left_alone():
    arrays = make()
    before = [a.copy() for a in arrays]
    features, W_hy, b_y, dy = arrays
    readout_forward(features, W_hy, b_y)
    assert readout_backward(dy, features, W_hy)._fields == ("dh", "dW_hy", "db_y")
    assert_same_bytes(arrays, before)


def test_compiled_code_calls_both():
    @numba.njit
    def run(features, W_hy, b_y, dy):
        return readout_forward(features, W_hy, b_y), readout_backward(dy, features, W_hy)

    features, W_hy, b_y, dy = make()
    y, gradients = run(features, W_hy, b_y, dy)
    expected = readout_forward(features, W_hy, b_y), *readout_backward(dy, features, W_hy)
    assert_same_bytes((y, *gradients), expected)


CALLS = [(readout_forward, "features W_hy b_y"), (readout_backward, "dy features W_hy")]


def calls():
    named = dict(zip(("features", "W_hy", "b_y", "dy"), make(), strict=True))
    return [(function, {name: named[name] for name in names.split()}) for function, names in CALLS]


@pytest.mark.parametrize("how", BROKEN)
def test_a_bad_array_is_named(how):
    for function, arguments in calls():
        for name, array in arguments.items():
            with pytest.raises(ValueError, match=rf"^{name} must"):
                function(**arguments | {name: BROKEN[how](array)})


def test_a_size_or_dtype_that_does_not_fit_is_refused():
    for function, arguments in calls():
        for name, array in arguments.items():
            for axis in (2,) if (function, name) == (readout_forward, "features") else range(array.ndim):
                with pytest.raises(ValueError, match=r"must have shape"):
                    function(**arguments | {name: np.delete(array, 0, axis)})
            with pytest.raises(ValueError, match=r"^\w+ must be float(32|64) like"):
                function(**arguments | {name: array.astype(np.float32)})
