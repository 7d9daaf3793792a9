"""Log norms by the kernels of BPTT, a few steps at a time, where floats lose nothing; elsewhere none.

Each sample's gradients are divided by their size before every segment, so nothing overflows or vanishes within it. What
a saturated unit's derivative loses when its state rounds is some 1e-16 of the step's gradient: it does not show while
norms stay above SHRINKS of those they come from. Where one does not, or is zero, nothing is returned, and the norms are
computed from derivatives as logarithms (`rnnkit.gradients.log_norms_back`), at a hundred times the cost.
"""

import numpy as np

from rnnkit.cells.descriptor import BACKWARD
from rnnkit.cells.handles import provide
from rnnkit.kernels.engine.weights import zero_sums
from rnnkit.networks.backward import Back, inputs_of, readout_back, window_back, zero_carry
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.parameters import views
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Layer, Tape, Trace
from rnnkit.networks.truncation import Window

SEGMENT = 16  # steps: a factor of 1e-18 to 1e18 each stays within float64
SHRINKS = 1e-4  # of a step: its result errs by 1e-16 of what it comes from, times a norm of weights below 100


def fast_log_norms(net: RNN, trace: Trace, dy: np.ndarray) -> dict[str, LogNorms] | None:
    """Return log norms (T+1, B) of all states of each layer, row 0 before all steps; None where floats lose some."""
    if net.dtype != np.float64 or net.bidirectional:
        return None
    provide(net.handle, BACKWARD, net.dtype)
    T, B = trace.x.shape[:2]
    carry = zero_carry(net, B)
    dh = readout_back(net, trace.tape, dy, views(np.empty_like(net.flat), net.shapes), carry)
    log, logs = np.zeros(B), np.full((net.layers, carry.shape[1], T + 1, B), -np.inf)
    above, end = np.zeros(B), T  # above: the largest norm of the step after
    while end > 0:
        start = max(0, end - SEGMENT)
        loss = dh[start:end] if len(dh) else dh
        shift = _log_of_largest(carry, loss, log)
        carry *= np.exp(-shift)[:, None]
        log, above = log + shift, above * np.exp(-shift)
        with np.errstate(divide="ignore"):
            loss = np.sign(loss) * np.exp(np.log(np.abs(loss)) - log[:, None])  # at most 1, where e^-log may overflow
        hidden, carry = _segment(net, trace.tape, start, end, loss, carry)
        with np.errstate(over="ignore"):
            norms = np.linalg.norm(hidden, axis=-1)
        for t in reversed(range(end - start)):
            here = norms[:, :, t].max(axis=(0, 1))
            if not _keeps(norms[:, :, t], np.maximum(here, above)):
                return None
            above = here
        with np.errstate(divide="ignore"):
            logs[:, :, start + 1 : end + 1] = np.log(norms) + log
        end = start
    norms = np.linalg.norm(carry, axis=-1)
    if not _keeps(norms, above):
        return None
    with np.errstate(divide="ignore"):
        logs[:, :, 0] = np.log(norms) + log
    named = zip(net.directions, logs, strict=True)
    return {direction.name: LogNorms.of(net.cell.states, of_layer) for direction, of_layer in named}


def _log_of_largest(carry: np.ndarray, loss: np.ndarray, log: np.ndarray) -> np.ndarray:
    """Return ln of what a segment of each sample begins with or gets, (B,), beside e^log; 0 where that is nothing."""
    with np.errstate(divide="ignore"):
        largest = np.log(np.abs(carry).max(axis=(0, 1, 3)))
        if len(loss):
            largest = np.maximum(largest, np.log(np.abs(loss).max(axis=(0, 2))) - log)
    return np.where(np.isfinite(largest), largest, 0.0)


def _segment(
    net: RNN, tape: Tape, start: int, end: int, loss: np.ndarray, carry: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradients of all states (layers, states, n, B, H) of the steps from start on, and of those before."""
    part, n, (S, B, H) = Tape(tape.x[start:end], tape.lengths, net, tape.effective, start), end - start, carry.shape[1:]
    for layer in tape.layers:
        ((inner, saved),) = layer.inside
        inside = [(inner[:, start : end + 1], saved[start:end])]
        part.layers.append(Layer(layer.x[start:end], layer.h[start : end + 1], inside))
    hidden = {direction.name: np.zeros((S, n, B, H)) for direction in net.directions}
    sums = [zero_sums(x, w.W_xh, net.handle) for x, w in zip(inputs_of(net, part), tape.effective, strict=True)]
    dx = np.empty((*part.x.shape[:2], net.input_size if part.x.ndim == 3 else 0))
    back = Back(net, part, loss, carry, sums, dx, zero_carry(net, B), hidden)
    window_back(back, Window(0, 0, n))
    return np.stack(list(hidden.values())), back.carry_out


def _keeps(norms: np.ndarray, come_from: np.ndarray) -> bool:
    """Return whether norms (layers, states, B) are finite and not far below what they come from, or that is nothing."""
    return bool(np.isfinite(norms).all() and ((norms >= SHRINKS * come_from) & (norms > 0) | (come_from == 0)).all())
