"""Pascanu's regularizer against its equations, finite differences of its value, PyTorch, and its own docstring."""

import numba
import numpy as np
import pytest
from pairs import every_pair

from rnnkit import reference
from rnnkit.gradients import gradcheck
from rnnkit.kernels import ACTIVATIONS, IDENTITY, RELU, SIGMOID, TANH
from rnnkit.kernels.regularizer import NORMS, OMEGA_FORMS, SQUARED, Omega, omega

EXACT = 1e-11  # sums of up to 1,200 steps in another order, relative to the largest entry
SINGLE = 2e-5  # float32 products of 50 terms, of entries that cancel among 1,200 steps
DIFFERENCES = 1e-9  # of 4th order in float64: rounding and the formula's own error, each near 1e-12 of the value
FORMS = tuple(OMEGA_FORMS.values())
every_form = pytest.mark.parametrize("form", FORMS, ids=OMEGA_FORMS)
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


def draw(T=5, B=3, H=7, activation=TANH, seed=0, scale=1.0):
    """Return (dh, h, W_hh) in float64; h lies where the activation's values do."""
    rng = np.random.default_rng([seed, T, B, H])
    a = rng.standard_normal((T + 1, B, H))
    return scale * rng.standard_normal((T, B, H)), reference.activate(a, activation), rng.standard_normal((H, H))


def assert_close(got, expected, tolerance):
    assert got.n_steps == expected.n_steps
    assert got.value == pytest.approx(expected.value, rel=tolerance, abs=tolerance * (expected.n_steps > 0))
    size = max(np.abs(expected.dW_hh).max(), tolerance)
    np.testing.assert_allclose(got.dW_hh, expected.dW_hh, rtol=0, atol=tolerance * size)


@every_pair(
    {
        "T, B": [(1, 1), (1, 20), (5, 3), (60, 1), (60, 20)],
        "H": [1, 7, 50],
        "activation": ACTIVATIONS.values(),
        "form": FORMS,
    }
)
def test_the_kernel_is_the_reference(T, B, H, activation, form):
    arrays = draw(T, B, H, activation)
    expected = reference.omega(*arrays, activation, form)
    assert_close(omega(*arrays, activation, form), expected, EXACT)
    single = omega(*(a.astype(np.float32) for a in arrays), activation, form)
    assert single.dW_hh.dtype == np.float32
    assert_close(single, expected, SINGLE)


@every_form
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_are_left_out_by_their_square_and_by_nothing_else(dtype, form):
    """Under 1e-20 of ||d||^2, not of the batch, nor of ||u||^2; at 1.2e-20 a step counts in full."""
    dh, h, W_hh = draw(B=2, H=3)
    dh[1] *= np.array([[0.9e-10], [1.1e-10]]) / np.linalg.norm(dh[1], axis=1, keepdims=True)
    dh[3, 0] = 0
    arrays = [a.astype(dtype) for a in (dh, h, W_hh)]
    found = omega(*arrays, TANH, form)
    assert found.n_steps == 8
    assert_close(found, reference.omega(dh, h, W_hh, TANH, form), SINGLE)
    kept = [omega(dh[t : t + 1, b : b + 1], h[t : t + 2, b : b + 1].copy(), W_hh, TANH, form).value
            for t in range(5) for b in range(2) if (t, b) not in [(1, 0), (3, 0)]]  # fmt: skip
    assert found.value == pytest.approx(np.sum(kept) / (8 if form == SQUARED else 2), rel=SINGLE)


@every_form
@pytest.mark.parametrize("size", [0.0, 1e-12])
def test_where_all_steps_are_left_out_nothing_is_left(size, form):
    dh, h, W_hh = draw()
    found = omega(size * dh, h, W_hh, TANH, form)
    assert (found.value, found.n_steps) == (0.0, 0)
    np.testing.assert_array_equal(found.dW_hh, 0)


@every_form
def test_a_gradient_that_dies_in_one_step_counts_as_one_and_has_no_derivative(form):
    """Relu units that are all off: the ratio is 0, where the norm has a kink."""
    dh, h, W_hh = draw(T=4, B=2)
    found = omega(dh, np.zeros_like(h), W_hh, RELU, form)
    assert (found.value, found.n_steps) == (1.0 if form == SQUARED else 4.0, 8)
    np.testing.assert_array_equal(found.dW_hh, 0)


@every_form
@pytest.mark.parametrize("size", [1e-9, 1e15])
def test_the_size_of_the_gradients_does_not_matter(size, form):
    dh, h, W_hh = draw(T=20, H=50)
    expected = reference.omega(dh, h, W_hh, TANH, form)
    arrays = (a.astype(np.float32) for a in (size * dh, h, W_hh))
    assert_close(omega(*arrays, TANH, form), expected, SINGLE)


@every_form
@every_activation
def test_the_gradient_is_the_difference_quotient_of_the_value(activation, form):
    dh, h, W_hh = draw(H=4, activation=activation)
    numeric = gradcheck.numerical_gradient(lambda: omega(dh, h, W_hh, activation, form).value, W_hh)
    assert gradcheck.relative_error(omega(dh, h, W_hh, activation, form).dW_hh, numeric) < DIFFERENCES


@every_form
@every_activation
def test_torch_agrees(activation, form):
    torch = pytest.importorskip("torch")
    dh, h, W_hh = draw(activation=activation)
    dh[2, 1] = 1e-11
    W = torch.tensor(W_hh, requires_grad=True)
    d, states = torch.tensor(dh), torch.tensor(h[1:])
    slope = {TANH: 1 - states**2, SIGMOID: states * (1 - states), RELU: (states > 0) * 1.0, IDENTITY: states * 0 + 1}
    u_norm, d_norm = ((d * slope[activation]) @ W.T).norm(dim=2), d.norm(dim=2)
    kept = d_norm**2 >= 1e-20
    ratio = (u_norm / d_norm)[kept]
    value = ((ratio**2 - 1) ** 2).mean() if form == SQUARED else ((ratio - 1) ** 2).sum() / 3
    value.backward()
    assert_close(omega(dh, h, W_hh, activation, form), Omega(value.item(), W.grad.numpy(), 14), EXACT)


@every_form
def test_a_nan_reaches_the_value(form):
    dh, h, W_hh = draw()
    dh[2, 1, 3] = np.nan
    found = omega(dh, h, W_hh, TANH, form)
    assert np.isnan(found.value)
    assert np.isnan(found.dW_hh).any()


def test_the_two_forms_differ_as_their_docstring_says():
    """Near a ratio of 1 the first is four times as steep; the weight of the second alone grows with T."""
    dh, h, _ = draw(T=2, B=1, H=1)
    near = [omega(dh, h, np.full((1, 1), 1 + 1e-6), IDENTITY, form).dW_hh[0, 0] for form in (SQUARED, NORMS)]
    assert near[0] / (near[1] / 2) == pytest.approx(4, rel=1e-5)
    dh, h, W_hh = draw(T=3, B=4)
    twice = (np.concatenate([dh, dh]), np.concatenate([h, h[1:]]), W_hh)
    for form, factor in ((SQUARED, 1), (NORMS, 2)):
        assert omega(*twice, TANH, form).value == pytest.approx(factor * omega(dh, h, W_hh, TANH, form).value)


def test_squared_is_what_the_published_code_computes():
    """trainingRNNs, RNN.py, lines 195 to 212, in NumPy: left-out steps count as ratio 1, shares are means over b."""
    dh, h, W_hh = draw(T=6, B=4)
    dh[[0, 3], [1, 2]] = 1e-11
    x = (((dh * (1 - h[1:] ** 2)).reshape(24, 7) @ W_hh.T).reshape(6, 4, 7) ** 2).sum(2)
    y = (dh**2).sum(2)
    kept = y >= 1e-20
    value = ((np.where(kept, x / y, 1) - 1) ** 2).mean(1).sum() / kept.mean(1).sum()
    assert omega(dh, h, W_hh, TANH).value == pytest.approx(value, rel=EXACT)


@numba.njit
def compiled(dh, h, W_hh, activation, form):
    return omega(dh, h, W_hh, activation, form)


def test_callable_from_compiled_code():
    arrays = draw()
    inside, outside = compiled(*arrays, TANH, NORMS), omega(*arrays, TANH, NORMS)
    assert (inside.value, inside.n_steps) == (outside.value, outside.n_steps)
    np.testing.assert_array_equal(inside.dW_hh, outside.dW_hh)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dh": np.ones((3, 7))}, "dh must have shape"),
        ({"dh": np.ones((4, 3, 7))}, "h must have shape"),
        ({"dh": np.ones((5, 3, 7), np.float32)}, "h must be float32"),
        ({"h": [1.0]}, "h must be a numpy array"),
        ({"W_hh": np.ones((7, 6))}, "W_hh must have shape"),
        ({"W_hh": np.ones((7, 14))[:, ::2]}, "W_hh must be C-contiguous"),
        ({"activation": 4}, "activation must be one of"),
        ({"activation": True}, "activation must be one of"),
        ({"form": 2}, "form must be one of"),
        ({"form": "norms"}, "form must be one of"),
    ],
)
def test_bad_arguments_are_named(change, told):
    good = dict(zip(("dh", "h", "W_hh"), draw(), strict=True)) | {"activation": TANH, "form": SQUARED}
    with pytest.raises(ValueError, match=f"^{told}"):
        omega(**good | change)


def test_the_arguments_are_left_as_they_are():
    arrays = draw()
    before = [a.tobytes() for a in arrays]
    omega(*arrays, TANH)
    assert [a.tobytes() for a in arrays] == before
