import numba
import numpy as np
from gated import EXACT, LARGE, GatedCell, assert_close, assert_same_bytes

from rnnkit import kernels
from rnnkit.kernels import (
    lstm_backward,
    lstm_cell_backward,
    lstm_cell_forward,
    lstm_forward_into,
)

FUNCTIONS = {
    "forward": "x h_0 c_0 W_xh W_hh b_h",
    "forward_into": "x h_0 c_0 W_xh W_hh b_h h c gates",
    "backward": "dh dc_T x h c gates W_xh W_hh",
    "backward_into": "dh dc_T x h c gates W_xh W_hh dx dh_0 dc_0 dW_xh dW_hh db_h",
    "cell_forward": "x_t h_prev c_prev W_xh W_hh b_h",
    "cell_backward": "dh_t dc_t x_t h_prev c_prev c_t gates_t W_xh W_hh",
}
RESULTS = {
    "forward": ("LSTMStates", "h c gates"),
    "backward": ("LSTMGradients", "dx dh_0 dc_0 dW_xh dW_hh db_h"),
    "cell_forward": ("LSTMStep", "h_t c_t gates_t"),
    "cell_backward": ("LSTMCellGradients", "dx_t dh_prev dc_prev dW_xh dW_hh db_h"),
}


class TestLSTM(GatedCell):
    name, columns, carried, lowest = "lstm", 4, 2, (0, 0, -1, 0)
    functions, results = FUNCTIONS, RESULTS


def test_an_open_forget_gate_carries_the_cell_and_its_gradient():
    """The constant error carousel: with f = 1 and i = 0 nothing is lost over any number of steps."""
    net, (dh, dc_T) = TestLSTM().make(T=130)
    b_h = net.weights[2]
    b_h[:7], b_h[7:14] = -LARGE, LARGE
    _, c, _, _, _, dc_0, *_ = TestLSTM().run(kernels, net, (0 * dh, dc_T))
    assert_same_bytes((c, dc_0), (np.stack([net.state[1]] * 131), dc_T))


def test_the_gradient_of_the_cell_joins_that_of_the_state():
    """Backpropagation is linear: dh and dc_T together give the sum of what each gives alone."""
    net, (dh, dc_T) = TestLSTM().make()
    alone = (TestLSTM().run(kernels, net, upstream)[3:] for upstream in ((dh, 0 * dc_T), (0 * dh, dc_T)))
    assert_close([a + b for a, b in zip(*alone, strict=True)], TestLSTM().run(kernels, net, (dh, dc_T))[3:], EXACT)


@numba.njit
def run_compiled(dh, dc_T, x, h_0, c_0, W_xh, W_hh, b_h, h, c, gates, corners):
    """One net on every batch n of x (N, T, B, I), one after the other."""
    for n in range(x.shape[0]):
        lstm_forward_into(x[n], h_0, c_0, W_xh, W_hh, b_h, h[n], c[n], gates[n])
        corners[n, 0] = lstm_backward(dh, dc_T, x[n], h[n], c[n], gates[n], W_xh, W_hh).dW_hh[0, 0]
        step = lstm_cell_forward(x[n, 0], h_0, c_0, W_xh, W_hh, b_h)
        back = lstm_cell_backward(dh[0], dc_T, x[n, 0], h_0, c_0, step.c_t, step.gates_t, W_xh, W_hh)
        corners[n, 1], corners[n, 2] = step.c_t[0, 0], back.dW_hh[0, 0]


def test_callable_from_compiled_code():
    cell = TestLSTM()
    net, upstream = cell.make()
    x = np.random.default_rng(1).standard_normal((4, *net.x.shape))
    *states, corners = (np.full(shape, np.nan) for shape in [(4, 6, 3, 7), (4, 6, 3, 7), (4, 5, 4, 3, 7), (4, 3)])
    run_compiled(*upstream, x, *net.state, *net.weights, *states, corners)
    for n, net_n in enumerate(net._replace(x=x_n) for x_n in x):
        expected, step = (run(kernels, net_n, upstream) for run in (cell.run, cell.run_step))
        assert_same_bytes([s[n] for s in states], expected[:3])
        np.testing.assert_array_equal(corners[n], [expected[7][0, 0], step[1][0, 0], step[7][0, 0]])
