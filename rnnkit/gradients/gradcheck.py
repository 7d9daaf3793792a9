"""Finite differences: an independent value for any gradient.

    f'(x) = (f(x - 2s) - 8 f(x - s) + 8 f(x + s) - f(x + 2s)) / (12 s) + s^4 f^(5) / 30

The central difference of 4th order: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 25.3.6
(five points). Float64 only: at the step 1e-3 the formula's own error and rounding are both near 1e-13; in
float32 rounding alone would be 1e-4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit._arguments import check_array, function, number
from rnnkit.cells import Cell, as_cell
from rnnkit.cells.derivatives import jacobian
from rnnkit.cells.symbolic import symbolic
from rnnkit.gradients.precise import evaluate
from rnnkit.gradients.scaled import floats
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_net
from rnnkit.networks.rnn import RNN
from rnnkit.rng import streams

OFFSETS = (-2, 2, -1, 1)  # in pairs: the difference of a loss that does not depend on the entry is 0, without rounding
POINTS, KINK = 64, 1e-7  # of `check_cell`: points, and how far quotients of two steps may be apart where all is smooth
WEIGHTS = (1 / 12, -1 / 12, -8 / 12, 8 / 12)


def numerical_gradient(loss: Callable[[], float], array: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Return d loss / d array, same shape as `array`, by central differences of 4th order.

    loss: takes nothing, returns a scalar, reads `array` anew on every call. array: (...) float64; every entry
    is moved in place by up to two steps and put back, to the bit, also when `loss` raises. Calls `loss`
    4 array.size times. A kink of `loss` within two steps of an entry makes that entry's result meaningless.
    Raises ValueError naming a bad argument.
    """
    function("loss", loss)
    _check_float64("array", array)
    if not array.flags.writeable:
        raise ValueError("array must be writeable, got a read-only array")
    number("step", step, above=0)
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        try:
            gradient[index] = _difference(loss, array, index, kept, step)
        finally:
            array[index] = kept
    return gradient


def _difference(loss: Callable[[], float], array: np.ndarray, index: tuple, kept: float, step: float) -> float:
    total = 0.0
    for offset, weight in zip(OFFSETS, WEIGHTS, strict=True):
        array[index] = kept + offset * step
        total += weight * float(loss())
    return total / step


def relative_error(analytic: np.ndarray, numeric: np.ndarray) -> float:
    """Return max|analytic - numeric| / max|numeric|, both (...) float64; two zero gradients agree: 0.

    A nan in either gives nan. Raises ValueError naming a bad argument.
    """
    _check_float64("analytic", analytic)
    _check_float64("numeric", numeric)
    if analytic.shape != numeric.shape:
        raise ValueError(f"analytic must have the shape of numeric, {numeric.shape}, got {analytic.shape}")
    difference, size = np.abs(analytic - numeric).max(), np.abs(numeric).max()
    if size == 0:
        return float(difference) if not difference > 0 else float("inf")
    return float(difference / size)


def check_network(net: RNN, x: np.ndarray, target: np.ndarray, **options: Any) -> dict[str, float]:
    """Return the relative error of every gradient of `net.loss_and_gradients` against finite differences, by name.

    The names are those of net.parameters, `dx` where x are numbers, and `state.h` and so on of the first states.
    options: of `loss_and_gradients`. The loss is computed 4 times for every number: meant for small nets.
    Raises ValueError unless net is float64, and for truncation: that gradient is not the loss's.
    """
    check_net(net)
    if net.dtype != np.float64:
        raise ValueError(f"net must be float64, got {net.dtype}")
    if options.get("truncation") is not None:
        raise ValueError(
            f"truncation={options['truncation']} cannot be combined with check_network: its gradient is not the loss's"
        )
    found = net.loss_and_gradients(x, target, **options).gradients
    x, first = x.copy(), options.get("state") or net.initial_state(x.shape[1])
    state = State(**{name: part.copy() for name, part in first.asdict().items()})
    loss_options = {name: options[name] for name in ("loss", "mask") if name in options}

    def loss() -> float:
        return net.loss(net.forward(x, state, options.get("lengths")), target, **loss_options).value

    pairs = {name: (found.parameters[name], array) for name, array in net.parameters.items()}
    if x.ndim == 3:
        pairs["dx"] = found.dx, x
    pairs |= {f"state.{k}": (getattr(found.state, k), a) for k, a in state.asdict().items()}
    return {name: relative_error(gradient, numerical_gradient(loss, a)) for name, (gradient, a) in pairs.items()}


def check_cell(cell: Any) -> dict[str, float]:
    """Return the largest error of every derivative of a cell's step against finite differences, by name: "h by a".

    cell: a name, a .py file, a class or an instance (`rnnkit.cells.as_cell`), which raises ValueError for what is none.
    Errors are relative, or absolute below 1, at 64 drawn points; below 1e-8 where all is right. A point beside a kink,
    of relu, abs or where, or a pole, has no difference quotient and is left out; where most are, the error is inf.
    """
    cell = as_cell(cell)
    found, points = symbolic(type(cell)), streams(0).evaluation
    values = {name: points.uniform(-2, 2, POINTS) for name in (*cell.blocks, *cell.states, *cell.per_unit)}
    values |= {name: np.full(POINTS, value) for name, value in cell.constants.items()}
    table = jacobian(found.outputs, list(found.arguments.values()))
    errors = {}
    for name in (*cell.blocks, *cell.states, *cell.per_unit):
        quotients, smooth = _quotients(cell, values, name)
        for state, row, quotient in zip(cell.states, table, quotients, strict=True):
            e = row[list(found.arguments).index(name)]
            got = np.zeros(POINTS) if e is None else floats(evaluate([e], values)[0])
            error = np.abs(got - quotient) / np.maximum(1, np.abs(quotient))
            enough = 2 * smooth.sum() > POINTS and np.isfinite(error[smooth]).all()
            errors[f"{state} by {name}"] = float(np.max(error, where=smooth, initial=0.0)) if enough else np.inf
    return errors


def _quotients(cell: Cell, values: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return difference quotients of each state (states, points), and where those of two steps agree: at no kink."""

    def of_step(step: float) -> np.ndarray:
        moved = [_step(cell, values | {name: values[name] + offset * step}) for offset in OFFSETS]
        with np.errstate(invalid="ignore"):  # inf - inf, at a pole
            return sum(weight * states for weight, states in zip(WEIGHTS, moved, strict=True)) / step

    fine, coarse = of_step(1e-3), of_step(2e-3)
    with np.errstate(invalid="ignore"):
        return fine, (np.abs(fine - coarse) < KINK * np.maximum(1, np.abs(fine))).all(axis=0)


def _step(cell: Cell, values: dict[str, np.ndarray]) -> np.ndarray:
    """Return the new states (states, points) of a cell's step, as it is written."""
    with np.errstate(all="ignore"):
        states = type(cell).step(*(values[name].copy() for name in cell.arguments()))  # a step may write `a *= 2`
    shape = next(iter(values.values())).shape
    return np.array([np.broadcast_to(state, shape) for state in (states if isinstance(states, tuple) else (states,))])


def _check_float64(name: str, array: np.ndarray) -> None:
    check_array(name, array, "of float64, not empty")
    if array.dtype != np.float64 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty float64 numpy array, got {array.dtype} {array.shape}")
