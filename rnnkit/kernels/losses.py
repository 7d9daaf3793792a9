"""Losses with their gradients: the mean over unmasked positions, and a gradient that carries the same factor.

A position is one index into the leading axes; O is the last axis. Sums are in float64 whatever the dtype, position
by position. Masked positions are not read: their gradient is zero even where nan stands.
"""

import math
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import check_array, is_integers
from rnnkit._compile.jit import checked_border, jit
from rnnkit.cells.functions import exp_parts_float64
from rnnkit.kernels._checks import FLOATS, as_symbols


class LossAndGradient(NamedTuple):
    """value: the mean loss. gradient: (..., O), of that mean by the first argument of the loss, in its dtype."""

    value: float
    gradient: np.ndarray


@jit
def _exp(x):
    """Return e^x for x <= 0; 0 below -700, nan for nan. SIMD: softmax takes 4 ns an entry at O = 1000, 10 by libm."""
    scale, em = exp_parts_float64(x)
    return 0.0 if x < -700.0 else em * scale + scale  # 2^k stays normal above it


@jit
def _mse_rows(y, target, mask, gradient):
    """Return the mean over the rows (N, O) where mask (N,) holds, and fill gradient (N, O); so do the two below."""
    (N, O), total = y.shape, 0.0  # noqa: E741
    n_entries = np.count_nonzero(mask) * O
    for n in range(N):
        if not mask[n]:
            gradient[n] = 0
            continue
        for o in range(O):
            error = np.float64(y[n, o]) - np.float64(target[n, o])
            total += error * error
            gradient[n, o] = 2 * error / n_entries
    return total / n_entries


@jit
def _softmax_cross_entropy_row(z, label, n_rows, gradient):
    if not 0 <= label < z.size:  # of a caller that does not check, or has written into classes since
        gradient.fill(np.nan)
        return np.nan
    top = np.float64(z[0])
    for v in z:
        top = np.float64(v) if v > top else top
    for o in range(z.size):
        gradient[o] = _exp(z[o] - top)  # nan where z or top is: a nan anywhere reaches the total
    total = 0.0
    for o in range(z.size):
        total += gradient[o]
    loss = math.log(total) - (z[label] - top)
    at_label = (gradient[label] - total) / (total * n_rows)  # p - 1 from here, before rounding p to the dtype
    for o in range(z.size):
        gradient[o] = gradient[o] / (total * n_rows)
    gradient[label] = at_label
    return loss


@jit
def _softmax_cross_entropy_rows(logits, classes, mask, gradient):
    total, n_rows = 0.0, np.count_nonzero(mask)
    for n in range(logits.shape[0]):
        if mask[n]:
            total += _softmax_cross_entropy_row(logits[n], classes[n], n_rows, gradient[n])
        else:
            gradient[n] = 0
    return total / n_rows


@jit
def _sigmoid_cross_entropy_rows(logits, target, mask, gradient):
    (N, O), total = logits.shape, 0.0  # noqa: E741
    n_entries = np.count_nonzero(mask) * O
    for n in range(N):
        if not mask[n]:
            gradient[n] = 0
            continue
        for o in range(O):
            z, t = np.float64(logits[n, o]), np.float64(target[n, o])
            e = _exp(-abs(z))
            total += (z if z > 0 else 0.0) - z * t + math.log1p(e)
            gradient[n, o] = ((1.0 if z >= 0 else e) / (1.0 + e) - t) / n_entries
    return total / n_entries


@jit
def _as_rows(a):
    return a.reshape(-1, a.shape[-1])


@jit
def _as_flags(mask, n):
    if mask is None:
        return np.ones(n, np.bool_)
    return mask.reshape(-1)


@jit
def _mse(y, target, mask):
    gradient = np.empty_like(y)
    flags = _as_flags(mask, y.size // y.shape[-1])
    return LossAndGradient(_mse_rows(_as_rows(y), _as_rows(target), flags, _as_rows(gradient)), gradient)


@jit
def _softmax_cross_entropy(logits, classes, mask):
    gradient, rows = np.empty_like(logits), _as_rows(logits)
    labels, flags = classes.reshape(-1), _as_flags(mask, classes.size)
    return LossAndGradient(_softmax_cross_entropy_rows(rows, labels, flags, _as_rows(gradient)), gradient)


@jit
def _sigmoid_cross_entropy(logits, target, mask):
    gradient, rows = np.empty_like(logits), _as_rows(logits)
    flags = _as_flags(mask, rows.shape[0])
    return LossAndGradient(_sigmoid_cross_entropy_rows(rows, _as_rows(target), flags, _as_rows(gradient)), gradient)


def _check_array(name: str, array: np.ndarray, dtypes: tuple, shape: tuple | None = None) -> None:
    """Raise ValueError unless array is of one of the dtypes, or of integers where dtypes is empty, and of the shape."""
    check_array(name, array)
    if array.dtype not in dtypes if dtypes else not is_integers(array):
        raise ValueError(f"{name} must be {' or '.join(map(str, dtypes)) or 'integers'}, got {array.dtype}")
    if shape is None and (array.ndim < 2 or not array.size):
        raise ValueError(f"{name} must have shape (..., O), two axes or more, none empty, got {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous, got a view of shape {array.shape} that is not")


def _checked_mask(mask: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if mask is None:
        return np.ones(shape, np.bool_)
    _check_array("mask", mask, (np.dtype(np.bool_),), shape)
    if not mask.any():
        raise ValueError(f"mask must hold at least one True, since the mean over none is undefined, got {shape} False")
    return mask


def _check_range(name: str, allowed: np.ndarray, array: np.ndarray, mask: np.ndarray, what: str) -> None:
    """Raise ValueError with the first unmasked entry of `array` that is not allowed; mask: (...), broadcast."""
    if bad := np.argwhere(~allowed & mask.reshape(mask.shape + (1,) * (array.ndim - mask.ndim))).tolist():
        place = tuple(bad[0])
        raise ValueError(f"{name} must hold {what} where mask is True, got {array[place]} at {place}")


def evaluate(
    loss: str, y: np.ndarray, beside: np.ndarray, mask: np.ndarray | None, names: tuple[str, str]
) -> LossAndGradient:
    """Check and do the loss of that name, a key of LOSSES; names: what the caller calls its first two arguments."""
    _check_array(names[0], y, FLOATS)
    classes = loss == "softmax"
    _check_array(names[1], beside, () if classes else (y.dtype,), y.shape[:-1] if classes else y.shape)
    mask, O = _checked_mask(mask, y.shape[:-1]), y.shape[-1]  # noqa: E741
    if classes:
        _check_range(names[1], (beside >= 0) & (beside < O), beside, mask, f"numbers in 0..{O - 1}")
        beside = as_symbols(beside)
    elif loss == "sigmoid":
        _check_range(names[1], (beside >= 0) & (beside <= 1), beside, mask, "numbers in [0, 1]")
    return _on_rows(LOSSES[loss], y, beside, mask)


LOSSES = {
    "mse": _mse_rows,
    "softmax": _softmax_cross_entropy_rows,
    "sigmoid": _sigmoid_cross_entropy_rows,
}


def _on_rows(kernel, y: np.ndarray, beside: np.ndarray, mask: np.ndarray) -> LossAndGradient:
    """Run a kernel on rows: one compiled body serves every number of leading axes."""
    gradient, rows = np.empty_like(y), (-1, y.shape[-1])
    beside = beside.reshape(rows if beside.ndim == y.ndim else -1)
    return LossAndGradient(float(kernel(y.reshape(rows), beside, mask.reshape(-1), gradient.reshape(rows))), gradient)


@checked_border(_mse)
def mse(y: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> LossAndGradient:
    """Return the mean of (y - target)^2 over the O entries of every unmasked position, and its gradient by y.

    y, target: (..., O), one leading axis or more, C-contiguous, of one dtype (float32 or float64); not finite gives
    a value that is not. mask: bool (...), True where a position counts; None for all.
    Raises ValueError naming a bad argument, and mask where it holds no True; unchecked, from njit code, that gives nan.
    There all three arguments are given, mask as an array or None.
    """
    return evaluate("mse", y, target, mask, ("y", "target"))


@checked_border(_softmax_cross_entropy)
def softmax_cross_entropy(logits: np.ndarray, classes: np.ndarray, mask: np.ndarray | None = None) -> LossAndGradient:
    """Return the mean of -ln softmax(logits)[class] over unmasked positions, in nats, and its gradient by logits.

    logits: (..., O), layout and dtype as y in `mse`. -inf excludes a class (inf where it is the right one); nan and
    +inf give nan. classes: integers (...), in 0..O-1 where unmasked; from njit code, where nobody checks, one outside
    gives nan. mask and errors as in `mse`.
    """
    return evaluate("softmax", logits, classes, mask, ("logits", "classes"))


@checked_border(_sigmoid_cross_entropy)
def sigmoid_cross_entropy(logits: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> LossAndGradient:
    """Return the mean of -t ln s(z) - (1 - t) ln(1 - s(z)) over the O entries of unmasked positions, in nats.

    The gradient is by logits z. s: the logistic sigmoid; computed as max(z, 0) - z t + ln(1 + exp(-|z|)).
    logits, target: (..., O), layout and dtype as in `mse`; target in [0, 1] where unmasked, checked from Python alone.
    nan gives nan. mask and errors as in `mse`.
    """
    return evaluate("sigmoid", logits, target, mask, ("logits", "target"))
