import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit import reference
from rnnkit.kernels import RAISE, SHRINK, SKIP, ZERO, clip_by_norm, clip_by_value

DTYPES = (np.float32, np.float64)
ROUNDING = {np.float32: 1e-6, np.float64: 1e-12}  # of a scale and a sum of ten squares
FUNCTIONS = (clip_by_norm, clip_by_value)
every_function = pytest.mark.parametrize("function", FUNCTIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def split(values, dtype=np.float64):
    """Return ten values as gradients (dW_xh (2, 2), dW_hh (2, 2), db_h (2,))."""
    v = np.array(values, dtype)
    return v[:4].reshape(2, 2).copy(), v[4:8].reshape(2, 2).copy(), v[8:].copy()


def join(gradients):
    return np.concatenate([g.ravel() for g in gradients])


@every_dtype
def test_the_joint_norm_of_all_arrays_is_clipped(dtype):
    gradients = split([3, 0, 0, 0, 0, 0, 0, 4, 0, 12], dtype)
    expected = reference.clip_by_norm(gradients, 6.5)
    outcome = clip_by_norm(gradients, 6.5)
    assert outcome == (13.0, True, 0, False, False)
    np.testing.assert_allclose(join(gradients), join(expected), rtol=ROUNDING[dtype])
    np.testing.assert_allclose(join(gradients), [1.5, 0, 0, 0, 0, 0, 0, 2, 0, 6], rtol=ROUNDING[dtype])


@every_dtype
def test_every_entry_is_clipped_by_value(dtype):
    gradients = split([3, -0.5, 0, 1, -1, 0, 0, -4, 0, 12], dtype)
    outcome = clip_by_value(gradients, 1)
    assert outcome == (pytest.approx(np.sqrt(171.25)), True, 0, False, False)
    np.testing.assert_array_equal(join(gradients), [1, -0.5, 0, 1, -1, 0, 0, -1, 0, 1])


@every_dtype
@every_function
@pytest.mark.parametrize("policy", [RAISE, SKIP, ZERO, SHRINK])
def test_under_the_limit_nothing_changes_to_the_bit(function, policy, dtype):
    gradients = split(np.random.default_rng(0).standard_normal(10), dtype)
    before = join(gradients)
    norm = float(np.linalg.norm(before.astype(float)))
    outcome = function(gradients, norm * 1.001, policy, (gradients[1], gradients[0].copy()))
    np.testing.assert_array_equal(join(gradients).view(np.uint8), before.view(np.uint8))
    assert outcome == (pytest.approx(norm), False, 0, False, False)


@every_function
def test_zero_gradients_stay_zero(function):
    gradients = split(np.zeros(10))
    assert function(gradients, 1.0) == (0.0, False, 0, False, False)
    np.testing.assert_array_equal(join(gradients), 0)


@pytest.mark.parametrize("size", [1e200, 1.7e308, 1e-200])
def test_squares_and_norms_that_leave_float64(size):
    """The squares of all overflow or underflow; the norm of ten times 1.7e308 is itself beyond float64."""
    gradients = split(np.full(10, size) * np.tile([1, -1], 5))
    limit = 1.0 if size > 1 else 1e-201
    assert clip_by_norm(gradients, limit).clipped
    np.testing.assert_allclose(join(gradients), np.tile([1, -1], 5) * limit / np.sqrt(10), rtol=1e-12)


BAD = [3, np.nan, 0, np.inf, 0, -np.inf, 0, 4, 0, 12]


@every_function
def test_raise_names_the_array_and_the_place(function):
    gradients = split(BAD)
    with pytest.raises(
        ValueError, match=r"^gradients\[0\] must be finite, got 2 non-finite values, the first at \(0, 1\)"
    ):
        function(gradients, 1.0)
    np.testing.assert_array_equal(join(gradients), BAD)


@every_function
@every_dtype
def test_skip_zeroes_all_and_says_so(function, dtype):
    gradients = split(BAD, dtype)
    assert function(gradients, 1.0, SKIP) == (13.0, False, 3, True, False)
    np.testing.assert_array_equal(join(gradients), 0)


@every_dtype
def test_zero_replaces_the_bad_entries_and_clips_the_rest(dtype):
    gradients = split(BAD, dtype)
    assert clip_by_norm(gradients, 6.5, ZERO) == (13.0, True, 3, False, False)
    expected = [1.5, 0, 0, 0, 0, 0, 0, 2, 0, 6]
    np.testing.assert_allclose(join(gradients), expected, rtol=ROUNDING[dtype])
    gradients = split(BAD, dtype)
    assert clip_by_value(gradients, 5, ZERO) == (13.0, True, 3, False, False)
    np.testing.assert_array_equal(join(gradients), [3, 0, 0, 0, 0, 0, 0, 4, 0, 5])


@every_function
@every_dtype
@pytest.mark.parametrize("values", [BAD, [2e10] + [0] * 9], ids=["non-finite", "norm above 1e10"])
def test_shrink_leaves_only_a_pull_on_the_recurrent_weights(function, values, dtype):
    gradients = split(values, dtype)
    W_hh = np.array([[1, 2], [3, 4]], dtype)
    outcome = function(gradients, 1.0, SHRINK, (gradients[1], W_hh))
    n_bad = int((~np.isfinite(values)).sum())
    assert outcome == (pytest.approx(13.0 if n_bad else 2e10), False, n_bad, False, True)
    np.testing.assert_allclose(gradients[1], 0.02 * W_hh, rtol=ROUNDING[dtype])
    np.testing.assert_array_equal(gradients[0], 0)
    np.testing.assert_array_equal(gradients[2], 0)
    np.testing.assert_array_equal(W_hh, [[1, 2], [3, 4]])


@every_function
def test_shrink_clips_a_finite_norm_below_its_threshold(function):
    gradients = split([0.9e10] + [0] * 9)
    assert function(gradients, 1.0, SHRINK, (gradients[1], np.ones((2, 2)))) == (
        0.9e10,
        True,
        0,
        False,
        False,
    )
    np.testing.assert_allclose(join(gradients), [1] + [0] * 9, rtol=1e-12)


TINY = 1e-12  # rounding of ten products
values = st.lists(st.floats(-1e100, 1e100, allow_subnormal=False), min_size=10, max_size=10)


@given(values, st.floats(1e-6, 1e6))
def test_the_norm_ends_within_the_limit_and_the_direction_is_kept(entries, max_norm):
    gradients = split(entries)
    norm = math.hypot(*entries)
    outcome = clip_by_norm(gradients, max_norm)
    np.testing.assert_allclose(outcome.norm, norm, rtol=TINY)
    assert math.hypot(*join(gradients)) <= max_norm * (1 + TINY)
    scale = max_norm / norm if outcome.clipped else 1.0
    np.testing.assert_allclose(join(gradients), np.array(entries) * scale, rtol=TINY, atol=1e-300)


@given(values, st.floats(1e-6, 1e6))
def test_every_value_ends_within_the_limit_and_keeps_its_sign(entries, max_value):
    gradients = split(entries)
    outcome = clip_by_value(gradients, max_value)
    np.testing.assert_array_equal(join(gradients), np.clip(entries, -max_value, max_value))
    assert outcome.clipped == (np.abs(entries).max() > max_value)


@numba.njit
def clip_compiled(gradients, limit, policy, recurrent):
    return clip_by_norm(gradients, limit, policy, recurrent), clip_by_value(gradients, limit / 2, policy, recurrent)


def test_callable_from_compiled_code():
    gradients = split([3, 0, 0, 0, 0, 0, 0, 4, 0, 0])
    by_norm, by_value = clip_compiled(gradients, 1.0, RAISE, (gradients[1], gradients[1]))
    assert by_norm == (5.0, True, 0, False, False)
    assert by_value == (pytest.approx(1.0), True, 0, False, False)
    np.testing.assert_allclose(join(gradients), [0.5, 0, 0, 0, 0, 0, 0, 0.5, 0, 0])
    with pytest.raises(ValueError, match="gradients"):
        clip_compiled(split(BAD), 1.0, RAISE, (gradients[1], gradients[1]))


@every_function
@pytest.mark.parametrize(
    "bad",
    [
        [np.ones(2)],
        (),
        np.ones(2),
        (np.ones(2), 1.0),
        (np.ones(2, int),),
        (np.ones(2), np.ones(2, np.float32)),
        (np.ones((2, 3)).T,),
        (np.ones(0),),
    ],
)
def test_bad_gradients_are_named(function, bad):
    with pytest.raises(ValueError, match=r"^gradients"):
        function(bad, 1.0)


@pytest.mark.parametrize("limit", [0, -1.0, np.inf, np.nan])
def test_a_bad_limit_is_named(limit):
    with pytest.raises(ValueError, match=r"^max_norm must"):
        clip_by_norm(split(np.ones(10)), limit)
    with pytest.raises(ValueError, match=r"^max_value must"):
        clip_by_value(split(np.ones(10)), limit)


@every_function
def test_a_bad_policy_is_named(function):
    with pytest.raises(ValueError, match=r"^nonfinite must"):
        function(split(np.ones(10)), 1.0, 4)
    with pytest.raises(ValueError, match=r"^recurrent must"):
        function(split(np.ones(10)), 1.0, SHRINK)


@every_function
def test_read_only_gradients_are_named(function):
    gradients = split(np.ones(10))
    gradients[1].flags.writeable = False
    with pytest.raises(ValueError, match=r"^gradients\[1\] must be writeable"):
        function(gradients, 1.0)
