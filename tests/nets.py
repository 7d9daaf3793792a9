"""Small networks with data, and comparisons of all that they give: for the tests of `rnnkit.RNN`."""

from itertools import count

import numpy as np
import pytest

from rnnkit import RNN
from rnnkit.networks.by_state import State

T, B, I, H, O = 5, 3, 2, 3, 2  # noqa: E741  none fills a vector; two sizes that meet differ
CELLS = ("tanh", "relu", "sigmoid", "identity", "lstm", "gru")
EXACT = 1e-12  # another order of at most 600 float64 additions, relative to the largest sum
SINGLE = 5e-5  # the same in float32, and against float64
KINK = 0.02  # pre-activations of relu keep this far from 0: differences of step 1e-3 move them by less than .01
every_cell = pytest.mark.parametrize("cell", CELLS)
one_or_both = pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])


def make(cell="tanh", *, symbols=False, T=T, B=B, state=True, lengths=False, smooth=False, dtype="float64", **options):
    """Return (net, x, given): all weights drawn, biases too; given: the state and lengths of forward, where asked.

    smooth: of seeds take the first that keeps relu away from its kink.
    """
    net = RNN(I, H, **{"output_size": O, "cell": cell, "dtype": dtype} | options)
    for seed in count():
        rng = np.random.default_rng(seed)
        net.flat[:] = rng.normal(0, 0.6, net.flat.size)
        x = rng.integers(0, I, (T, B)) if symbols else rng.standard_normal((T, B, I)).astype(dtype)
        given = {"state": draw_state(net, B, rng)} if state else {}
        if lengths:
            given["lengths"] = np.resize([2, T, T - 1], B)
        if not smooth or cell != "relu" or kink_distance(net, net.forward(x, **given)) > KINK:
            return net, x, given


def draw_state(net, B, rng):
    zeros = net.initial_state(B)
    return State(**{name: rng.standard_normal(a.shape).astype(a.dtype) for name, a in zeros.asdict().items()})


def draw_like(a, seed=1):
    return np.random.default_rng(seed).standard_normal(a.shape).astype(a.dtype)


def kink_distance(net, trace):
    """Return the smallest |pre-activation| of an Elman net; a padded step counts too."""
    found = np.inf
    for direction in net.directions:
        layer, own = trace.layers[direction.layer], slice(direction.reverse * H, direction.reverse * H + H)
        x = layer.x if layer.x.ndim == 3 else np.eye(net.input_size)[layer.x]
        before = layer.h[2:, :, own] if direction.reverse else layer.h[: len(x), :, own]
        W_xh, W_hh, b_h = weights(net, direction)
        found = min(found, np.abs(x @ W_xh + before @ W_hh + b_h).min())
    return found


def weights(net, direction):
    return [net.parameters[f"{direction.name}.{kind}"] for kind in ("W_xh", "W_hh", "b_h")]


def pick(state, rows):
    """Take rows of a state, or of what is shaped like one."""
    return State(**{name: np.ascontiguousarray(a[:, rows]) for name, a in state.asdict().items()})


def everything(trace, gradients):
    """Return all that a forward and a backward pass give, by name."""
    found = {"y": trace.y, "h": trace.h, "dx": gradients.dx} | gradients.parameters
    for k, state in (("last", trace.state), ("first", gradients.state)):
        found |= {f"{k}.{part}": a for part, a in state.asdict().items()}
    for name, hidden in gradients.hidden.items():
        found |= {f"{name}.d{part}": a for part, a in hidden.asdict().items()}
    return found


def assert_close(got, expected, tolerance):
    assert got.keys() == expected.keys()
    for name, e in expected.items():
        np.testing.assert_equal(got[name].shape, e.shape, name)
        np.testing.assert_allclose(got[name], e, rtol=0, atol=tolerance * np.abs(e).max(initial=1), err_msg=name)


def assert_same_bytes(got, expected):
    assert got.keys() == expected.keys()
    for name, e in expected.items():
        np.testing.assert_equal((got[name].dtype, got[name].shape), (e.dtype, e.shape), name)
        np.testing.assert_array_equal(got[name], e, name)
        assert got[name].tobytes() == e.tobytes(), name
