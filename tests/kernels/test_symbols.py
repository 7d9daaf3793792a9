"""Symbols (T, B) in place of inputs (T, B, I): the numbers of one-hot rows."""

import numba
import numpy as np
import pytest
from pairs import every_pair

from rnnkit import kernels
from rnnkit.kernels import ACTIVATIONS, TANH, rnn_backward, rnn_forward
from rnnkit.kernels.gradient_checkpointing import rnn_backward_checkpointed, rnn_forward_checkpointed

I, T, H = 5, 30, 7  # noqa: E741  30 steps of 20 rows are three chunks
ROUNDING = {np.float32: 5e-5, np.float64: 1e-12}  # another order of the sums over 600 rows, relative to the largest
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


@pytest.fixture
def make_symbols(make_net):
    """Build (net, dh) with x (T, B) symbols, each of the I at least once."""

    def make(B=3, dtype=np.float64):
        net, dh = make_net(T=T, B=B, I=I, H=H, dtype=dtype)
        x = np.random.default_rng(1).integers(0, I, (T, B))
        x[:I, 0] = range(I)
        return net._replace(x=x), dh

    return make


def run(net, dh, activation):
    h = rnn_forward(*net, activation)
    return h, *rnn_backward(dh, net.x, h, net.W_xh, net.W_hh, activation)


@every_pair(
    {
        "B": [1, 3, 20],  # 20 rows are two shards
        "dtype": ROUNDING,
        "activation": ACTIVATIONS.values(),
        "last_only": [False, True],
    }
)
def test_symbols_equal_their_one_hot_rows(make_symbols, activation, dtype, B, last_only):
    net, dh = make_symbols(B, dtype)
    dh = dh[-1] if last_only else dh
    h, dx, *got = run(net, dh, activation)
    h_one_hot, _, *expected = run(net._replace(x=np.eye(I, dtype=dtype)[net.x]), dh, activation)
    assert dx.shape == (T, B, 0)
    for g, e in zip((h, *got), (h_one_hot, *expected), strict=True):
        assert (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(g, e, rtol=0, atol=ROUNDING[dtype] * max(1, np.abs(e).max()))


def test_a_symbol_that_does_not_occur_has_no_gradient(make_symbols):
    net, dh = make_symbols()
    net.x[net.x == 2] = 3
    dW_xh = run(net, dh, TANH)[3]
    np.testing.assert_array_equal((dW_xh == 0).all(axis=1), [False, False, True, False, False])


def test_into_forms_write_what_the_allocating_forms_return(make_symbols):
    net, dh = make_symbols()
    expected = run(net, dh, TANH)
    outputs = [np.full_like(a, np.nan) for a in expected]
    kernels.rnn_forward_into(*net, TANH, outputs[0])
    kernels.rnn_backward_into(dh, net.x, outputs[0], net.W_xh, net.W_hh, TANH, *outputs[1:])
    for output, e in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, e)


@numba.njit
def run_compiled(dh, x, h_0, W_xh, W_hh, b_h, activation):
    h = rnn_forward(x, h_0, W_xh, W_hh, b_h, activation)
    gradients = rnn_backward(dh, x, h, W_xh, W_hh, activation)
    return h, gradients.dx, gradients.dh_0, gradients.dW_xh, gradients.dW_hh, gradients.db_h


def test_callable_from_compiled_code(make_symbols):
    net, dh = make_symbols()
    for g, e in zip(run_compiled(dh, *net, TANH), run(net, dh, TANH), strict=True):
        np.testing.assert_array_equal(g, e)


BROKEN = {
    "negative": lambda x: np.where(x == 2, -1, x),
    "too large": lambda x: np.where(x == 2, I, x),
    "bool": lambda x: x > 0,
    "one axis": lambda x: x[0],
    "three axes": lambda x: x[:, :, None],
    "empty": lambda x: x[:0],
    "layout": lambda x: np.asfortranarray(x),
}


@pytest.mark.parametrize("how", BROKEN)
def test_bad_symbols_are_named(make_symbols, how):
    net, dh = make_symbols()
    h, checkpoints = rnn_forward(*net, TANH), rnn_forward_checkpointed(*net, TANH)
    x = BROKEN[how](net.x)
    for forward in (rnn_forward, rnn_forward_checkpointed):
        with pytest.raises(ValueError, match=r"^x must"):
            forward(x, *net[1:], TANH)
    with pytest.raises(ValueError, match=r"^x must"):
        rnn_backward(dh, x, h, net.W_xh, net.W_hh, TANH)
    with pytest.raises(ValueError, match=r"^x must"):
        rnn_backward_checkpointed(dh, x, checkpoints, *net[2:], TANH)


def test_a_gradient_of_symbols_has_no_room(make_symbols):
    net, dh = make_symbols()
    h, dx, *gradients = run(net, dh, TANH)
    room = np.empty((*dx.shape[:2], I))
    with pytest.raises(ValueError, match=r"^dx must have shape \(T, B, D\) with D = 0, got"):
        kernels.rnn_backward_into(dh, net.x, h, net.W_xh, net.W_hh, TANH, room, *gradients)
