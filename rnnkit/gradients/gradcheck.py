"""Finite differences: an independent value for any gradient.

    f'(x) = (f(x - 2s) - 8 f(x - s) + 8 f(x + s) - f(x + 2s)) / (12 s) + s^4 f^(5) / 30

The central difference of 4th order: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 25.3.6
(five points). Float64 only: at the step 1e-3 the formula's own error and rounding are both near 1e-13; in
float32 rounding alone would be 1e-4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnkit._arguments import check_array, function, integer, number
from rnnkit.gradients.cellcheck import check_cell
from rnnkit.gradients.differences import OFFSETS, WEIGHTS
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_net
from rnnkit.networks.rnn import RNN
from rnnkit.parametrizations import as_parametrization
from rnnkit.parametrizations.compiled import OF_PULLBACK, OF_WEIGHTS, run_compiled
from rnnkit.rng import streams

__all__ = ["check_cell", "check_network", "check_parametrization", "numerical_gradient", "relative_error"]


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


def check_parametrization(parametrization: Any, H: int = 5) -> dict[str, float]:
    """Return the relative error of a parametrization's pullback, and of both its functions compiled, by name.

    parametrization: a name, a .py file, a class or an instance (`rnnkit.parametrizations`), which raises ValueError for
    what is none. At drawn free weights of two blocks of H units; below 1e-8 where all is right.
    """
    one, rng = as_parametrization(parametrization), streams(0).evaluation
    if one is None:
        raise ValueError("parametrization must be one, got None")
    H = integer("H", H, 1)
    V, dW = rng.standard_normal((2, H, 2 * H))
    W, dV = one.of(V), one.back(V, dW)
    numeric = numerical_gradient(lambda: float((one.of(V) * dW).sum()), V)
    compiled = [run_compiled(one, part, V, dW) for part in (OF_WEIGHTS, OF_PULLBACK)]
    return {
        "pullback": relative_error(dV, numeric),
        "weights, compiled": relative_error(compiled[0], W),
        "pullback, compiled": relative_error(compiled[1], dV),
    }


def _check_float64(name: str, array: np.ndarray) -> None:
    check_array(name, array, "of float64, not empty")
    if array.dtype != np.float64 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty float64 numpy array, got {array.dtype} {array.shape}")
