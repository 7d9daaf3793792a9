"""Gradients of the weights from those of the pre-activations: dL/dW = sum over steps of u_t^T delta_t.

Those of every step, sample and unit are brought to one scale; beside the largest one is 0 where it leaves float64: of
weights whose unit is that far below the others no digit is left.
"""

import numpy as np

from rnnkit.gradients.in_float64 import Back
from rnnkit.gradients.local_derivatives import blocks_of, cell_of, states_before
from rnnkit.gradients.log_norms_back import Found
from rnnkit.gradients.scaled import Scaled
from rnnkit.kernels.scaled import DEEPEST, LN_2, NOTHING
from rnnkit.networks.parameters import Direction, views
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


def weights_of_floats(net: RNN, trace: Trace, found: list[Back]) -> tuple[np.ndarray, float]:
    """Return (gradients of all weights as they run, in one row, ln of their scale) of numbers v 2^e."""
    flat, orders = np.zeros(net.flat.size), [_orders(part) for part in found]
    top = max(int(order.max(initial=NOTHING)) for order in orders)
    if top == NOTHING:
        return flat, -np.inf
    for direction, part in zip(net.directions, found, strict=True):
        by = np.maximum(part.exponents - top, DEEPEST)[..., None].astype(np.int32)
        _add(net, trace, direction, *(np.ldexp(a, by) for a in part.deltas), views(flat, net.shapes))
    return flat, top * LN_2


def _orders(part: Back) -> np.ndarray:
    """Return the binary orders of what each step has, for those that have any."""
    sizes = np.maximum(*(np.abs(a).max(axis=-1, initial=0.0) for a in part.deltas))
    return (np.frexp(sizes)[1] + part.exponents)[sizes > 0]


def weights_of_logs(net: RNN, trace: Trace, found: dict[str, Found]) -> tuple[np.ndarray, float]:
    """Return the same of logarithms; nan of what is not finite."""
    deltas = [a for of_direction in found.values() for _, *both in of_direction.delta for a in both]
    log_scale = float(np.max([_largest_log(a) for a in deltas], initial=-np.inf))
    if not log_scale < np.inf:
        return np.full(net.flat.size, np.nan), 0.0
    flat, (T, B), H, cls = np.zeros(net.flat.size), trace.x.shape[:2], net.hidden_size, cell_of(net)
    if log_scale > -np.inf:
        for direction in net.directions:
            both = np.zeros((T, B, len(cls.blocks) * H)), np.zeros((T, B, len(cls.per_unit) * H))
            for t, *of_step in found[direction.name].delta:
                for a, of_a in zip(both, of_step, strict=True):
                    a[t] = _floats(of_a, log_scale)[0]
            _add(net, trace, direction, *both, views(flat, net.shapes))
    return flat, log_scale


def _largest_log(a: Scaled) -> float:
    """Return the largest logarithm of what is not 0; nan or inf where a number is not finite."""
    with np.errstate(invalid="ignore"):
        return float(np.max(np.where(a.v != 0, a.log + 0 * a.v, -np.inf), initial=-np.inf))


def _add(
    net: RNN,
    trace: Trace,
    direction: Direction,
    delta: np.ndarray,
    of_units: np.ndarray,
    named: dict[str, np.ndarray],
) -> None:
    """Write the gradients of one direction, input by input and block by block."""
    (T, B), H, cls = trace.x.shape[:2], net.hidden_size, cell_of(net)
    delta, of_units = delta.reshape(T * B, -1, H), of_units.reshape(T * B, -1, H)
    x, states = trace.layers[direction.layer].x, states_before(net, trace, direction)
    for name, weights in (cls.recurrent() | {"x": "W_xh", "b": "b_h"}).items():
        gradient = named.get(f"{direction.name}.{weights}")
        for k, block in [] if gradient is None else blocks_of(cls, name, gradient):
            of_block = np.ascontiguousarray(delta[:, k])
            if name == "b":
                block[:] = of_block.sum(axis=0)
            elif name == "x" and x.ndim == 2:
                np.add.at(block, x.reshape(-1), of_block)
            else:
                u = states.get(name, x).reshape(T * B, -1).astype(np.float64)
                with np.errstate(over="ignore", invalid="ignore"):  # of states that are not finite
                    block[:] = u.T @ of_block
    for k, name in enumerate(cls.per_unit):
        named[f"{direction.name}.{name}"][:] = of_units[:, k].sum(axis=0)


def _floats(a: Scaled, log_scale: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(a.v == 0, 0.0, a.v * np.exp(a.log - log_scale))
