"""Gradients of the weights of any network of one direction, for a loss on its last states, of any length.

Back through some steps at a time, in floats, the gradient of the states divided by its norm in between: so nothing
overflows or vanishes that a few steps do not take that far. Their logarithms: `rnnkit.gradients.log_norms`.
"""

from typing import NamedTuple

import numpy as np

from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_dstate, check_trace
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace

SEGMENT = 16  # steps


class ScaledWeights(NamedTuple):
    """Gradients of the weights by name, and of the first states, each to be multiplied by e^(its log_scale)."""

    parameters: dict[str, np.ndarray]
    log_scale: float
    state: State
    state_log_scale: float


def backward_scaled(net: RNN, trace: Trace, dstate: State) -> ScaledWeights:
    """Return what `net.backward(trace, None, dstate)` does, scaled; nan or inf where one step alone overflows.

    Raises ValueError naming a bad argument, and for a net of both directions or rows of other lengths.
    """
    check_trace(net, trace)
    check_dstate(net, dstate, trace.x.shape[1])
    if net.bidirectional or trace.lengths.size:
        raise ValueError(f"net must have one direction, and run rows of full length, got {net!r}")
    total, log_total, carry, log, end = dict.fromkeys(net.parameters, 0.0), -np.inf, dstate, 0.0, len(trace.x)
    while end > 0:
        back, start = _segment(net, trace, carry, end)
        top = max(log_total, log)
        factors = np.exp([log_total - top, log - top]) if top > -np.inf else (0.0, 1.0)
        total = {name: total[name] * factors[0] + g * factors[1] for name, g in back.parameters.items()}
        size = np.sqrt(sum(np.sum(np.square(a, dtype=np.float64)) for a in back.state))
        carry = State(**{name: (a / (size or 1)).astype(net.dtype) for name, a in back.state.asdict().items()})
        with np.errstate(divide="ignore"):
            log_total, log, end = top, log + np.log(size), start
    return ScaledWeights({name: g.astype(net.dtype) for name, g in total.items()}, log_total, carry, log)


def _segment(net: RNN, trace: Trace, carry: State, end: int) -> tuple:
    """Return (gradients, first step) of the longest segment up to `end` in which no float overflows."""
    steps = min(SEGMENT, end)
    while True:
        part = net.forward(trace.x[end - steps : end], states_before(net, trace, end - steps))
        back = net.backward(part, None, carry)
        if steps == 1 or all(np.isfinite(a).all() for a in (back.flat, *back.state)):
            return back, end - steps
        steps //= 2


def states_before(net: RNN, trace: Trace, t: int) -> State:
    """Return the states before step t of a net of one direction, which the trace holds."""
    of_layers = [(layer.h, *layer.inside[0][0]) for layer in trace.layers]
    arrays = [np.stack([states[i][t] for states in of_layers]) for i in range(len(net.cell.states))]
    return State(**dict(zip(net.cell.states, arrays, strict=True)))
