"""An argument of a run that does not fit is refused by name."""

import numpy as np
import pytest
from nets import B, H, I, O, T, draw_like, draw_state, make

from rnnkit import RNN
from rnnkit.networks.by_state import State


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1]], r"^x must be a numpy array \(T, B, 2\) float64, or \(T, B\) integers as symbols, got list"),
        (np.zeros((T, B)), r"^x must be \(T, B, 2\) float64, .* got \(5, 3\) float64"),
        (np.zeros((T, B, 3)), r"^x must be \(T, B, 2\) float64, .* got \(5, 3, 3\) float64"),
        (np.zeros((T, B, I), np.float32), r"^x must be .* got \(5, 3, 2\) float32"),
        (np.zeros((T, B, I), np.int64), r"^x must be .* got \(5, 3, 2\) int64"),
        (np.zeros((T, B), bool), r"^x must be .* got \(5, 3\) bool"),
        (np.zeros((0, B, I)), r"^x must have at least one step, got T = 0: shape \(0, 3, 2\)$"),
        (np.zeros((T, 0), np.int64), r"^x must have at least one row, got B = 0: shape \(5, 0\)$"),
        (np.full((T, B), 2), r"^x must hold symbols in 0\.\.1, got 2\.\.2"),
        (np.full((T, B), -1), r"^x must hold symbols in 0\.\.1, got -1\.\.-1"),
    ],
)
def test_a_bad_x_is_named(x, message):
    with pytest.raises(ValueError, match=message):
        make()[0].forward(x)


def test_any_layout_and_any_integers_are_taken():
    net, rng = make()[0], np.random.default_rng(0)
    x, target = rng.standard_normal((B, T, I)), rng.standard_normal((B, T, O))
    expected = net.loss_and_gradients(x.swapaxes(0, 1).copy(), target.swapaxes(0, 1).copy())
    got = net.loss_and_gradients(x.swapaxes(0, 1), target.swapaxes(0, 1))
    np.testing.assert_array_equal(got.gradients.flat, expected.gradients.flat)
    symbols = rng.integers(0, I, (T, B))
    for kind in (np.int32, np.uint8):
        np.testing.assert_array_equal(net.forward(symbols.astype(kind)).y, net.forward(symbols).y)


ZEROS = np.zeros((1, B, H))
BAD_STATES = [
    ("tanh", State(h=None), r"\.h must be \(1, 3, 3\) float64, got NoneType"),
    ("tanh", State(h=ZEROS, c=ZEROS), r" must be a State of h, as `initial_state` returns it, got State of h, c"),
    ("lstm", State(h=ZEROS, c=None), r"\.c must be \(1, 3, 3\) float64, got NoneType"),
    ("lstm", State(h=ZEROS, c=ZEROS[:, 1:]), r"\.c must be \(1, 3, 3\) float64, got \(1, 2, 3\) float64"),
    ("gru", State(h=ZEROS.astype(np.float32)), r"\.h must be \(1, 3, 3\) float64, got \(1, 3, 3\) float32"),
    ("gru", State(h=ZEROS.tolist()), r"\.h must be \(1, 3, 3\) float64, got list"),
    ("tanh", ZEROS, r" must be a State of h, as `initial_state` returns it, got \(1, 3, 3\) float64"),
    ("tanh", (ZEROS,), r" must be a State of h, as `initial_state` returns it, got "),
]


@pytest.mark.parametrize(("cell", "state", "message"), BAD_STATES)
def test_a_bad_state_is_named(cell, state, message):
    net, x, _ = make(cell)
    with pytest.raises(ValueError, match=f"^state{message}"):
        net.forward(x, state)
    trace = net.forward(x)
    with pytest.raises(ValueError, match=f"^dstate{message}"):
        net.backward(trace, None, state)


@pytest.mark.parametrize("output", ["every", "last"])
def test_a_bad_dy_is_named(output):
    net, x, _ = make(output=output)
    trace = net.forward(x)
    dy = draw_like(trace.y)
    for bad, got in (
        (dy[1:], r"\("),
        (dy.astype(np.float32), ".* float32"),
        (dy[..., :1], r"\("),
        (dy.tolist(), "list"),
    ):
        with pytest.raises(ValueError, match=rf"^dy must be shaped as trace\.y, \(.*\) float64, got {got}"):
            net.backward(trace, bad)


def test_a_dy_in_any_order_is_taken():
    net, x, _ = make(layers=2)
    trace = net.forward(x)
    dy = draw_like(trace.y)
    turned = np.asfortranarray(dy)
    np.testing.assert_array_equal(net.backward(trace, turned).flat, net.backward(trace, dy).flat)
    state = draw_state(net, B, np.random.default_rng(0))
    as_f = State(h=np.asfortranarray(state.h))
    np.testing.assert_array_equal(net.forward(x, as_f).y, net.forward(x, state).y)


@pytest.mark.parametrize("lengths", [None, [2, 5, 3]], ids=["full", "shorter"])
def test_a_bad_loss_target_or_mask_is_named(lengths):
    net, x, _ = make()
    target = np.zeros((T, B, O))
    for options, message in (
        ({"loss": "mae"}, "^loss must be one of mse, softmax, sigmoid, got 'mae'"),
        ({"target": target[1:]}, r"^target must have shape \(5, 3, 2\), got \(4, 3, 2\)"),
        ({"loss": "softmax"}, "^target must be integers, got float64"),
        ({"loss": "softmax", "target": np.full((T, B), 2)}, r"^target must hold numbers in 0\.\.1"),
        ({"mask": np.ones(B, bool)}, r"^mask must be \(5, 3\) bool, got \(3,\) bool"),
        ({"mask": np.ones((T, B))}, r"^mask must be \(5, 3\) bool, got \(5, 3\) float64"),
        ({"mask": [[True] * B] * T}, r"^mask must be \(5, 3\) bool, got list"),
        ({"mask": np.zeros((T, B), bool)}, "^mask must hold at least one True"),
    ):
        with pytest.raises(ValueError, match=message):
            net.loss_and_gradients(**{"x": x, "target": target, "lengths": lengths} | options)


@pytest.mark.parametrize("other", [{"cell": "gru"}, {"layers": 2}, {"hidden_size": 4}, {"input_size": 3}])
def test_a_run_of_another_net_is_refused(other):
    """Its arrays would be read as if they were of this net's sizes."""
    sizes = {"input_size": 2, "hidden_size": 3, "output_size": 2, "cell": "lstm", "dtype": "float64"}
    net, another = RNN(**sizes), RNN(**sizes | other)
    trace = another.forward(np.ones((T, B, another.input_size)))
    with pytest.raises(ValueError, match=r"^trace must come from a network like RNN\(lstm"):
        net.backward(trace, np.ones_like(trace.y))


def test_lengths_are_the_runs_own():
    net, lengths = make()[0], np.array([5, 2, 3])
    trace = net.forward(np.ones((T, B, I)), lengths=lengths)
    expected = net.backward(trace, trace.y).flat
    lengths[:] = 1
    np.testing.assert_array_equal(net.backward(trace, trace.y).flat, expected)
