"""Gradients of the states of any network as logarithms, which neither overflow nor underflow; and by step of the loss.

    hidden_log_norms(net, trace, dy)["l0"].h     (T, B): ln ||dL/dh_t||, all of the loss
    loss_by_state(net, trace, dy, "l0")          (T, T, B): [s, t]: ln ||dL_s/dh_t||, the loss at step s alone
    hidden_of_step(net, trace, dy, s, "l0")      (T, B, H): dL_s/dh_t itself

The logarithms are computed in float64 from the inputs and states that the trace holds: float32 runs out after some
twenty steps of a sigmoid net, float64 after some hundred. Derivatives of saturated units are logarithms too, and right
to any depth (`rnnkit.gradients.local_derivatives`); `hidden_of_step` gives floats, from the rounded states, as
`RNN.backward` does. An exact zero is -inf; a non-finite gradient stays nan or inf. Steps count from 0 as those of x and
y do; state t is the one after step t (in a second direction: after it has read x[t]).
"""

import numpy as np

from rnnkit._arguments import boolean, choice, integer
from rnnkit.gradients.log_norms_back import layers_back
from rnnkit.gradients.log_norms_fast import fast_log_norms
from rnnkit.gradients.scaled import Scaled, product, scaled, zeros
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.checks import check_dy, check_trace
from rnnkit.networks.forward import counted
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.parallel import map_replicates

BLOCK_BYTES = 2**25  # of one (T, sources, B, features) array


def hidden_log_norms(net: RNN, trace: Trace, dy: np.ndarray, *, first: bool = False) -> dict[str, LogNorms]:
    """Return ln of the norms (T, B) of the gradients of all states, for a loss with dL/dy = dy, shaped as trace.y.

    first: the states before all steps too, (T+1, B), in row 0.
    Keys as of `Gradients.hidden`: l0, l0.reverse, l1, ... Beyond a row's length -inf. Raises ValueError for a bad dy,
    and for a trace of other weights than the present ones; so do the two below.
    """
    _check_dy(net, trace, dy)
    boolean("first", first)
    rows = slice(0 if first else 1, None)
    if found := fast_log_norms(net, trace, dy):
        return {name: LogNorms.of(logs.names, [a[rows] for a in logs]) for name, logs in found.items()}
    counts = counted(net, trace.tape)
    if counts is not None:  # a row of length 0 has no output
        dy = np.where((counts if net.output == "every" else counts[0])[..., None], dy, 0)
    at_h, T = _of_features(net, dy[None] if net.output == "last" else dy[:, None]), len(trace.x)
    if net.output == "last":
        dh, last = [zeros(1, *dy.shape[:-1], net.features)] * T, at_h
    else:
        dh, last = [Scaled(at_h.v[t], at_h.log[t]) for t in range(T)], None
    found = layers_back(net, trace, dh, last, net.directions)
    return {
        direction: LogNorms(**{name: a[rows, 0] for name, a in logs.asdict().items()})
        for direction, logs in found.items()
    }


def loss_by_state(net: RNN, trace: Trace, dy: np.ndarray, layer: str = "l0") -> np.ndarray:
    """Return (T, T, B): entry [s, t, b] is ln ||dL_s/dh_t||, L_s being the loss at step s alone: dy but for dy[s] zero.

    layer: a direction by name: l0, l0.reverse, l1, ... -inf where the gradient is exactly zero: at t > s in a net of
    one direction, and beyond a row's length. Time grows as T^2, memory as 8 T^2 B bytes beside some ten blocks of 32 MB
    a core: T = 1000, B = 1, 50 units take 2 s (tanh) or 9 s (two layers of LSTM) on two cores, and 200 MB.
    Raises ValueError for output='last', whose loss has one step, and naming a bad argument.
    """
    direction = _check(net, trace, dy, layer)
    wanted = [w for w in net.directions if w.layer > direction.layer] + [direction]
    T, B = trace.x.shape[:2]
    dh, found = _of_features(net, dy), np.empty((T, T, B))
    n = max(1, BLOCK_BYTES // (8 * T * B * net.features))

    def block(i: int) -> None:
        sources = np.arange(i * n, min((i + 1) * n, T))
        alone = [zeros(len(sources), B, net.features)] * T
        for k, s in enumerate(sources):
            alone[s] = _at(k, len(sources), Scaled(dh.v[s], dh.log[s]))
        found[sources] = layers_back(net, trace, alone, None, wanted)[layer][0][1:].swapaxes(0, 1)

    map_replicates(block, -(-T // n))  # beside a busy core, threads inside these small products made it 4 times slower
    return found


def hidden_of_step(net: RNN, trace: Trace, dy: np.ndarray, s: int, layer: str = "l0") -> np.ndarray:
    """Return dL_s/dh_t (T, B, H), the gradients themselves in the net's dtype, of the loss at step s alone.

    Raises ValueError as `loss_by_state`, and for s outside 0..T-1.
    """
    _check(net, trace, dy, layer)
    s = integer("s", s, 0, len(dy) - 1)
    alone = np.zeros_like(dy)
    alone[s] = dy[s]
    return net.backward(trace, alone, hidden=True).hidden[layer][0]


def _check(net: RNN, trace: Trace, dy: np.ndarray, layer: str) -> Direction:
    if net.output == "last":
        raise ValueError("net must have output='every': the loss of output='last' has one step, see hidden_log_norms")
    _check_dy(net, trace, dy)
    directions = {direction.name: direction for direction in net.directions}
    return directions[choice("layer", layer, directions)]


def _check_dy(net: RNN, trace: Trace, dy: np.ndarray) -> None:
    check_trace(net, trace)
    check_dy(net, trace.tape, dy, optional=False)


def _of_features(net: RNN, dy: np.ndarray) -> Scaled:
    """Return dL/dh (..., features) of the last layer from dy (..., O)."""
    at_y = scaled(dy.astype(np.float64))
    if net.output_size is None:
        return at_y
    return scaled(*product(at_y, net.parameters["W_hy"].T.astype(np.float64)))


def _at(k: int, n: int, dh: Scaled) -> Scaled:
    """Return (n, ...) of zeros but for dh (...) at k."""
    v, log = np.zeros((n, *dh.v.shape)), np.full((n, *dh.log.shape), -np.inf)
    v[k], log[k] = dh
    return Scaled(v, log)
