import numba
import numpy as np
import pytest
from pairs import every_pair

from rnnkit import kernels, reference
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels import (
    ACTIVATIONS,
    RELU,
    TANH,
    rnn_cell_backward,
    rnn_cell_backward_into,
    rnn_cell_forward,
    rnn_cell_forward_into,
)

EXACT = 1e-12  # another order of at most 33 float64 additions
SINGLE = 1e-5  # the same in float32, and against float64
DIFFERENCES = 1e-8  # 4th-order differences of a smooth step
KINK = 4e-3  # four steps of the differences
ROUNDING = {np.float32: SINGLE, np.float64: EXACT}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


@pytest.fixture
def make_step(make_net):
    """Build (dh_t, x_t, h_prev, W_xh, W_hh, b_h)."""

    def make(B=3, H=7, dtype=np.float64, seed=0):
        net, dh = make_net(T=1, B=B, H=H, dtype=dtype, seed=seed)
        return dh[0], net.x[0], *net[1:]

    return make


def run(module, dh_t, x_t, h_prev, W_xh, W_hh, b_h, activation):
    h_t = module.rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation)
    return h_t, *module.rnn_cell_backward(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation)


def assert_close(got, expected, tolerance):
    for g, e in zip(got, expected, strict=True):
        assert g.shape == e.shape
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))


@every_pair({"B": [1, 3], "H": [1, 7, 33], "dtype": ROUNDING, "activation": ACTIVATIONS.values()})
def test_kernel_against_reference(make_step, activation, dtype, H, B):
    step = make_step(B, H, dtype)
    got = run(kernels, *step, activation)
    assert {g.dtype for g in got} == {np.dtype(dtype)}
    assert_close(got, run(reference, *step, activation), ROUNDING[dtype])


@every_activation
def test_gradients_against_differences(make_step, activation):
    dh_t, x_t, h_prev, W_xh, W_hh, b_h = make_step(seed=2)
    if activation == RELU:  # the input keeps every pre-activation four steps away from the kink
        assert np.abs(x_t @ W_xh + h_prev @ W_hh + b_h).min() > KINK * np.abs(h_prev).max()
    gradients = run(kernels, dh_t, x_t, h_prev, W_xh, W_hh, b_h, activation)[1:]

    def loss():
        return (dh_t * rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation)).sum()

    for gradient, array in zip(gradients, (x_t, h_prev, W_xh, W_hh, b_h), strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < DIFFERENCES


@every_activation
def test_float32_against_float64(make_step, activation):
    step = make_step(H=33)
    single = run(kernels, *(a.astype(np.float32) for a in step), activation)
    assert_close(single, run(kernels, *step, activation), SINGLE)


def test_into_forms_write_what_the_allocating_forms_return(make_step):
    dh_t, x_t, h_prev, W_xh, W_hh, b_h = make_step()
    expected = run(kernels, dh_t, x_t, h_prev, W_xh, W_hh, b_h, TANH)
    outputs = [np.full_like(a, np.nan) for a in expected]
    rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, TANH, outputs[0])
    rnn_cell_backward_into(dh_t, x_t, h_prev, outputs[0], W_xh, W_hh, TANH, *outputs[1:])
    for output, e in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, e)


@numba.njit
def run_compiled(dh_t, x_t, h_prev, W_xh, W_hh, b_h, activation):
    h_t = np.empty_like(h_prev)
    rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, activation, h_t)
    again = rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation)
    gradients = rnn_cell_backward(dh_t, x_t, h_prev, again, W_xh, W_hh, activation)
    return h_t, gradients.dx_t, gradients.dh_prev, gradients.dW_xh, gradients.dW_hh, gradients.db_h


def test_callable_from_compiled_code(make_step):
    step = make_step()
    for g, e in zip(run_compiled(*step, TANH), run(kernels, *step, TANH), strict=True):
        np.testing.assert_array_equal(g, e)


BROKEN = {
    "rank": lambda a: a[None],
    "empty": lambda a: a[:0],
    "dtype": lambda a: a.astype(int),
    "layout": lambda a: np.flip(a, -1),
    "list": lambda a: a.tolist(),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("function", [rnn_cell_forward, rnn_cell_backward])
def test_a_bad_array_is_named(make_step, function, how):
    dh_t, x_t, h_prev, W_xh, W_hh, b_h = make_step()
    arguments = dict(x_t=x_t, h_prev=h_prev, W_xh=W_xh, W_hh=W_hh)
    arguments |= dict(b_h=b_h) if function is rnn_cell_forward else dict(dh_t=dh_t, h_t=h_prev)
    for name, array in arguments.items():
        with pytest.raises(ValueError, match=rf"^{name} must"):
            function(**arguments | {name: BROKEN[how](array)}, activation=TANH)


def test_a_size_or_dtype_that_does_not_fit_is_named(make_step):
    _, x_t, h_prev, W_xh, W_hh, b_h = make_step()
    with pytest.raises(ValueError, match=r"^W_hh must have shape \(H, H\) with H = 7, got \(7, 6\)"):
        rnn_cell_forward(x_t, h_prev, W_xh, W_hh[:, :6].copy(), b_h, TANH)
    with pytest.raises(ValueError, match=r"^b_h must be float64 like the arguments before it, got float32"):
        rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h.astype(np.float32), TANH)
    with pytest.raises(ValueError, match=r"^h_t must have shape"):
        rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, TANH, h_prev[:1].copy())


@pytest.mark.parametrize("activation", [4, -1, True, "tanh", None, 0.5])
def test_a_bad_activation_is_named(make_step, activation):
    dh_t, x_t, h_prev, W_xh, W_hh, b_h = make_step()
    with pytest.raises(ValueError, match=r"^activation must be one of TANH=0"):
        rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation)
    with pytest.raises(ValueError, match=r"^activation must be one of TANH=0"):
        rnn_cell_backward(dh_t, x_t, h_prev, h_prev, W_xh, W_hh, activation)


def test_symbols_are_refused_by_name():
    _, h_prev, W_xh, W_hh, b_h = (np.zeros(shape) for shape in ((2, 3), (2, 4), (3, 4), (4, 4), (4,)))
    with pytest.raises(ValueError, match=r"^x_t must be float32 or float64, got int64"):
        kernels.rnn_cell_forward(np.zeros(2, np.int64), h_prev, W_xh, W_hh, b_h, TANH)
