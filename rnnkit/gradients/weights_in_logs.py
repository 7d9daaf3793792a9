"""Gradients of the weights where derivatives leave float64: from those of the pre-activations, as logarithms.

All of them, of every step, sample and unit, are brought to one scale; beside the largest one is 0 where it leaves
float64: of weights whose unit is that far below the others no digit is left.
"""

import numpy as np

from rnnkit.gradients.local_derivatives import blocks_of, cell_of, states_before
from rnnkit.gradients.log_norms_back import Found
from rnnkit.gradients.scaled import Scaled
from rnnkit.networks.parameters import Direction, views
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


def weights_of_deltas(net: RNN, trace: Trace, found: dict[str, Found]) -> tuple[np.ndarray, float]:
    """Return (gradients of all weights as they run, in one row, ln of their scale); nan of what is not finite."""
    deltas = [a for of_direction in found.values() for _, *both in of_direction.delta for a in both]
    log_scale = float(np.max([_largest_log(a) for a in deltas], initial=-np.inf))
    if not log_scale < np.inf:
        return np.full(net.flat.size, np.nan), 0.0
    flat = np.zeros(net.flat.size)
    if log_scale > -np.inf:
        named = views(flat, net.shapes)
        for direction in net.directions:
            _add(net, trace, direction, found[direction.name], log_scale, named)
    return flat, log_scale


def _largest_log(a: Scaled) -> float:
    """Return the largest logarithm of what is not 0; nan or inf where a number is not finite."""
    with np.errstate(invalid="ignore"):
        return float(np.max(np.where(a.v != 0, a.log + 0 * a.v, -np.inf), initial=-np.inf))


def _add(
    net: RNN, trace: Trace, direction: Direction, found: Found, log_scale: float, named: dict[str, np.ndarray]
) -> None:
    """Write dL/dW = sum_t u_t^T delta_t of one direction, input by input and block by block."""
    (T, B), H, cls = trace.x.shape[:2], net.hidden_size, cell_of(net)
    delta, of_units = np.zeros((T, B, len(cls.blocks), H)), np.zeros((T, B, len(cls.per_unit), H))
    for t, at_blocks, at_units in found.delta:
        delta[t], of_units[t] = (_floats(a, log_scale).reshape(B, -1, H) for a in (at_blocks, at_units))
    x, states = trace.layers[direction.layer].x, states_before(net, trace, direction)
    for name, weights in (cls.recurrent() | {"x": "W_xh", "b": "b_h"}).items():
        gradient = named.get(f"{direction.name}.{weights}")
        for k, block in [] if gradient is None else blocks_of(cls, name, gradient):
            of_block = delta[:, :, k].reshape(T * B, H)
            if name == "b":
                block[:] = of_block.sum(axis=0)
            elif name == "x" and x.ndim == 2:
                np.add.at(block, x.reshape(-1), of_block)
            else:
                u = states.get(name, x)
                block[:] = u.reshape(T * B, -1).astype(np.float64).T @ of_block
    for k, name in enumerate(cls.per_unit):
        named[f"{direction.name}.{name}"][:] = of_units[:, :, k].sum(axis=(0, 1))


def _floats(a: Scaled, log_scale: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(a.v == 0, 0.0, a.v * np.exp(a.log - log_scale))
