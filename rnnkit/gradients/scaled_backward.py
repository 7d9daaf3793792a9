"""BPTT of any network of one direction for a loss on its last states, of any length: scaled, so nothing is lost.

found = backward_scaled(net, trace, dstate)      found.parameters["l0.W_hh"] e^found.log_scale    dL/dW_hh
found.log_norms["l0"].h                          (T+1, B): ln ||dL/dh_t||, row 0 of the first states
"""

from typing import NamedTuple

import numpy as np

from rnnkit._arguments import choice
from rnnkit.gradients.in_float64 import Back, back, logs_of, parts_of
from rnnkit.gradients.log_norms_back import in_logarithms
from rnnkit.gradients.scaled import graded
from rnnkit.gradients.weights import sample_log_norms, weights_of_floats, weights_of_logs
from rnnkit.kernels.scaled import DEEPEST, LN_2
from rnnkit.networks.by_state import LogNorms, State
from rnnkit.networks.checks import check_state, check_trace
from rnnkit.networks.parameters import views
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


class ScaledWeights(NamedTuple):
    """Gradients of the weights by name, and of the first states, each to be multiplied by e^(its log_scale).

    log_norms: of the states of every layer, by name, (T+1, B), row 0 of the first states.
    """

    parameters: dict[str, np.ndarray]
    log_scale: float
    state: State
    state_log_scale: float
    log_norms: dict[str, LogNorms]


def backward_scaled(net: RNN, trace: Trace, dstate: State) -> ScaledWeights:
    """Return what `net.backward(trace, None, dstate)` does, scaled, at any saturation.

    dstate: dL/d(last states), shaped as `net.initial_state` gives them. Computed in float64, handed out in net.dtype.
    Beside the largest gradient of a pre-activation, of all steps, samples and units, one is 0 where it leaves float64:
    of weights whose unit is that far below the others no digit is left. The log norms are right to any depth.
    Raises ValueError naming a bad argument, and for a net of both directions or rows of other lengths.
    """
    found, carry = _back(net, trace, dstate)
    logs = logs_of(found)
    if logs is None:
        return _in_logarithms(net, trace, carry)
    of_directions = [found[direction.name] for direction in net.directions]
    flat, log_scale = weights_of_floats(net, trace, of_directions)
    first, of_first = _common([part.carry for part in of_directions], [part.of_carry for part in of_directions])
    return ScaledWeights(_named(net, flat), log_scale, _state(net, first), of_first, logs)


def log_norms_by_sample(net: RNN, trace: Trace, dstate: State, layer: str = "l0") -> np.ndarray:
    """Return ln ||dL_b/dW|| (B,): of each sample's own gradient of the recurrent weights of a layer, at any saturation.

    W as it runs; all recurrent weights together where several states enter blocks, -inf where none does. Arguments and
    errors as of `backward_scaled`; layer: l0, l1, ...
    """
    directions = {direction.name: direction for direction in net.directions}
    found, carry = _back(net, trace, dstate)
    direction = directions[choice("layer", layer, directions)]
    if logs_of(found) is None:
        found = in_logarithms(net, trace, np.zeros((0, *carry.shape[2:])), carry, delta=True)
    return sample_log_norms(net, trace, direction, found[layer])


def _back(net: RNN, trace: Trace, dstate: State) -> tuple[dict[str, Back], np.ndarray]:
    """Return what goes back in floats, and dstate as an array (layers, states, B, H)."""
    check_trace(net, trace)
    dstate = check_state(net, dstate, trace.x.shape[1], "dstate")
    if net.bidirectional or trace.lengths.size:
        raise ValueError(f"net must have one direction, and run rows of full length, got {net!r}")
    carry = np.ascontiguousarray(np.stack(dstate, axis=1), np.float64)
    nothing = np.zeros((0, *carry.shape[2:]))
    return back(net, trace, parts_of(net, trace), (nothing, carry), net.directions, deltas=True), carry


def _in_logarithms(net: RNN, trace: Trace, carry: np.ndarray) -> ScaledWeights:
    """Do the same at any saturation, at a hundred times the cost."""
    found = in_logarithms(net, trace, np.zeros((0, *carry.shape[2:])), carry, delta=True)
    flat, log_scale = weights_of_logs(net, trace, found)
    rows = [graded(found[direction.name].carry) for direction in net.directions]
    top = max(float(np.max(row.log)) for row in rows)
    S, H = len(net.cell.states), net.hidden_size
    with np.errstate(invalid="ignore"):
        first = [row.v * np.exp(row.log - (top if top > -np.inf else 0)) for row in rows]
    arrays = [v[0].reshape(-1, S, H).swapaxes(0, 1) for v in first]
    logs = {name: LogNorms.of(of.log_norms.names, [a[:, 0] for a in of.log_norms]) for name, of in found.items()}
    return ScaledWeights(_named(net, flat), log_scale, _state(net, arrays), top, logs)


def _state(net: RNN, of_directions: list[np.ndarray]) -> State:
    """Return arrays (states, B, H) of the directions as the net's states."""
    with np.errstate(over="ignore"):
        return State.of(net.cell.states, np.stack(of_directions, axis=1).astype(net.dtype))


def _named(net: RNN, flat: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradients of the parameters, by name, of those of the weights as they run."""
    with np.errstate(over="ignore"):  # beside a gradient that is not finite
        parameters = views(flat.astype(net.dtype), net.shapes)
    if net.parametrization is not None:
        for name in filter(net.is_recurrent, parameters):
            parameters[name][:] = net.parametrization.back(net.parameters[name], parameters[name])
    return parameters


def _common(arrays: list[np.ndarray], exponents: list[np.ndarray]) -> tuple[list[np.ndarray], float]:
    """Return arrays (S, B, H) v 2^e, e (B,), divided by their joint norm, and ln of that; -inf for zeros."""
    top = max(int(e.max()) for e in exponents)
    by = [np.maximum(e - top, DEEPEST)[:, None].astype(np.int32) for e in exponents]
    arrays = [np.ldexp(v, shift) for v, shift in zip(arrays, by, strict=True)]
    norm = np.sqrt(sum(np.sum(np.square(v)) for v in arrays))
    if not 0 < norm < np.inf:
        return arrays, -np.inf if norm == 0 else 0.0
    return [v / norm for v in arrays], float(top * LN_2 + np.log(norm))
