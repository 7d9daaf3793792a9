from functools import partial

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import every_pair

from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels.losses import mse, sigmoid_cross_entropy, softmax_cross_entropy

LOSSES = {"mse": mse, "softmax": softmax_cross_entropy, "sigmoid": sigmoid_cross_entropy}
ROUNDING = {np.float32: 1e-6, np.float64: 1e-13}  # of an exponential, a division, a sum in float64 rounded once
DIFFERENCES = 1e-9  # 4th-order differences: 1e-13 of the formula, 1e-16 / step of rounding, over gradients near 0.01
SHAPES = [(3, 4), (5, 3, 4), (2, 3, 2, 7), (4, 1)]
every_loss = pytest.mark.parametrize("name", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", ROUNDING)


def make(name, shape=(5, 3, 4), dtype=np.float64, seed=0):
    """Return (y, target or classes, mask)."""
    rng = np.random.default_rng(seed)
    y = (3 * rng.standard_normal(shape)).astype(dtype)
    mask = rng.random(shape[:-1]) < 0.6
    mask.flat[0] = True
    if name == "softmax":
        return y, rng.integers(0, shape[-1], shape[:-1]), mask
    return y, rng.random(shape).astype(dtype), mask


def terms(name, y, beside):
    """Return the loss (N,) or (N, O) of every element, and its gradient (N, O), as the textbook writes them."""
    if name == "mse":
        return (y - beside) ** 2, 2 * (y - beside)
    if name == "softmax":
        p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
        one_hot = np.eye(y.shape[1])[beside]
        return -np.log((p * one_hot).sum(axis=1)), p - one_hot
    s = 1 / (1 + np.exp(-y))
    return -beside * np.log(s) - (1 - beside) * np.log(1 - s), s - beside


def formula(name, y, beside, mask):
    """Return (value, gradient) in float64."""
    rows = y[mask].astype(np.float64)
    losses, slopes = terms(name, rows, beside[mask])
    gradient = np.zeros(y.shape)
    gradient[mask] = slopes / losses.size
    return losses.mean(), gradient


@every_pair({"name": LOSSES, "dtype": ROUNDING, "shape": SHAPES, "masked": [False, True]})
def test_kernel_against_the_formula(name, dtype, shape, masked):
    y, beside, mask = make(name, shape, dtype)
    value, gradient = LOSSES[name](y, beside, mask if masked else None)
    expected_value, expected_gradient = formula(name, y, beside, mask if masked else np.ones_like(mask))
    assert isinstance(value, float)
    assert (gradient.dtype, gradient.shape) == (dtype, shape)
    np.testing.assert_allclose(value, expected_value, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=ROUNDING[dtype])


@every_loss
def test_gradient_against_differences(name):
    y, beside, mask = make(name)
    numeric = numerical_gradient(lambda: LOSSES[name](y, beside, mask).value, y)
    assert relative_error(LOSSES[name](y, beside, mask).gradient, numeric) < DIFFERENCES


@every_loss
def test_float32_against_float64(name):
    y, beside, mask = make(name, dtype=np.float32)
    wide = beside if name == "softmax" else beside.astype(np.float64)
    single, double = LOSSES[name](y, beside, mask), LOSSES[name](y.astype(np.float64), wide, mask)
    np.testing.assert_allclose(single.value, double.value, rtol=ROUNDING[np.float32])
    np.testing.assert_allclose(single.gradient, double.gradient, rtol=ROUNDING[np.float32])


@every_loss
@every_dtype
def test_against_torch(name, dtype):
    torch = pytest.importorskip("torch", reason="torch is a peer of the benchmark, not needed otherwise")
    peers = {"mse": "mse_loss", "softmax": "cross_entropy", "sigmoid": "binary_cross_entropy_with_logits"}
    y, beside, mask = make(name, dtype=dtype)
    leaf = torch.tensor(y, requires_grad=True)
    loss = getattr(torch.nn.functional, peers[name])(leaf[mask], torch.from_numpy(beside)[mask])
    loss.backward()
    value, gradient = LOSSES[name](y, beside, mask)
    np.testing.assert_allclose(value, loss.item(), rtol=ROUNDING[dtype])
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=0, atol=ROUNDING[dtype])


@every_loss
@every_dtype
def test_masked_positions_are_as_if_absent(name, dtype):
    y, beside, mask = make(name, dtype=dtype)
    alone = LOSSES[name](y[mask], beside[mask])
    y[~mask] = np.nan
    beside[~mask] = -7 if name == "softmax" else np.nan
    value, gradient = LOSSES[name](y, beside, mask)
    assert value == alone.value
    np.testing.assert_array_equal(gradient[mask], alone.gradient)
    np.testing.assert_array_equal(gradient[~mask], 0)


@every_loss
def test_no_unmasked_position_is_an_error(name):
    y, beside, mask = make(name)
    with pytest.raises(ValueError, match=r"^mask must hold at least one True"):
        LOSSES[name](y, beside, np.zeros_like(mask))


@every_loss
@every_dtype
def test_a_nan_is_never_swallowed(name, dtype):
    for o in range(4):
        y, beside, _ = make(name, dtype=dtype)
        y[1, 2, o] = np.nan
        value, gradient = LOSSES[name](y, beside)
        assert np.isnan(value)
        assert np.isnan(gradient[1, 2, o])


@every_dtype
def test_softmax_of_logits_that_exp_cannot_take(dtype):
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [5, -np.inf, 5]], dtype)
    value, gradient = softmax_cross_entropy(logits, np.array([0, 0, 2]))
    np.testing.assert_allclose(value, (0 + 2e4 + np.log(2)) / 3, rtol=ROUNDING[dtype])
    expected = np.array([[0, 0, 0], [-1, 1, 0], [0.5, 0, -0.5]]) / 3
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=ROUNDING[dtype])
    assert gradient[2, 1] == 0


@every_dtype
def test_softmax_where_the_class_is_excluded_and_where_nothing_is_left(dtype):
    value, gradient = softmax_cross_entropy(np.array([[-np.inf, 1]], dtype), np.array([0]))
    assert value == np.inf
    np.testing.assert_array_equal(gradient, [[-1, 1]])
    for row in ([-np.inf, -np.inf], [np.inf, 0], [0, np.inf]):
        assert np.isnan(softmax_cross_entropy(np.array([row], dtype), np.array([0])).value)


def test_softmax_of_a_sure_answer_in_float32_keeps_its_small_gradient():
    """p - 1 rounds to 0 in float32 here; the true slope is -2 e^-20."""
    _, gradient = softmax_cross_entropy(np.array([[20, 0, 0]], np.float32), np.array([0]))
    np.testing.assert_allclose(gradient, np.exp(-20) * np.array([[-2, 1, 1]]), rtol=1e-6)


@every_dtype
def test_sigmoid_of_logits_that_exp_cannot_take(dtype):
    logits, target = np.array([[1e4, -1e4, 1e4, -1e4, 50]], dtype), np.array([[1, 0, 0, 1, 1]], dtype)
    value, gradient = sigmoid_cross_entropy(logits, target)
    np.testing.assert_allclose(value, 2e4 / 5, rtol=ROUNDING[dtype])
    np.testing.assert_allclose(gradient, np.array([[0, 0, 1, -1, 0]]) / 5, rtol=0, atol=ROUNDING[dtype])
    alone = sigmoid_cross_entropy(logits[:, 4:].copy(), target[:, 4:].copy()).value
    np.testing.assert_allclose(alone, np.exp(-50), rtol=1e-12)  # a sum of 1 and e^-50 would give 0


def test_two_classes_agree_with_one_sigmoid():
    y, target, _ = make("sigmoid", (20, 1))
    classes = (target[:, 0] < 0.5).astype(np.int64)
    two = softmax_cross_entropy(np.concatenate([y, np.zeros_like(y)], axis=1), classes)
    one = sigmoid_cross_entropy(y, 1.0 - classes[:, None])
    np.testing.assert_allclose(two.value, one.value, rtol=ROUNDING[np.float64])
    np.testing.assert_allclose(two.gradient[:, :1], one.gradient, rtol=0, atol=ROUNDING[np.float64])


def test_the_sum_is_in_float64():
    """One float32 sum of a million equal squares is off by about 1%."""
    y = np.full((1_000_000, 1), 0.1, np.float32)
    value = mse(y, np.zeros_like(y)).value
    np.testing.assert_allclose(value, float(np.float32(0.1)) ** 2, rtol=1e-10)  # a million roundings of 1e-16


logits = st.lists(st.floats(-1e4, 1e4, width=32), min_size=6, max_size=6)


@given(logits, st.floats(-1e4, 1e4), st.integers(0, 2))
def test_softmax_gradient_sums_to_zero_and_a_shift_changes_nothing(entries, shift, label):
    y, classes = np.array(entries).reshape(2, 3), np.array([label, 0])
    value, gradient = softmax_cross_entropy(y, classes)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)
    moved = softmax_cross_entropy(y + shift, classes)
    np.testing.assert_allclose(moved.value, value, rtol=0, atol=1e-11)  # a logit of 2e4 is rounded to 4e-12
    np.testing.assert_allclose(moved.gradient, gradient, rtol=0, atol=1e-11)


@given(st.permutations(range(6)), st.sampled_from(list(LOSSES)))
def test_permuted_positions_permute(order, name):
    y, beside, mask = make(name, (6, 4))
    value, gradient = LOSSES[name](y, beside, mask)
    moved = LOSSES[name](y[order], beside[order], mask[order])
    np.testing.assert_allclose(moved.value, value, rtol=ROUNDING[np.float64])
    np.testing.assert_array_equal(moved.gradient, gradient[order])


@numba.njit
def compiled_mse(y, target, mask):
    return mse(y, target, mask)


@numba.njit
def compiled_softmax(logits, classes, mask):
    return softmax_cross_entropy(logits, classes, mask)


@numba.njit
def compiled_sigmoid(logits, target, mask):
    return sigmoid_cross_entropy(logits, target, mask)


COMPILED = {"mse": compiled_mse, "softmax": compiled_softmax, "sigmoid": compiled_sigmoid}


@every_loss
@pytest.mark.parametrize("masked", [False, True])
def test_callable_from_compiled_code(name, masked):
    for shape in ((3, 4), (5, 3, 4)):
        y, beside, mask = make(name, shape)
        value, gradient = COMPILED[name](y, beside, mask if masked else None)
        expected = LOSSES[name](y, beside, mask if masked else None)
        assert value == expected.value
        np.testing.assert_array_equal(gradient, expected.gradient)


@every_loss
def test_no_unmasked_position_gives_nan_in_compiled_code(name):
    y, beside, mask = make(name)
    value, gradient = COMPILED[name](y, beside, np.zeros_like(mask))
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, 0)


@numba.njit
def compiled_constant(y, target):
    return mse(y, target, None).value


def test_a_literal_none_from_compiled_code():
    y, target, _ = make("mse")
    assert compiled_constant(y, target) == mse(y, target).value


@every_loss
def test_inputs_are_only_read(name):
    arrays = make(name)
    for a in arrays:
        a.flags.writeable = False
    assert np.isfinite(LOSSES[name](*arrays).value)


BAD_FIRST = [[[1.0]], np.ones((2, 4), int), np.ones(4), np.ones((0, 4)), np.ones((3, 0)), np.ones((4, 3)).T]


@every_loss
@pytest.mark.parametrize("bad", BAD_FIRST, ids=["list", "int", "one axis", "no row", "no entry", "layout"])
def test_a_bad_first_argument_is_named(name, bad):
    _, beside, _ = make(name, (3, 4))
    with pytest.raises(ValueError, match=r"^y must" if name == "mse" else r"^logits must"):
        LOSSES[name](bad, beside)


def bad_besides(name):
    if name == "softmax":
        yield from (np.zeros(3, bool), np.zeros(3), np.zeros((3, 4), np.int64), np.zeros(6, np.int64)[::2], [0])
        yield from (np.array([0, 1, 4]), np.array([0, -1, 0]))
        return
    yield from (np.zeros((3, 4), np.float32), np.zeros((3, 1)), np.zeros((4, 3)).T, 0.0)
    if name == "sigmoid":
        yield from (np.full((3, 4), v) for v in (-0.1, 1.1, np.nan))


@every_loss
def test_a_bad_second_argument_is_named(name):
    y, _, _ = make(name, (3, 4))
    for bad in bad_besides(name):
        with pytest.raises(ValueError, match=r"^classes must" if name == "softmax" else r"^target must"):
            LOSSES[name](y, bad)


def test_the_place_of_a_bad_class_is_told():
    y, _, _ = make("softmax")
    call = partial(softmax_cross_entropy, y, np.full((5, 3), 4))
    with pytest.raises(ValueError, match=r"^classes must hold numbers in 0\.\.3 where mask is True, got 4 at \(0, 1\)"):
        call(np.arange(15).reshape(5, 3) > 0)


@every_loss
@pytest.mark.parametrize("bad", [np.ones((5, 3)), np.ones((5, 3, 4), bool), np.ones((3, 5), bool).T, True])
def test_a_bad_mask_is_named(name, bad):
    y, beside, _ = make(name)
    with pytest.raises(ValueError, match=r"^mask must"):
        LOSSES[name](y, beside, bad)
