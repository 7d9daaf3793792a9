"""A trace's layers in float64, and gradients taken back through them by the kernels, scaled so that none is lost.

Of a float32 net each step is made again in float64, from its inputs and the states before it: so the derivatives are
those of the states it met, to 1e-16.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnnkit.cells.descriptor import BACKWARD, FORWARD
from rnnkit.cells.handles import provide
from rnnkit.kernels.layer import empty_states
from rnnkit.kernels.scaled import scaled_backward_layer
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.parallel import forward_layer

FLOAT64 = np.dtype(np.float64)


class Part(NamedTuple):
    """One direction as the kernels take it, see `rnnkit.kernels.layer` and `scaled`. weights: W_xh, W_h, units."""

    direction: Direction
    x: np.ndarray
    weights: tuple[np.ndarray, np.ndarray, np.ndarray]
    states: tuple[np.ndarray, np.ndarray, np.ndarray]
    apart: int
    layout: tuple[int, int, np.ndarray]

    def repeated(self, n: int, steps: int) -> "Part":
        """Return the first steps with the rows of the batch n times, side by side."""
        h, inner, saved = self.states
        rows = steps * self.apart or steps + len(h) - len(self.x)
        cut = self.x[:steps], h[:rows], inner[:, :rows], saved[:steps]
        x, h, inner, saved = (np.concatenate([a] * n, axis=axis) for a, axis in zip(cut, (1, 1, 2, 2), strict=True))
        return self._replace(x=x, states=(h, inner, saved), layout=(*self.layout[:2], np.tile(self.layout[2], n)))


class Back(NamedTuple):
    """What went back through one direction; numbers v 2^e.

    log_norms: (T+1, B) of each state, row 0 before all steps. carry (S, B, H), of_carry (B,): to the first states.
    total, of_total: gradients of W_xh, W_h, b_h, units, in one row. kept: whether floats were enough for all of this.
    """

    log_norms: LogNorms
    carry: np.ndarray
    of_carry: np.ndarray
    total: np.ndarray
    of_total: int
    kept: bool


def parts_of(net: RNN, trace: Trace) -> list[Part]:
    """Return all directions, from below, with the states of the trace; rows of a batch can be cut and repeated."""
    provide(net.handle, BACKWARD, FLOAT64)
    found, tape = [], trace.tape
    for direction, weights in zip(net.directions, tape.effective, strict=True):
        layer, H = tape.layers[direction.layer], net.hidden_size
        layout = direction.reverse * H, direction.reverse, tape.lengths
        x, states, apart = layer.x, (layer.h, *layer.inside[direction.reverse]), 0
        if net.dtype != FLOAT64:
            x = x.astype(FLOAT64) if x.ndim == 3 else x
            states = _made_again(net, x, [a.astype(FLOAT64) for a in weights], states, layout)
            apart = 1 + len(layer.h) - len(x)
        W_xh, W_h, _, units = (a.astype(FLOAT64, copy=False) for a in weights)
        found.append(Part(direction, x, (W_xh, W_h, units), states, apart, layout))
    return found


def _made_again(
    net: RNN, x: np.ndarray, weights: Sequence[np.ndarray], states: Sequence[np.ndarray], layout: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the states of one direction, each step with its own: as they were before it, and in float64 after it.

    All steps are one of T B rows.
    """
    provide(net.handle, FORWARD, FLOAT64)
    (T, B), (h, inner, _), (column, reverse, _), H = x.shape[:2], states, layout, net.hidden_size
    apart, own, old = 1 + len(h) - T, slice(column, column + H), slice(2, T + 2) if reverse else slice(0, T)
    one, (inside, saved) = np.empty((2, T * B, H)), empty_states(net.handle, 1, T * B, H, 1, FLOAT64)
    for new, before in zip((one, *inside), (h[old, :, own], *inner[:, old]), strict=True):
        new[0] = before.reshape(T * B, H)
    rows = x.reshape(1, T * B, *x.shape[2:])
    forward_layer(rows, *weights, net.handle, (one, inside, saved), (0, 0, np.empty(0, np.int64)))
    h64, inner64 = np.zeros((T, apart, B, h.shape[2])), np.zeros((len(inside), T, apart, B, H))
    for of_state, new in zip((h64[..., own], *inner64), (one, *inside), strict=True):
        of_state[:, 2 if reverse else 0], of_state[:, 1] = new.reshape(2, T, B, H)
    saved = np.ascontiguousarray(saved.reshape(saved.shape[1], T, B, H).swapaxes(0, 1))
    return h64.reshape(T * apart, *h.shape[1:]), inner64.reshape(len(inside), T * apart, B, H), saved


def back(
    net: RNN,
    parts: Sequence[Part],
    loss: tuple[np.ndarray, np.ndarray],
    directions: Sequence[Direction],
    weights: bool = False,
) -> dict[str, Back]:
    """Take a loss back through these directions, by name; among them all of every layer but the lowest.

    loss: dh (n, B, features) at the last n steps of the last layer, and carry (directions of the net, S, B, H), after
    the last step of each. weights: whether their gradients are asked for; then all rows have one exponent.
    """
    found, (dh, carry), lowest = {}, loss, min(direction.layer for direction in directions)
    of_dh = np.zeros(dh.shape[:2], np.int64)
    for layer in reversed(range(lowest, net.layers)):
        below = []
        for k, part in enumerate(parts):
            if part.direction.layer == layer and part.direction in directions:
                of_carry, total = np.zeros(dh.shape[1], np.int64), np.zeros(_size(net, k) if weights else 0)
                own = (
                    part.x,
                    *part.weights,
                    net.handle,
                    part.states,
                    part.apart,
                    part.layout,
                    carry[k].copy(),
                    of_carry,
                    total,
                )
                dx, of_dx, logs, of_total, kept = scaled_backward_layer(dh, of_dh, *own, layer > lowest)
                named = LogNorms.of(net.cell.states, logs)
                found[part.direction.name] = Back(named, own[-3], of_carry, total, of_total, kept)
                below.append((dx, of_dx))
        dh, of_dh = below[0] if len(below) == 1 else _sum(*below)
    return found


def logs_of(found: dict[str, Back]) -> dict[str, LogNorms] | None:
    """Return the log norms of all directions; None where floats have lost some."""
    kept = all(of_direction.kept for of_direction in found.values())
    return {name: of_direction.log_norms for name, of_direction in found.items()} if kept else None


def _size(net: RNN, k: int) -> int:
    """Return how many weights direction k has."""
    return net.layout[k].units.stop - net.layout[k].W_xh.start


def _sum(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of numbers v 2^e, v (T, B, N), e (T, B)."""
    top = np.maximum(a[1], b[1])
    return sum(np.ldexp(v, np.maximum(e - top, -3000)[..., None].astype(np.int32)) for v, e in (a, b)), top


def loss_of(net: RNN, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (dh, carry), as `back` takes them, of dL/dy (T, B, O) or (B, O)."""
    dh = dy.astype(FLOAT64)
    if net.output_size is not None:
        dh = dh @ net.parameters["W_hy"].T.astype(FLOAT64)
    H, carry = net.hidden_size, np.zeros((len(net.directions), len(net.cell.states), *dh.shape[-2:-1], net.hidden_size))
    if net.output == "every":
        return np.ascontiguousarray(dh), carry
    for k, direction in enumerate(net.directions):
        if direction.layer == net.layers - 1:
            carry[k, 0] = dh[:, direction.reverse * H : (direction.reverse + 1) * H]
    return np.empty((0, *dh.shape)), carry
