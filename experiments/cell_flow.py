"""A driven net of any cell and the gradients on their way back through it, as `gradient_flow` measures them.

The growth is that of the joint norm over all states of a unit, from the last state on, where it counts as 0.
"""

from typing import NamedTuple

import numpy as np

import rnnkit
from rnnkit.hidden import hidden_log_norms
from rnnkit.initializers import Achieved, achieved
from rnnkit.kernels import ScaledGradients
from rnnkit.rng import Streams
from rnnkit.scaled_backward import ScaledWeights, backward_scaled


class Flow(NamedTuple):
    """log_norms: (T+1, B), of all states together, by lag. of_states: of each, by name. gradients: of the weights."""

    weights: Achieved | None
    log_norms: np.ndarray
    of_states: dict[str, np.ndarray]
    gradients: ScaledGradients
    first_nonfinite_step: int


def make_net(cell: rnnkit.cells.Cell, H: int, inputs: int, rng: Streams, **options: object) -> rnnkit.RNN:
    """Return a net whose W_hh is drawn and scaled as asked for; without W_hh nothing can be."""
    if not cell.recurrent():
        options = {"dtype": options["dtype"]}
    return rnnkit.RNN(inputs, H, None, cell=cell, seed=rng.init, **options)


def weights_of(net: rnnkit.RNN) -> Achieved | None:
    """Return the means of spectral radius, gain and sigma_max over the square blocks of all recurrent weights."""
    weights = [net.parameters[f"l0.{name}"].astype(np.float64) for name in net.cell.recurrent().values()]
    found = [achieved(block) for W in weights for block in np.split(W, W.shape[1] // net.hidden_size, axis=1)]
    return Achieved(*(float(np.mean(values)) for values in zip(*found, strict=True))) if found else None


def measure(net: rnnkit.RNN, x: np.ndarray, burn_in: int, direction: np.ndarray) -> Flow:
    """Return what a loss h_T . direction, summed over samples, sends back through the steps after the burn-in."""
    state, B = net.forward(x[:burn_in]).state if burn_in else net.initial_state(x.shape[1]), x.shape[1]
    run, last = net.forward(x[burn_in:], state), net.initial_state(B)
    last[0][:] = direction
    finite = np.array([np.isfinite(run.h[t]).all() for t in range(len(run.h))])
    if not finite.all():
        return Flow(weights_of(net), np.empty((0, 0)), {}, None, int(np.flatnonzero(~finite)[0]) + 1)
    dy = np.zeros_like(run.y)
    dy[-1] = direction
    logs = hidden_log_norms(net, run, dy, first=True)["l0"]
    by_state, joint = {name: a[::-1] for name, a in logs.asdict().items()}, logs.joint[::-1]
    bad = np.flatnonzero(~(joint < np.inf).all(axis=1))
    step = len(run.x) - int(bad[0]) if bad.size else -1
    gradients = _mean(net, backward_scaled(net, run, last), B)
    return Flow(weights_of(net), joint - joint[0], by_state, gradients, step)


def _mean(net: rnnkit.RNN, back: ScaledWeights, B: int) -> ScaledGradients:
    """Return the gradients of the batch's mean loss, those of all recurrent weights together, and of all else."""
    named = {name.removeprefix("l0."): g.ravel() for name, g in back.parameters.items()}
    recurrent = [named.pop(name) for name in net.cell.recurrent().values()]
    none = np.zeros(1, net.dtype)
    rest = np.concatenate([*(g for name, g in named.items() if name != "W_xh"), none])
    together = np.concatenate([*recurrent, none])
    return ScaledGradients(named["W_xh"], together, rest, back.log_scale - np.log(B), np.empty((0, 0)))
