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


def sample_log_norms(net: RNN, trace: Trace, direction: Direction, found: Back | Found) -> np.ndarray:
    """Return ln of the norm of each sample's own gradient of the recurrent weights of one direction, (B,)."""
    delta, logs = _with_own_scale(found, trace.x.shape[1])
    squares, cls, H = np.zeros(len(logs)), cell_of(net), net.hidden_size
    states = states_before(net, trace, direction)
    for name in cls.recurrent():
        entered = [k for k, inputs in enumerate(cls.blocks.values()) if name in inputs]
        columns = np.concatenate([delta[..., k * H : (k + 1) * H] for k in entered], axis=-1)
        products = states[name].transpose(1, 2, 0).astype(np.float64) @ columns.swapaxes(0, 1)
        squares += np.square(products).sum(axis=(1, 2))
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(squares) + logs


def _with_own_scale(found: Back | Found, B: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (delta (T, B, blocks H), ln of what each sample's are to be multiplied with)."""
    if isinstance(found, Back):
        sizes = np.abs(found.deltas[0]).max(axis=-1, initial=0.0)
        orders = np.where(sizes > 0, np.frexp(sizes)[1] + found.exponents, NOTHING).max(axis=0)
        by = np.maximum(found.exponents - orders, DEEPEST)[..., None].astype(np.int32)
        return np.ldexp(found.deltas[0], by), orders * LN_2
    logs = np.max([_largest_logs(a)[0] for _, a, _ in found.delta], axis=0, initial=-np.inf) * np.ones(B)
    delta = _dense(found, 1, np.where(np.isfinite(logs), logs, 0.0)[:, None])
    return delta, logs


def _dense(found: Found, which: int, log_scale: float | np.ndarray) -> np.ndarray:
    """Return deltas at the blocks (which = 1) or at the numbers of units (2) as floats (T, B, .), over e^log_scale."""
    shape = found.delta[0][which].v.shape[1:] if found.delta else found.carry.v.shape[1:]
    dense = np.zeros((len(found.log_norms[0]) - 1, *shape))
    for step in found.delta:
        dense[step[0]] = _floats(step[which], log_scale)[0]
    return dense


def _orders(part: Back) -> np.ndarray:
    """Return the binary orders of what each step has, for those that have any."""
    sizes = np.maximum(*(np.abs(a).max(axis=-1, initial=0.0) for a in part.deltas))
    return (np.frexp(sizes)[1] + part.exponents)[sizes > 0]


def weights_of_logs(net: RNN, trace: Trace, found: dict[str, Found]) -> tuple[np.ndarray, float]:
    """Return the same of logarithms; nan of what is not finite."""
    deltas = [a for of_direction in found.values() for _, *both in of_direction.delta for a in both]
    log_scale = float(np.max([np.max(_largest_logs(a)) for a in deltas], initial=-np.inf))
    if not log_scale < np.inf:
        return np.full(net.flat.size, np.nan), 0.0
    flat = np.zeros(net.flat.size)
    for direction in net.directions if log_scale > -np.inf else ():
        both = [_dense(found[direction.name], which, log_scale) for which in (1, 2)]
        _add(net, trace, direction, *both, views(flat, net.shapes))
    return flat, log_scale


def _largest_logs(a: Scaled) -> np.ndarray:
    """Return each vector's largest logarithm of what is not 0; nan or inf where a number is not finite."""
    with np.errstate(invalid="ignore"):
        return np.max(np.where(a.v != 0, a.log + 0 * a.v, -np.inf), axis=-1, initial=-np.inf)


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


def _floats(a: Scaled, log_scale: float | np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(a.v == 0, 0.0, a.v * np.exp(a.log - log_scale))
