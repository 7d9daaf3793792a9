"""A driven net of any cell and the gradients on their way back through it, as `gradient_flow` measures them.

The growth is that of the joint norm over all states of a unit, from the last state on, where it counts as 0.
"""

from typing import NamedTuple

import numpy as np

from rnnkit.cells.cell import Cell
from rnnkit.gradients.log_norms import hidden_log_norms
from rnnkit.gradients.scaled_backward import ScaledWeights, backward_scaled
from rnnkit.initializers import Achieved, achieved
from rnnkit.kernels.jacobians import ScaledGradients
from rnnkit.networks.by_state import LogNorms
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.rng import Streams


class Flow(NamedTuple):
    """log_norms: (T+1, B), of all states together, by lag. of_states: of each, by name. gradients: of the weights."""

    weights: Achieved | None
    log_norms: np.ndarray
    of_states: dict[str, np.ndarray]
    gradients: ScaledGradients
    first_nonfinite_step: int


def make_net(cell: Cell, H: int, inputs: int, rng: Streams, **options: object) -> RNN:
    """Return a net whose W_hh is drawn and scaled as asked for; without W_hh nothing can be."""
    if not cell.recurrent():
        options = {"dtype": options["dtype"]}
    return RNN(inputs, H, None, cell=cell, seed=rng.init, **options)


def weights_of(net: RNN) -> Achieved | None:
    """Return the means of spectral radius, gain and sigma_max over the square blocks of all recurrent weights."""
    weights = [net.parameters[f"l0.{name}"].astype(np.float64) for name in net.cell.recurrent().values()]
    found = [achieved(block) for W in weights for block in np.split(W, W.shape[1] // net.hidden_size, axis=1)]
    return Achieved(*(float(np.mean(values)) for values in zip(*found, strict=True))) if found else None


def measure(net: RNN, x: np.ndarray, burn_in: int, direction: np.ndarray) -> Flow:
    """Return what a loss h_T . direction, summed over samples, sends back through the steps after the burn-in."""
    state, B = net.forward(x[:burn_in]).state if burn_in else net.initial_state(x.shape[1]), x.shape[1]
    trace, last = net.forward(x[burn_in:], state), net.initial_state(B)
    last[0][:] = direction
    finite = np.array([np.isfinite(trace.h[t]).all() for t in range(len(trace.h))])
    if not finite.all():
        return Flow(weights_of(net), np.empty((0, 0)), {}, None, int(np.flatnonzero(~finite)[0]) + 1)
    logs = log_norms_by_lag(net, trace, direction)
    by_state, joint = logs.asdict(), logs.joint
    bad = np.flatnonzero(~(joint < np.inf).all(axis=1))
    step = len(trace.x) - int(bad[0]) if bad.size else -1
    gradients = _mean(net, backward_scaled(net, trace, last), B)
    return Flow(weights_of(net), joint - joint[0], by_state, gradients, step)


def log_norms_by_lag(net: RNN, trace: Trace, direction: np.ndarray) -> LogNorms:
    """Return ln ||dL/ds_{T-k}|| of every state s, row k, for a loss h_T . direction."""
    dy = np.zeros_like(trace.y)
    dy[-1] = direction
    logs = hidden_log_norms(net, trace, dy, first=True)["l0"]
    return LogNorms(**{name: a[::-1] for name, a in logs.asdict().items()})


def _mean(net: RNN, back: ScaledWeights, B: int) -> ScaledGradients:
    """Return the gradients of the batch's mean loss, those of all recurrent weights together, and of all else."""
    named = {name.removeprefix("l0."): g.ravel() for name, g in back.parameters.items()}
    recurrent = [named.pop(name) for name in net.cell.recurrent().values()]
    none = np.zeros(1, net.dtype)
    rest = np.concatenate([*(g for name, g in named.items() if name != "W_xh"), none])
    together = np.concatenate([*recurrent, none])
    return ScaledGradients(named["W_xh"], together, rest, back.log_scale - np.log(B), np.empty((0, 0)))
