"""Gradients taken back through the layers of a trace in float64, scaled so that none overflows or vanishes.

Derivatives come first, from the inputs and states that the trace holds (`rnnkit.gradients.local_derivatives`); the way
back through them is compiled (`rnnkit.kernels.scaled`). Any number of losses go back at once, as rows of a batch.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from rnnkit.cells import Cell
from rnnkit.gradients.local_derivatives import cell_of, derivatives_of, order_of_states, step_matrix
from rnnkit.gradients.precise import expressions_of
from rnnkit.kernels.scaled import DEEPEST, scaled_backward
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace

FLOAT64 = np.dtype(np.float64)
Paths = tuple[np.ndarray, ...]


class Part(NamedTuple):
    """One direction: its local derivatives (derivatives, T, B, H) as floats, and whether these hold them all."""

    direction: Direction
    k: np.ndarray
    held: bool


class Back(NamedTuple):
    """What went back through one direction, rows R; numbers v 2^e.

    log_norms: (T+1, R) of each state, row 0 before all steps. carry (S, R, H), of_carry (R,): to the first states.
    deltas: (T, R, blocks H), (T, R, units H), where asked for, exponents (T, R). kept: whether floats were enough.
    """

    log_norms: LogNorms
    carry: np.ndarray
    of_carry: np.ndarray
    deltas: tuple[np.ndarray, np.ndarray]
    exponents: np.ndarray
    kept: bool


def parts_of(net: RNN, trace: Trace) -> list[Part]:
    """Return all directions, from below."""
    return [Part(direction, *derivatives_of(net, trace, direction).as_floats()) for direction in net.directions]


@cache
def paths_of(cls: type[Cell]) -> Paths:
    """Return the paths of a cell's step, as `rnnkit.kernels.scaled` takes them."""
    keys, states = list(expressions_of(cls)), list(cls.states)

    def rows(names: Sequence[str], prefix: str = "") -> np.ndarray:
        found = [
            (states.index(state), place, keys.index((state, prefix + name)))
            for name, place in names
            for state in states
            if (state, prefix + name) in keys
        ]
        return np.array(found, np.int64).reshape(-1, 3)

    def numbered(names: Sequence[str]) -> list[tuple[str, int]]:
        return [(name, i) for i, name in enumerate(names)]

    made_of_new = rows([(name, states.index(name)) for name in reversed(order_of_states(cls))], "new_")
    entering = np.array([states.index(name) for name in cls.recurrent()], np.int64)
    return made_of_new, rows(numbered(cls.blocks)), rows(numbered(states)), rows(numbered(cls.per_unit)), entering


def back(
    net: RNN,
    trace: Trace,
    parts: list[Part],
    loss: tuple[np.ndarray, np.ndarray],
    directions: Sequence[Direction],
    steps: int | None = None,
    deltas: bool = False,
) -> dict[str, Back]:
    """Take losses back through these directions, by name; among them all of every layer but the lowest.

    loss: dh (n, R, features) at the last n of the steps of the last layer, and carry (directions of the net, S, R, H),
    after the last step of each; row r is of sample r % B. steps: the first so many alone, of a net of one direction.
    """
    found, (dh, carry), lowest = {}, loss, min(direction.layer for direction in directions)
    of_dh, H = np.zeros(dh.shape[:2], np.int64), net.hidden_size
    for layer in reversed(range(lowest, net.layers)):
        below = []
        for part, to_last in zip(parts, carry, strict=True):
            if part.direction.layer == layer and part.direction in directions:
                own = np.ascontiguousarray(dh[..., part.direction.reverse * H : (part.direction.reverse + 1) * H])
                layout = part.direction.reverse, trace.tape.lengths, steps or part.k.shape[1]
                result, dx = _direction_back(net, part, (own, of_dh, to_last), layout, (layer > lowest, deltas))
                found[part.direction.name] = result
                below.append((dx, result.exponents))
        dh, of_dh = below[0] if len(below) == 1 else _sum(*below)
    return found


def _direction_back(
    net: RNN, part: Part, loss: tuple[np.ndarray, ...], layout: tuple, asked: tuple[bool, bool]
) -> tuple[Back, np.ndarray]:
    """Return what went back through one direction, and dx; asked: whether dx is, and deltas are."""
    (dh, of_dh, carry), (with_x, with_deltas), cls = loss, asked, cell_of(net)
    (S, R, H), M = carry.shape, np.ascontiguousarray(step_matrix(net, part.direction, with_x))
    carry, of_carry = carry.swapaxes(0, 1).reshape(R, S * H).copy(), np.zeros(R, np.int64)
    shape = (layout[2], R) if with_deltas else (0, 0)
    deltas = np.zeros((*shape, M.shape[0])), np.zeros((*shape, len(cls.per_unit) * H))
    arguments = part.k, paths_of(cls), M, layout, carry, of_carry, deltas
    dx, exponents, logs, kept = scaled_backward(dh, of_dh, *arguments)
    named, first = LogNorms.of(net.cell.states, logs), carry.reshape(R, S, H).swapaxes(0, 1)
    return Back(named, first, of_carry, deltas, exponents, kept and part.held), dx


def logs_of(found: dict[str, Back]) -> dict[str, LogNorms] | None:
    """Return the log norms of all directions; None where floats have lost some."""
    kept = all(of_direction.kept for of_direction in found.values())
    return {name: of_direction.log_norms for name, of_direction in found.items()} if kept else None


def _sum(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of numbers v 2^e, v (T, R, N), e (T, R)."""
    top = np.maximum(a[1], b[1])
    return sum(np.ldexp(v, np.maximum(e - top, DEEPEST)[..., None].astype(np.int32)) for v, e in (a, b)), top


def loss_of(net: RNN, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (dh, carry), as `back` takes them, of dL/dy (T, B, O) or (B, O)."""
    dh = dy.astype(FLOAT64)
    if net.output_size is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            dh = dh @ net.parameters["W_hy"].T.astype(FLOAT64)
    H, carry = net.hidden_size, np.zeros((len(net.directions), len(net.cell.states), *dh.shape[-2:-1], net.hidden_size))
    if net.output == "every":
        return np.ascontiguousarray(dh), carry
    for k, direction in enumerate(net.directions):
        if direction.layer == net.layers - 1:
            carry[k, 0] = dh[:, direction.reverse * H : (direction.reverse + 1) * H]
    return np.empty((0, *dh.shape)), carry
