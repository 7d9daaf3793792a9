"""Rows long enough to be computed where products write them: a net of 64 units is one of 65, the last of which is 0.

Rows of 65 units do not end in whole vectors, and so go the other way.
"""

import numpy as np
from nets import EXACT, I, O, assert_close, draw_like, draw_state, everything
from pairs import every_pair

from rnnkit import RNN
from rnnkit.kernels.engine.steps import LEAST_ROW
from rnnkit.networks.by_state import State

H, T, B = 64, 7, 3
ROUNDING = {"float32": 5e-6, "float64": EXACT}  # more units than in other nets, as many steps, relative to the largest


def widened(a):
    """Return an array with a 65th unit of zeros behind each 64 of its axes."""
    whole = [n % H == 0 for n in a.shape]
    split = a.reshape([k for n, w in zip(a.shape, whole, strict=True) for k in ((n // H, H) if w else (n,))])
    room = [(0, k) for w in whole for k in ((0, 1) if w else (0,))]
    return np.pad(split, room).reshape([n // H * (H + 1) if w else n for n, w in zip(a.shape, whole, strict=True)])


def run(net, x, given, dstate):
    trace = net.forward(x, **given)
    return everything(trace, net.backward(trace, draw_like(trace.y), dstate, hidden=True))


@every_pair(
    {
        "cell": ["tanh", "lstm", "gru"],
        "bidirectional": [False, True],
        "dtype": ROUNDING,
        "ragged": [False, True],
        "symbols": [False, True],
        "batch": [3, 20],  # one shard and two
    }
)
def test_64_units_are_65_of_which_one_is_zero(cell, bidirectional, dtype, ragged, symbols, batch):
    assert H >= LEAST_ROW
    options = {"output_size": O, "cell": cell, "layers": 2, "bidirectional": bidirectional, "dtype": dtype}
    net, wide, rng = RNN(I, H, **options), RNN(I, H + 1, **options), np.random.default_rng(0)
    net.flat[:] = rng.normal(0, 0.15, net.flat.size)
    for name, a in net.parameters.items():
        wide.parameters[name][...] = widened(a)
    x = rng.integers(0, I, (T, batch)) if symbols else rng.standard_normal((T, batch, I)).astype(dtype)
    lengths = {"lengths": np.resize([2, T, T - 1], batch)} if ragged else {}
    state, dstate = (draw_state(net, batch, rng) for _ in range(2))
    found = run(net, x, {"state": state} | lengths, dstate)
    wide_state, wide_dstate = (State(**{name: widened(a) for name, a in s.asdict().items()}) for s in (state, dstate))
    expected = run(wide, x, {"state": wide_state} | lengths, wide_dstate)
    assert_close({name: widened(a) for name, a in found.items()}, kept(expected, net, found), ROUNDING[dtype])


def kept(expected, net, found):
    """Return what the wide net found, without gradients of the 65th unit's own weights."""
    inside = {name: widened(np.ones_like(a)) for name, a in found.items()}
    return {name: a * inside[name] if name in net.parameters else a for name, a in expected.items()}
