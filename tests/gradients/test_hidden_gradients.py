"""Gradients of every state against differences: the loss of the same net, step by step, with states nudged."""

import numpy as np
import pytest
from nets import CELLS, B, H, assert_same_bytes, draw_like, draw_state, every_cell, everything, make, weights
from pairs import every_pair
from traces import states_before

from rnnkit import RNN, reference
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels import ACTIVATIONS

DIFFERENCES = 1e-8  # 4th-order differences of 5 smooth steps through 2 layers


def step(net, x_t, state, of_direction, nudge):
    """Return the state after a step, with the nudge (dh, dc) added where it arises: to c_t before h_t is made of it."""
    if net.cell.name == "lstm":
        _, c_t, gates = reference.lstm_cell_forward(x_t, *state, *of_direction)
        c_t = c_t + nudge[1]
        return gates[3] * np.tanh(c_t) + nudge[0], c_t
    if net.cell.name == "gru":
        return (reference.gru_cell_forward(x_t, *state, *of_direction)[0] + nudge[0],)
    return (reference.rnn_cell_forward(x_t, *state, *of_direction, ACTIVATIONS[net.cell.name]) + nudge[0],)


def nudged_loss(net, x, first, lengths, nudges, dy, dstate):
    """Return the sum of y dy and of the last states' dstate; nudges: by direction, (states, T, B, H)."""
    below, total = x, 0.0
    for k, direction in enumerate(net.directions):
        sides = [] if not direction.reverse else sides  # noqa: F821  set by the direction before
        state, h = tuple(s[k] for s in first), np.zeros((len(x), B, H))
        for t in range(len(x))[:: -1 if direction.reverse else 1]:
            new = step(net, below[t], state, weights(net, direction), nudges[direction.name][:, t])
            alive = (t < lengths)[:, None]
            state = tuple(np.where(alive, n, old) for n, old in zip(new, state, strict=True))
            h[t] = state[0]
        total += sum((s * d[k]).sum() for s, d in zip(state, dstate, strict=True))
        sides.append(h)
        if len(sides) == net.features // H:
            below = np.concatenate(sides, axis=2)
    y = below @ net.parameters["W_hy"] + net.parameters["b_y"]
    return total + (y * dy * (np.arange(len(x))[:, None] < lengths)[..., None]).sum()


@every_pair({"cell": CELLS, "bidirectional": [False, True], "lengths": [False, True]})
def test_gradients_of_every_state(cell, bidirectional, lengths):
    net, x, given = make(cell, T=4, layers=2, bidirectional=bidirectional, lengths=lengths, smooth=True)
    trace, dstate = net.forward(x, **given), draw_state(net, B, np.random.default_rng(2))
    dy, rows = draw_like(trace.y), given.get("lengths", np.full(B, 4))
    hidden = net.backward(trace, dy, dstate, hidden=True).hidden
    nudges = {direction.name: np.zeros((1 + (cell == "lstm"), 4, B, H)) for direction in net.directions}
    assert hidden.keys() == nudges.keys()

    def loss():
        return nudged_loss(net, x, given["state"], rows, nudges, dy, dstate)

    for name, nudge in nudges.items():
        numeric = numerical_gradient(loss, nudge)
        got = np.stack(hidden[name])
        assert relative_error(got, numeric) < DIFFERENCES, name
        assert (got[:, np.arange(4)[:, None] >= rows] == 0).all()


@every_cell
def test_the_gradient_of_a_state_is_that_of_a_run_begun_there(cell):
    net, x, given = make(cell, T=5)
    trace = net.forward(x, **given)
    dy = draw_like(trace.y)
    hidden, layer = net.backward(trace, dy, hidden=True).hidden["l0"], trace.layers[0]
    for t in range(1, 5):
        at_t = states_before(net, trace, t)
        after = net.forward(x[t:], at_t)
        state = net.backward(after, dy[t:]).state
        direct = dy[t - 1] @ net.parameters["W_hy"].T  # what y_t of the same step adds to what comes from later ones
        np.testing.assert_allclose(hidden.h[t - 1], state.h[0] + direct, rtol=0, atol=1e-12)  # a few roundings
        if cell == "lstm":
            c, o = layer.inside[0][0][0, t], layer.inside[0][1][t - 1, 3]
            through_h = hidden.h[t - 1] * o * (1 - np.tanh(c) ** 2)
            np.testing.assert_allclose(hidden.c[t - 1], state.c[0] + through_h, rtol=0, atol=1e-12)


def test_to_ask_for_the_states_changes_nothing_else():
    net, x, given = make("lstm", layers=2, bidirectional=True, lengths=True)
    trace = net.forward(x, **given)
    asked, plain = (net.backward(trace, draw_like(trace.y), hidden=hidden) for hidden in (True, False))
    assert plain.hidden == {}
    assert_same_bytes(everything(trace, asked._replace(hidden={})), everything(trace, plain))
    assert {kind.dtype for kind in asked.hidden["l1.reverse"]} == {np.dtype(np.float64)}


def test_last_states_of_torchs_cell():
    """dL/dc_t contains the way through h_t: torch's retain_grad says so too."""
    torch = pytest.importorskip("torch", reason="torch is in the bench extra")
    net = RNN(2, H, None, cell="lstm", dtype="float64")
    x, dy = (np.random.default_rng(seed).standard_normal(shape) for seed, shape in ((0, (4, B, 2)), (1, (4, B, H))))
    hidden = net.backward(net.forward(x), dy, hidden=True).hidden["l0"]
    cell = torch.nn.LSTMCell(2, H, dtype=torch.float64)
    W_xh, W_hh, b_h = (torch.from_numpy(a) for a in weights(net, net.directions[0]))
    values = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (W_xh.T, W_hh.T, b_h, 0 * b_h), strict=True))
    cell.load_state_dict(values)
    state, kept = (torch.zeros(B, H, dtype=torch.float64),) * 2, []
    for x_t in torch.from_numpy(x):
        state = cell(x_t, state)
        for part in state:
            part.retain_grad()
        kept.append(state)
    sum((h * d).sum() for (h, _), d in zip(kept, torch.from_numpy(dy), strict=True)).backward()
    for part, got in enumerate((hidden.h, hidden.c)):
        expected = np.stack([state[part].grad.numpy() for state in kept])
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
