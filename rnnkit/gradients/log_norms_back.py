"""Gradients taken back through all layers, n losses at once, each as a direction and a logarithm.

A step takes the gradient of the states after it, side by side (n, B, states H), to that of the
states before it and of x: one matrix product for all n B rows. The equations: `rnnkit.gradients.local_derivatives`.
Vectors have one logarithm, or graded one for each number where derivatives of saturated units leave some far below the
others.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from rnnkit.cells import Cell
from rnnkit.gradients.local_derivatives import (
    Locals,
    by_steps,
    cell_of,
    local_derivatives,
    order_of_states,
    step_matrix,
)
from rnnkit.gradients.scaled import Scaled, beside, log_norm, part, plus, product, scaled, times, where, zeros
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.forward import within
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


class Found(NamedTuple):
    """What went back through one direction: log norms (T+1, n, B), row 0 before all steps; and what reaches the rest.

    carry: (n, B, states H), to the first states. dx: for each step (n, B, I), empty vectors where nobody asks. delta:
    of each step met, (t, at the pre-activations (n, B, blocks H), at the numbers of units (n, B, units H)); likewise.
    """

    log_norms: LogNorms
    carry: Scaled
    dx: list[Scaled]
    delta: list[tuple[int, Scaled, Scaled]]


def in_logarithms(net: RNN, trace: Trace, dh: np.ndarray, carry: np.ndarray, delta: bool = False) -> dict[str, Found]:
    """Take one loss back through all directions; the loss as `rnnkit.gradients.in_float64.back` takes it."""
    T, B = trace.x.shape[:2]
    steps = [zeros(1, B, net.features)] * (T - len(dh)) + [scaled(d[None]) for d in dh]
    rows = carry.swapaxes(1, 2).reshape(len(carry), 1, B, -1)
    given = {direction.name: scaled(row) for direction, row in zip(net.directions, rows, strict=True)}
    return layers_back(net, trace, steps, given, net.directions, delta)


def layers_back(
    net: RNN,
    trace: Trace,
    dh: list[Scaled],
    carry: dict[str, Scaled],
    directions: list[Direction],
    delta: bool = False,
) -> dict[str, Found]:
    """Take n losses back through these directions; among them all of every layer but the lowest.

    dh: for each step (n, B, features) at the states of the last layer. carry: what reaches the states of a direction
    after its last step, (n, B, states H), by its name. delta: whether it is asked for.
    """
    found, H, lowest = {}, net.hidden_size, min(direction.layer for direction in directions)
    for layer in reversed(range(lowest, net.layers)):
        below = []
        for direction in (direction for direction in directions if direction.layer == layer):
            own = slice(direction.reverse * H, (direction.reverse + 1) * H)
            of_last = carry.get(direction.name, zeros(*dh[0].v.shape[:2], len(net.cell.states) * H))
            own_dh, asked = [part(d, own) for d in dh], (layer > lowest, delta)
            found[direction.name] = _direction_back(net, trace, direction, own_dh, of_last, asked)
            below.append(found[direction.name].dx)
        dh = [d[0] if len(d) == 1 else scaled(*plus(*d)) for d in zip(*below, strict=True)]
    return found


def _direction_back(
    net: RNN, trace: Trace, direction: Direction, dh: list[Scaled], carry: Scaled, asked: tuple[bool, bool]
) -> Found:
    (T, (n, B, H)), cls, (with_x, with_delta) = (len(dh), dh[0].v.shape), cell_of(net), asked
    M, states = step_matrix(net, direction, with_x), len(cls.states)
    of_steps = by_steps(local_derivatives(net, trace, direction))
    inside = within(trace.lengths, T) if trace.lengths.size else np.ones((T, B), bool)
    logs, nothing = np.full((states, T + 1, n, B), -np.inf), zeros(n, B, H)
    dx, delta = [zeros(n, B, M.shape[1] - H * len(cls.recurrent()))] * T, []
    for t in range(T) if direction.reverse else reversed(range(T)):
        held = inside[t][:, None]
        at_h = where(held, dh[t], nothing)
        if not carry.v.any() and not at_h.v.any():
            continue
        after, at_blocks, before, x = _step_back(cls, _enter(carry, at_h), of_steps[t], M)
        for state in range(states):
            of_state = log_norm(part(after, slice(state * H, (state + 1) * H)))
            logs[state, t + 1] = np.where(inside[t], of_state, -np.inf)
        carry = scaled(*where(held, before, after))
        if with_x:
            dx[t] = scaled(*where(held, x, zeros(*x.v.shape)))
        if with_delta:
            delta.append((t, at_blocks, _at_units(cls, after, of_steps[t])))
    for state in range(states):
        logs[state, 0] = log_norm(part(carry, slice(state * H, (state + 1) * H)))
    return Found(LogNorms(**dict(zip(cls.states, logs, strict=True))), carry, dx, delta)


def _enter(carry: Scaled, dh: Scaled) -> Scaled:
    """Return carry (n, B, states H) with dh (n, B, H) added to its first state."""
    more = carry.v.shape[-1] - dh.v.shape[-1]
    if more:
        dh = beside([dh, Scaled(np.zeros((*dh.v.shape[:-1], more)), dh.log[..., -1:])])
    return scaled(*plus(carry, dh))


def _step_back(cls: type[Cell], after: Scaled, k: Locals, M: np.ndarray) -> tuple[Scaled, Scaled, Scaled, Scaled]:
    """Return all of the gradients of the states after a step; those of its blocks, the states before it, and x."""
    H, g = after.v.shape[-1] // len(cls.states), _by_state(cls, after)
    for name in reversed(order_of_states(cls)):
        g[name] = _sum([g[name], *_through(g, k, f"new_{name}")])
    nothing = zeros(*after.v.shape[:-1], H)
    at_blocks = beside([_sum(_through(g, k, block), nothing) for block in cls.blocks])
    back = product(at_blocks, M)
    before = {name: _through(g, k, name) for name in cls.states}
    for i, name in enumerate(cls.recurrent()):
        before[name].append(part(back, slice(i * H, (i + 1) * H)))
    found = beside([_sum(parts, nothing) for parts in before.values()])
    x = part(back, slice(len(cls.recurrent()) * H, None))
    return beside([g[name] for name in cls.states]), at_blocks, found, x


def _at_units(cls: type[Cell], after: Scaled, k: Locals) -> Scaled:
    """Return the gradients of the trained numbers of units, side by side, from those of the states after a step."""
    g, (n, B, _) = _by_state(cls, after), after.v.shape
    nothing = zeros(n, B, after.v.shape[-1] // len(cls.states))
    return beside([zeros(n, B, 0), *(_sum(_through(g, k, unit), nothing) for unit in cls.per_unit)])


def _by_state(cls: type[Cell], after: Scaled) -> dict[str, Scaled]:
    H = after.v.shape[-1] // len(cls.states)
    return {name: part(after, slice(i * H, (i + 1) * H)) for i, name in enumerate(cls.states)}


def _through(g: dict[str, Scaled], k: Locals, name: str) -> list[Scaled]:
    """Return what each new state's gradient is to a block, a state before or a new one."""
    return [times(of_state, k[state, name]) for state, of_state in g.items() if (state, name) in k]


def _sum(parts: list[Scaled], nothing: Scaled | None = None) -> Scaled:
    return reduce(plus, parts) if parts else nothing
