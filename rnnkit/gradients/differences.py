"""Finite differences: an independent value for any gradient.

    f'(x) = (f(x - 2s) - 8 f(x - s) + 8 f(x + s) - f(x + 2s)) / (12 s) + s^4 f^(5) / 30

The central difference of 4th order: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 25.3.6
(five points). Float64 only: at the step 1e-3 the formula's own error and rounding are both near 1e-13; in
float32 rounding alone would be 1e-4.
"""

from collections.abc import Callable

import numpy as np

from rnnkit._arguments import check_array, function, number

OFFSETS = (-2, 2, -1, 1)  # in pairs: the difference of a loss that does not depend on the entry is 0, without rounding
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


def _check_float64(name: str, array: np.ndarray) -> None:
    check_array(name, array, "of float64, not empty")
    if array.dtype != np.float64 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty float64 numpy array, got {array.dtype} {array.shape}")
