"""States of a trace, for tests that go on from one."""

import numpy as np

from rnnkit.networks.by_state import State
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


def states_before(net: RNN, trace: Trace, t: int) -> State:
    """Return the states before step t of a net of one direction, which the trace holds."""
    of_layers = [(layer.h, *layer.inside[0][0]) for layer in trace.layers]
    arrays = [np.stack([states[i][t] for states in of_layers]) for i in range(len(net.cell.states))]
    return State(**dict(zip(net.cell.states, arrays, strict=True)))
