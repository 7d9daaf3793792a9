"""A network without lengths composed of the NumPy references, forward and backward: what `rnnkit.RNN` must equal."""

import numpy as np
from nets import H, weights

from rnnkit import reference
from rnnkit.kernels import ACTIVATIONS


def compose(net, x, state, dy, dstate):
    """Return `everything` of a net without lengths, by the references alone."""
    x = x if x.ndim == 3 else np.eye(net.input_size)[x]
    below, sides = x, []
    for i in range(net.layers):
        for k, direction in [(k, direction) for k, direction in enumerate(net.directions) if direction.layer == i]:
            seen = below[::-1] if direction.reverse else below
            sides.append((seen, _forward(net.cell.name, seen, [s[k] for s in state], weights(net, direction))))
        n_directions = net.features // net.hidden_size
        below = np.concatenate([_in_order(direction, sides[k][1][0][1:]) for k, direction in _ways(net, i)], axis=2)
    ends = np.concatenate([states[0][-1] for _, states in sides[-n_directions:]], axis=1)
    features = ends if net.output == "last" else below
    found = {"y": features @ net.parameters["W_hy"] + net.parameters["b_y"], "h": below}
    found |= _compose_back(net, sides, features, dy, dstate)
    found["last.h"] = np.stack([states[0][-1] for _, states in sides])
    if net.cell.name == "lstm":
        found["last.c"] = np.stack([states[1][-1] for _, states in sides])
    return found


def _compose_back(net, sides, features, dy, dstate):
    rows = features.reshape(-1, net.features), dy.reshape(-1, net.output_size)
    found, d = {"W_hy": rows[0].T @ rows[1], "b_y": rows[1].sum(axis=0)}, dy @ net.parameters["W_hy"].T
    if net.output == "last":
        at_ends, d = d, np.zeros((len(sides[0][0]), *d.shape))
    first = [[None] * len(net.directions) for _ in dstate]
    for i in reversed(range(net.layers)):
        dx = 0
        for k, direction in _ways(net, i):
            own = slice(direction.reverse * H, direction.reverse * H + H)
            dh = _in_order(direction, d[..., own]).copy()
            dh[-1] += dstate.h[k]
            if net.output == "last" and i == net.layers - 1:
                dh[-1] += at_ends[:, own]
            dc = dstate[1][k] if len(dstate) > 1 else None
            dx_k, dfirst, *dW = _backward(net.cell.name, dh, dc, *sides[k], *weights(net, direction)[:2])
            dx = dx + _in_order(direction, dx_k)
            found |= zip([f"{direction.name}.{kind}" for kind in ("W_xh", "W_hh", "b_h")], dW, strict=True)
            for part, value in enumerate(dfirst):
                first[part][k] = value
        d = dx
    found |= {f"first.{part}": np.stack(values) for part, values in zip(dstate.names, first, strict=True)}
    return found | {"dx": d}


def _ways(net, layer):
    return [(k, direction) for k, direction in enumerate(net.directions) if direction.layer == layer]


def _in_order(direction, a):
    """Return a (T, ...) in the direction's order of steps, or back in time's."""
    return a[::-1] if direction.reverse else a


def _forward(cell, x, first, of_direction):
    if cell == "lstm":
        return reference.lstm_forward(x, *first, *of_direction)
    if cell == "gru":
        return reference.gru_forward(x, *first, *of_direction)
    return (reference.rnn_forward(x, *first, *of_direction, ACTIVATIONS[cell]),)


def _backward(cell, dh, dc, x, states, W_xh, W_hh):
    """Return dx, the gradients of the first states, and of the weights."""
    if cell == "lstm":
        dx, dh_0, dc_0, *dW = reference.lstm_backward(dh, dc, x, *states, W_xh, W_hh)
        return dx, (dh_0, dc_0), *dW
    if cell == "gru":
        dx, dh_0, *dW = reference.gru_backward(dh, x, *states, W_xh, W_hh)
    else:
        dx, dh_0, *dW = reference.rnn_backward(dh, x, *states, W_xh, W_hh, ACTIVATIONS[cell])
    return dx, (dh_0,), *dW
