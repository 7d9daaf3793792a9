"""Checks of single arguments, used wherever Python calls rnnkit: one wording for each kind of mistake.

Each raises ValueError: the argument's name, what is allowed, what came. `integer`, `number` and `boolean` return the
plain Python value, so that nothing behind them meets a NumPy scalar.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

LONGEST = 80  # characters of a value in a message


def shown(value: Any) -> str:
    """Return what a message says of a value: shape and dtype of an array, else its repr, cut where it is long."""
    if isinstance(value, np.ma.MaskedArray):
        return f"a masked array {value.shape}"
    if isinstance(value, np.ndarray):
        return f"{value.shape} {value.dtype}"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({type(value).__name__})"


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer; True and 1.0 are none."""
    if type(value) is int:
        return True
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number, nan and inf among them; True is none."""
    return is_integer(value) or isinstance(value, float | np.floating)


def integer(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Return an integer within its bounds."""
    if is_integer(value) and (least is None or value >= least) and (most is None or value <= most):
        return int(value)
    bounds = "" if least is None else f" >= {least}" if most is None else f" in {least}..{most}"
    wanted = f"the integer {least}" if least is not None and least == most else f"an integer{bounds}"
    raise ValueError(f"{name} must be {wanted}, got {shown(value)}")


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """Return a finite number within its bounds: above and below are excluded, least and most included."""
    if is_number(value) and _is_finite(value):
        high = (below is None or value < below) and (most is None or value <= most)
        if high and (above is None or value > above) and (least is None or value >= least):
            return float(value)
    raise ValueError(f"{name} must be {_bounds(above, least, below, most)}, got {shown(value)}")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False


def _bounds(above: float | None, least: float | None, below: float | None, most: float | None) -> str:
    if (below is None and most is None) or (above is None and least is None):
        ends = ((">", above), (">=", least), ("<", below), ("<=", most))
        return "a finite number" + "".join(f" {sign} {end:.3g}" for sign, end in ends if end is not None)
    low = f"[{least:.3g}" if above is None else f"({above:.3g}"
    return f"a number in {low}, " + (f"{most:.3g}]" if below is None else f"{below:.3g})")


def boolean(name: str, value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return one of the allowed words."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {shown(value)}")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """Return a generator of random numbers."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy.random.Generator, got {shown(value)}")
    return value


def function(name: str, value: Any) -> Any:
    """Return what can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {shown(value)}")
    return value


def check_array(name: str, value: Any, wanted: str = "") -> None:
    """Raise ValueError unless value is a numpy array that hides nothing; wanted: what else a message asks of it."""
    if type(value) is np.ndarray:
        return
    check_unmasked(name, value)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} must be a numpy array{wanted and ' '}{wanted}, got {type(value).__name__}")


def check_unmasked(name: str, value: Any) -> None:
    """Raise ValueError for a masked array: as a plain array it would lose its mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"{name} must be a plain array, got a masked array {value.shape}, whose mask would be lost: "
            "fill it, and say what counts by `mask` or `lengths`"
        )


def to_dtype(name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return numbers in a dtype; ValueError for a finite one that is too large for it."""
    with np.errstate(over="ignore"):
        found = array.astype(dtype, copy=False)
    if bad := np.argwhere(np.isinf(found) & np.isfinite(array)).tolist():
        raise ValueError(f"{name} must fit {found.dtype}, got {array[tuple(bad[0])]} at {tuple(bad[0])}")
    return found


def is_integers(array: np.ndarray) -> bool:
    """Return whether an array holds integers, of any size; times and truth values are none."""
    return array.dtype.kind in "iu"


def check_real(name: str, value: Any, ndim: int | None = None) -> None:
    """Raise ValueError unless value, an array or what NumPy makes one of, holds real numbers or truth values."""
    check_unmasked(name, value)
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" or (ndim is not None and array.ndim != ndim):
        axes = "" if ndim is None else f" along {ndim} {'axis' if ndim == 1 else 'axes'}"
        raise ValueError(f"{name} must hold real numbers{axes}, got {shown(value)}")


def check_path(name: str, value: Any) -> None:
    """Raise ValueError unless value is a path: a number would be taken for an open file."""
    if not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise ValueError(f"{name} must be a path, got {shown(value)}")


def mapping(name: str, value: Any) -> Mapping:
    """Return what has values by name."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a dictionary, got {shown(value)}")
    return value
