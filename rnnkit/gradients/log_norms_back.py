"""Gradients taken back through all layers, n losses at once, each as a direction and a logarithm.

A step takes the gradient of the states after it, side by side (n, B, states H), to that of the
states before it and of x: one matrix product for all n B rows. The equations: `rnnkit.gradients.local_derivatives`.
Vectors have one logarithm, or graded one for each number where derivatives of saturated units leave some far below the
others.
"""

from functools import reduce

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


def layers_back(
    net: RNN, trace: Trace, dh: list[Scaled], last: Scaled | None, directions: list[Direction]
) -> dict[str, LogNorms]:
    """Return the log norms (T+1, n, B) of these directions, by name; among them all of every layer but the lowest.

    Row 0 is of the states before all steps, row t + 1 of those after step t.
    dh: for each step (n, B, features) at the states of the last layer. last: (n, B, features), what reaches them after
    the last step of each direction, or None.
    """
    found, H, lowest = {}, net.hidden_size, min(direction.layer for direction in directions)
    for layer in reversed(range(lowest, net.layers)):
        below = []
        for direction in (direction for direction in directions if direction.layer == layer):
            own = slice(direction.reverse * H, (direction.reverse + 1) * H)
            of_last = None if last is None else part(last, own)
            found[direction.name], dx = _direction_back(
                net, trace, direction, [part(d, own) for d in dh], of_last, layer > lowest
            )
            below.append(dx)
        dh, last = [d[0] if len(d) == 1 else scaled(*plus(*d)) for d in zip(*below, strict=True)], None
    return found


def _direction_back(
    net: RNN, trace: Trace, direction: Direction, dh: list[Scaled], last: Scaled | None, with_x: bool
) -> tuple[LogNorms, list[Scaled]]:
    """Return the log norms of one direction, and dL/dx, (n, B, I) for each step, empty vectors without x."""
    T, (n, B, H), cls = len(dh), dh[0].v.shape, cell_of(net)
    M, of_steps, states = (
        step_matrix(net, direction, with_x),
        by_steps(local_derivatives(net, trace, direction)),
        len(cls.states),
    )
    inside = within(trace.lengths, T) if trace.lengths.size else np.ones((T, B), bool)
    logs, carry = np.full((states, T + 1, n, B), -np.inf), zeros(n, B, states * H)
    dx, nothing = [zeros(n, B, M.shape[1] - H * len(cls.recurrent()))] * T, zeros(n, B, H)
    if last is not None:
        carry = _enter(carry, last)
    for t in range(T) if direction.reverse else reversed(range(T)):
        held = inside[t][:, None]
        at_h = where(held, dh[t], nothing)
        if not carry.v.any() and not at_h.v.any():
            continue
        after, before, x = _step_back(cls, _enter(carry, at_h), of_steps[t], M)
        for state in range(states):
            of_state = log_norm(part(after, slice(state * H, (state + 1) * H)))
            logs[state, t + 1] = np.where(inside[t], of_state, -np.inf)
        carry = scaled(*where(held, before, after))
        if with_x:
            dx[t] = scaled(*where(held, x, zeros(*x.v.shape)))
    for state in range(states):
        logs[state, 0] = log_norm(part(carry, slice(state * H, (state + 1) * H)))
    return LogNorms(**dict(zip(cls.states, logs, strict=True))), dx


def _enter(carry: Scaled, dh: Scaled) -> Scaled:
    """Return carry (n, B, states H) with dh (n, B, H) added to its first state."""
    more = carry.v.shape[-1] - dh.v.shape[-1]
    if more:
        dh = beside([dh, Scaled(np.zeros((*dh.v.shape[:-1], more)), dh.log[..., -1:])])
    return scaled(*plus(carry, dh))


def _step_back(cls: type[Cell], after: Scaled, k: Locals, M: np.ndarray) -> tuple[Scaled, Scaled, Scaled]:
    """Return all of the gradients of the states after a step, those of the states before it, and of x."""
    H = after.v.shape[-1] // len(cls.states)
    g = {name: part(after, slice(i * H, (i + 1) * H)) for i, name in enumerate(cls.states)}
    for name in reversed(order_of_states(cls)):
        g[name] = _sum([g[name], *_through(g, k, f"new_{name}")])
    nothing = zeros(*after.v.shape[:-1], H)
    back = product(beside([_sum(_through(g, k, block), nothing) for block in cls.blocks]), M)
    before = {name: _through(g, k, name) for name in cls.states}
    for i, name in enumerate(cls.recurrent()):
        before[name].append(part(back, slice(i * H, (i + 1) * H)))
    found = beside([_sum(parts, nothing) for parts in before.values()])
    return beside([g[name] for name in cls.states]), found, part(back, slice(len(cls.recurrent()) * H, None))


def _through(g: dict[str, Scaled], k: Locals, name: str) -> list[Scaled]:
    """Return what each new state's gradient is to a block, a state before or a new one."""
    return [times(of_state, k[state, name]) for state, of_state in g.items() if (state, name) in k]


def _sum(parts: list[Scaled], nothing: Scaled | None = None) -> Scaled:
    return reduce(plus, parts) if parts else nothing
