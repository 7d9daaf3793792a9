import numba
import numpy as np
import pytest
from gated import EXACT, LARGE, SHUT, GatedCell, assert_close, assert_same_bytes

from rnnkit import kernels
from rnnkit.kernels import (
    gru_backward,
    gru_cell_backward,
    gru_cell_forward,
    gru_forward_into,
)

FUNCTIONS = {
    "forward": "x h_0 W_xh W_hh b_h",
    "forward_into": "x h_0 W_xh W_hh b_h h gates",
    "backward": "dh x h gates W_xh W_hh",
    "backward_into": "dh x h gates W_xh W_hh dx dh_0 dW_xh dW_hh db_h",
    "cell_forward": "x_t h_prev W_xh W_hh b_h",
    "cell_backward": "dh_t x_t h_prev gates_t W_xh W_hh",
}
RESULTS = {
    "forward": ("GRUStates", "h gates"),
    "backward": ("GRUGradients", "dx dh_0 dW_xh dW_hh db_h"),
    "cell_forward": ("GRUStep", "h_t gates_t"),
    "cell_backward": ("GRUCellGradients", "dx_t dh_prev dW_xh dW_hh db_h"),
}


class TestGRU(GatedCell):
    name, columns, carried, lowest = "gru", 3, 1, (0, 0, -1)
    functions, results = FUNCTIONS, RESULTS


def test_a_closed_update_gate_carries_the_state_and_its_gradient():
    """With z = 1 nothing is lost over any number of steps: of the state but the rounding of n + z (h - n)."""
    net, (dh,) = TestGRU().make(T=130)
    net.weights[2][7:14] = LARGE
    h, _, _, dh_0, *_ = TestGRU().run(kernels, net, [dh[-1]])
    assert_close([h], [np.stack([net.state[0]] * 131)], EXACT)
    assert_same_bytes([dh_0], [dh[-1]])


def test_the_bias_of_the_reset_product_counts_apart():
    """With r = 0 the candidate sees neither W_hn nor b_hn, with r = 1 it sees the sum of both biases."""
    net, (dh,) = TestGRU().make()
    b_r, _, b_n, b_hn = net.weights[2].reshape(4, 7)
    b_r[:] = -LARGE
    *_, dW_hh, db_h = TestGRU().run(kernels, net, [dh])
    np.testing.assert_allclose(dW_hh[:, 14:], 0, rtol=0, atol=SHUT)
    np.testing.assert_allclose(db_h[21:], 0, rtol=0, atol=SHUT)
    b_r[:] = LARGE
    h, *_, db_h = TestGRU().run(kernels, net, [dh])
    np.testing.assert_array_equal(db_h[21:], db_h[14:21])
    b_n[:], b_hn[:] = b_n + b_hn, 0
    assert_close([TestGRU().run(kernels, net, [dh])[0]], [h], EXACT)


@pytest.mark.parametrize("name", ["forward", "cell_forward"])
def test_a_bias_without_the_reset_product_is_named(name):
    arguments = TestGRU().calls()[name]
    with pytest.raises(ValueError, match=r"^b_h must have shape .*got \(21,\)"):
        TestGRU().function(name)(**arguments | {"b_h": arguments["b_h"][:21].copy()})


@numba.njit
def run_compiled(dh, x, h_0, W_xh, W_hh, b_h, h, gates, corners):
    """One net on every batch n of x (N, T, B, I), one after the other."""
    for n in range(x.shape[0]):
        gru_forward_into(x[n], h_0, W_xh, W_hh, b_h, h[n], gates[n])
        corners[n, 0] = gru_backward(dh, x[n], h[n], gates[n], W_xh, W_hh).dW_hh[0, 0]
        step = gru_cell_forward(x[n, 0], h_0, W_xh, W_hh, b_h)
        back = gru_cell_backward(dh[0], x[n, 0], h_0, step.gates_t, W_xh, W_hh)
        corners[n, 1], corners[n, 2] = step.h_t[0, 0], back.dW_hh[0, 0]


def test_callable_from_compiled_code():
    cell = TestGRU()
    net, upstream = cell.make()
    x = np.random.default_rng(1).standard_normal((4, *net.x.shape))
    *states, corners = (np.full(shape, np.nan) for shape in [(4, 6, 3, 7), (4, 5, 4, 3, 7), (4, 3)])
    run_compiled(*upstream, x, *net.state, *net.weights, *states, corners)
    for n, net_n in enumerate(net._replace(x=x_n) for x_n in x):
        expected, step = (run(kernels, net_n, upstream) for run in (cell.run, cell.run_step))
        assert_same_bytes([s[n] for s in states], expected[:2])
        np.testing.assert_array_equal(corners[n], [expected[5][0, 0], step[0][0, 0], step[5][0, 0]])


@pytest.mark.parametrize("H", [5, 16])
def test_an_infinite_state_does_not_reach_other_units_by_the_padding(H):
    x, h_0, W_xh, W_hh, b_h = (np.zeros(s) for s in ((1, 1, 2), (1, H), (2, 3 * H), (H, 3 * H), (4 * H,)))
    h_0[0, 0], W_hh[0, 2 * H :] = np.inf, 1.0
    W_hh[0, : 2 * H] = 1.0  # r, z = 1
    np.testing.assert_array_equal(kernels.gru_forward(x, h_0, W_xh, W_hh, b_h).gates[0, 2], np.ones((1, H)))
