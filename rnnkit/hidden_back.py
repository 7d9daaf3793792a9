"""The way of gradients back through all layers, n losses at once, each as a direction and a logarithm.

A step takes the gradient of the states after it, (n, B, H), of an LSTM h and c side by side (n, B, 2 H), to that of the
states before it and of x: one matrix product for all n B rows. The equations stand in `rnnkit.slopes`.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.parameters import Direction
from rnnkit.passes import within
from rnnkit.scaled import Scaled, add, log_norm, scaled, zeros
from rnnkit.slopes import slopes, step_matrix

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run


class LogNorms(NamedTuple):
    """ln ||dL/dh_t|| of one direction, and of an LSTM ln ||dL/dc_t|| with the way through h_t, else None."""

    h: np.ndarray
    c: np.ndarray | None


def layers_back(net: "RNN", run: "Run", dh: Scaled, last: Scaled | None, ways: list[Direction]) -> dict[str, LogNorms]:
    """Return the log norms (T, n, B) of these directions, by name; among them all of every layer but the lowest.

    dh: (T, n, B, features) at the states of the last layer. last: (n, B, features), what reaches them after the last
    step of each direction, or None.
    """
    found, H, lowest = {}, net.hidden_size, min(way.layer for way in ways)
    for layer in reversed(range(lowest, net.layers)):
        below = []
        for way in (way for way in ways if way.layer == layer):
            of_way = [
                None if part is None else Scaled(part.v[..., way.reverse * H : (way.reverse + 1) * H], part.log)
                for part in (dh, last)
            ]
            found[way.name], dx = _way_back(net, run, way, *of_way, layer > lowest)
            below.append(dx)
        dh, last = below[0] if len(below) == 1 else add(*below), None
    return found


def _way_back(
    net: "RNN", run: "Run", way: Direction, dh: Scaled, last: Scaled | None, with_x: bool
) -> tuple[LogNorms, Scaled]:
    """Return the log norms of one direction, and dL/dx (T, n, B, I), empty vectors without x."""
    (T, n, B, H), states = dh.v.shape, 2 if net.cell == "lstm" else 1
    M, of_steps = step_matrix(net, way, with_x), slopes(net, run, way)
    inside = within(run.lengths, T) if run.lengths.size else np.ones((T, B), bool)
    logs, dx, carry = np.full((states, T, n, B), -np.inf), zeros(T, n, B, M.shape[1] - H), zeros(n, B, states * H)
    if last is not None:
        carry = _enter(carry, last)
    for t in range(T) if way.reverse else reversed(range(T)):
        at_h = Scaled(dh.v[t], np.where(inside[t], dh.log[t], -np.inf))
        if (at_h.log == -np.inf).all() and (carry.log == -np.inf).all():
            continue
        v, log = _enter(carry, at_h)
        before, x = _step_back(net.cell, v, [k[t] for k in of_steps], M)
        for state in range(states):
            of_state = log_norm(v[..., state * H : (state + 1) * H], log)
            logs[state, t] = np.where(inside[t], of_state, -np.inf)
        carry = scaled(np.where(inside[t][:, None], before, v), log)
        if with_x:
            dx.v[t], dx.log[t] = scaled(np.where(inside[t][:, None], x, 0), log)
    return LogNorms(logs[0], logs[1] if states == 2 else None), dx


def _enter(carry: Scaled, dh: Scaled) -> Scaled:
    """Return carry (n, B, H or 2 H) with dh (n, B, H) added to its h."""
    wide = np.zeros_like(carry.v)
    wide[..., : dh.v.shape[-1]] = dh.v
    return add(carry, Scaled(wide, dh.log))


def _step_back(cell: str, v: np.ndarray, k: list[np.ndarray], M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of the states before a step, shaped as v, and of x; an LSTM's v gets all of dL/dc."""
    (n, B), H, more = v.shape[:2], k[0].shape[-1], None
    dh = v[..., :H]
    if cell == "lstm":
        dc = v[..., H:]
        dc += dh * k[4]
        blocks, more = [dc * k[0], dc * k[1], dc * k[2], dh * k[3]], dc * k[5]
    elif cell == "gru":
        blocks, more = [dh * part for part in k[:4]], dh * k[4]
    else:
        blocks = [dh * k[0]]
    back = (np.concatenate(blocks, axis=-1).reshape(n * B, -1) @ M).reshape(n, B, -1)
    before = back[..., :H]
    if cell == "lstm":
        before = np.concatenate([before, more], axis=-1)
    elif cell == "gru":
        before = before + more
    return before, back[..., H:]
