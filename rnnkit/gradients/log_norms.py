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
from rnnkit.gradients.in_float64 import Part, back, logs_of, loss_of, parts_of
from rnnkit.gradients.log_norms_back import in_logarithms, layers_back
from rnnkit.gradients.scaled import scaled, zeros
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.checks import check_dy, check_trace
from rnnkit.networks.forward import counted
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.parallel import map_replicates

BLOCK_ROWS, BLOCK_BYTES = 128, 2**25  # sources times samples at once; and of one (T, rows, features) array


def hidden_log_norms(net: RNN, trace: Trace, dy: np.ndarray, *, first: bool = False) -> dict[str, LogNorms]:
    """Return ln of the norms (T, B) of the gradients of all states, for a loss with dL/dy = dy, shaped as trace.y.

    first: the states before all steps too, (T+1, B), in row 0.
    Keys as of `Gradients.hidden`: l0, l0.reverse, l1, ... Beyond a row's length -inf. Raises ValueError for a bad dy,
    and for a trace of other weights than the present ones; so do the two below.
    """
    _check_dy(net, trace, dy)
    boolean("first", first)
    loss = loss_of(net, _counted(net, trace, dy))
    found = logs_of(back(net, trace, parts_of(net, trace), loss, net.directions))
    if found is None:
        logs = {name: of_direction.log_norms for name, of_direction in in_logarithms(net, trace, *loss).items()}
        found = {name: LogNorms.of(of.names, [a[:, 0] for a in of]) for name, of in logs.items()}
    return {name: LogNorms.of(of.names, [a[0 if first else 1 :] for a in of]) for name, of in found.items()}


def loss_by_state(net: RNN, trace: Trace, dy: np.ndarray, layer: str = "l0") -> np.ndarray:
    """Return (T, T, B): entry [s, t, b] is ln ||dL_s/dh_t||, L_s being the loss at step s alone: dy but for dy[s] zero.

    layer: a direction by name: l0, l0.reverse, l1, ... -inf where the gradient is exactly zero: at t > s in a net of
    one direction, and beyond a row's length. Time grows as T^2, memory as 8 T^2 B bytes beside some ten blocks of 32 MB
    a core: T = 1000, B = 1, 50 units take .3 s (tanh) or 1.5 s (two layers of LSTM) on two cores, and 280 MB.
    Raises ValueError for output='last', whose loss has one step, and naming a bad argument.
    """
    direction = _check(net, trace, dy, layer)
    wanted = [w for w in net.directions if w.layer > direction.layer] + [direction]
    dy, parts, (T, B) = _counted(net, trace, dy), parts_of(net, trace), dy.shape[:2]
    found, n = np.empty((T, T, B)), max(1, min(BLOCK_ROWS, BLOCK_BYTES // (8 * T * net.features)) // B)

    def block(i: int) -> None:
        sources = range(i * n, min((i + 1) * n, T))
        of_block = _block_in_floats(net, trace, parts, dy, sources, wanted)
        if of_block is None:
            of_block = _block_in_logs(net, trace, dy, sources, wanted)
        found[sources.start : sources.stop] = of_block[layer]

    map_replicates(block, -(-T // n))  # beside a busy core, threads inside these small products made it 4 times slower
    return found


def _counted(net: RNN, trace: Trace, dy: np.ndarray) -> np.ndarray:
    """Return dy with 0 where there is no output: beyond a row's length, and of a row of length 0."""
    counts = counted(net, trace.tape)
    return dy if counts is None else np.where((counts if net.output == "every" else counts[0])[..., None], dy, 0)


def _block_in_floats(
    net: RNN, trace: Trace, parts: list[Part], dy: np.ndarray, sources: range, wanted: list[Direction]
) -> dict[str, np.ndarray] | None:
    """Return log norms (n, T, B) of the first state for the losses at these n steps, as rows of a batch; or None."""
    n, (T, B), F = len(sources), dy.shape[:2], net.features
    first, steps = (0, T) if net.bidirectional else (sources.start, sources.stop)
    dh, _ = loss_of(net, dy[sources.start : sources.stop])
    alone = np.zeros((steps - first, n, B, F))
    alone[[s - first for s in sources], range(n)] = dh
    nothing = np.zeros((len(net.directions), len(net.cell.states), n * B, net.hidden_size))
    logs = logs_of(back(net, trace, parts, (alone.reshape(-1, n * B, F), nothing), wanted, steps))
    if logs is None:
        return None
    found = {name: np.full((n, T, B), -np.inf) for name in logs}
    for name, of_direction in logs.items():
        found[name][:, :steps] = of_direction[0][1:].reshape(steps, n, B).swapaxes(0, 1)
    return found


def _block_in_logs(
    net: RNN, trace: Trace, dy: np.ndarray, sources: range, wanted: list[Direction]
) -> dict[str, np.ndarray]:
    """Return the same at any saturation, at a hundred times the cost."""
    (dh, _), n, T = loss_of(net, dy), len(sources), len(dy)
    alone = [zeros(n, *dh.shape[1:])] * T
    for k, s in enumerate(sources):
        of_loss = np.zeros((n, *dh.shape[1:]))
        of_loss[k] = dh[s]
        alone[s] = scaled(of_loss)
    found = layers_back(net, trace, alone, {}, wanted)
    return {name: of_direction.log_norms[0][1:].swapaxes(0, 1) for name, of_direction in found.items()}


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
        raise ValueError("net must have output='every', got output='last': its loss has one step, see hidden_log_norms")
    _check_dy(net, trace, dy)
    directions = {direction.name: direction for direction in net.directions}
    return directions[choice("layer", layer, directions)]


def _check_dy(net: RNN, trace: Trace, dy: np.ndarray) -> None:
    check_trace(net, trace)
    check_dy(net, trace.tape, dy, optional=False)
