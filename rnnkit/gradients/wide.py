"""Numbers as a float64 and a rest of any size, for expressions that cancel: of saturated units nothing is lost.

A unit that saturates is 1 less something, tanh(a) = 1 - 2 / (1 + e^2a), and what its derivatives are made of is that
rest, which float64 loses from |a| = 18 on, and the end of float64 at 745. So a number is hi + lo: hi is a float64, lo
a sign and a logarithm, and sums and products keep the rounding error of the hi's (Knuth; Dekker 1971). Where the hi's
cancel, lo is what stays.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit.cells.expressions import Expression, reach
from rnnkit.gradients.scaled import Scaled, floats, graded, plus, signed, times

NEAR_ONE = 0.5  # from here on tanh is taken as 1 less a rest
LINEAR = 1e-8  # tanh(a) and ln(1 + a) are a below, to rounding
SMALLEST = 1e-250  # below, a product of floats could lose digits
LARGEST = 1e290  # above, its rounding error cannot be computed
SPLITTER = 2.0**27 + 1


class Wide(NamedTuple):
    """hi + lo: hi (N,) float64, lo graded: a sign and a logarithm for each number."""

    hi: np.ndarray
    lo: Scaled


def wide(a: np.ndarray) -> Wide:
    """Return floats as they are."""
    return Wide(a, Scaled(np.zeros_like(a), np.full_like(a, -np.inf)))


def total(a: Wide) -> Scaled:
    """Return hi + lo as a sign and a logarithm each."""
    return graded(plus(signed(a.hi), a.lo))


def evaluate(expressions: list[Expression], values: dict[str, np.ndarray]) -> list[Scaled]:
    """Return expressions of arguments, by name (N,), as a sign and a logarithm each."""
    found: dict[int, Wide] = {}
    shape = next(iter(values.values())).shape
    with np.errstate(all="ignore"):
        for e in reach(expressions):
            if e.op in ("leaf", "constant"):
                value = values[e.value] if e.op == "leaf" else np.full(shape, e.value)
                found[e.number] = wide(value)
            else:
                found[e.number] = OPERATIONS[e.op](*(found[a.number] for a in e.args))
        return [total(found[e.number]) for e in expressions]


def _floats(a: Wide) -> np.ndarray:
    return a.hi + floats(a.lo)


def _sum(*parts: Scaled) -> Scaled:
    found = parts[0]
    for part in parts[1:]:
        found = graded(plus(found, part))
    return found


def _add(a: Wide, b: Wide) -> Wide:
    hi = a.hi + b.hi
    of_b = hi - a.hi
    error = (a.hi - (hi - of_b)) + (b.hi - of_b)
    return Wide(hi, _sum(a.lo, b.lo, signed(np.where(np.isfinite(hi), error, 0.0))))


def _negative(a: Wide) -> Wide:
    return Wide(-a.hi, Scaled(-a.lo.v, a.lo.log))


def _multiply(a: Wide, b: Wide) -> Wide:
    hi = a.hi * b.hi
    small = (np.abs(hi) < SMALLEST) & (a.hi != 0) & (b.hi != 0)
    error = signed(np.where(np.abs(hi) < LARGEST, _product_error(a.hi, b.hi, hi), 0.0))
    whole = times(signed(a.hi), signed(b.hi))
    error = Scaled(np.where(small, whole.v, error.v), np.where(small, whole.log, error.log))
    parts = times(signed(a.hi), b.lo), times(signed(b.hi), a.lo), times(a.lo, b.lo)
    return Wide(np.where(small, 0.0, hi), _sum(error, *parts))


def _product_error(a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return np.where(np.isfinite(error), error, 0.0)


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def _divide(a: Wide, b: Wide) -> Wide:
    """Return the quotient of the floats, and what it leaves of a over b; that alone where floats have no quotient."""
    divisor, quotient = total(b), a.hi / _floats(b)
    by_floats = np.isfinite(quotient) & (np.abs(quotient) > SMALLEST)
    has_rest = (divisor.v != 0) & np.isfinite(a.hi) & np.isfinite(b.hi)
    left = total(_add(a, _negative(_multiply(wide(np.where(by_floats, quotient, 0.0)), b))))
    lo = Scaled(np.where(has_rest, left.v * divisor.v, 0.0), np.where(has_rest, left.log - divisor.log, -np.inf))
    return Wide(np.where(by_floats | ~has_rest, quotient, 0.0), lo)


def _tanh(a: Wide) -> Wide:
    x, all_ = _floats(a), total(a)
    sign, size, whole = np.sign(x), np.abs(x), signed(np.tanh(x))
    near = size > NEAR_ONE
    hi = np.where(near | np.isnan(x), sign, 0.0)
    rest = np.log(2) - np.logaddexp(0, 2 * size)
    linear = size < LINEAR
    lo_v = np.where(near, -sign, np.where(linear, all_.v, whole.v))
    return Wide(hi, Scaled(lo_v, np.where(near, rest, np.where(linear, all_.log, whole.log))))


def _sigmoid(a: Wide) -> Wide:
    x = _floats(a)
    above = x > 0
    hi = np.where(np.isnan(x), x, np.where(above, 1.0, 0.0))
    return Wide(hi, Scaled(np.where(above, -1.0, 1.0), -np.logaddexp(0, np.abs(x))))


def _exp(a: Wide) -> Wide:
    x = _floats(a)
    return Wide(np.where(np.isnan(x), x, 0.0), Scaled(np.ones_like(x), x))


def _log1p(a: Wide) -> Wide:
    x, all_ = _floats(a), total(a)
    linear = np.abs(x) < LINEAR
    below = total(_add(wide(np.ones_like(x)), a))
    hi = np.where(x > -NEAR_ONE, np.log1p(x), np.where(below.v < 0, np.nan, below.log))
    return Wide(np.where(linear, 0.0, hi), Scaled(np.where(linear, all_.v, 0.0), np.where(linear, all_.log, -np.inf)))


def _choose(condition: np.ndarray, a: Wide, b: Wide) -> Wide:
    pick = lambda one, other: np.where(condition, one, other)  # noqa: E731
    return Wide(pick(a.hi, b.hi), Scaled(pick(a.lo.v, b.lo.v), pick(a.lo.log, b.lo.log)))


def _if_positive(d: Wide, e: Wide) -> Wide:
    """Return d where e > 0, else 0, and nan where e is nan."""
    x = _floats(e)
    return _choose(total(e).v > 0, d, wide(np.where(np.isnan(x), x, 0.0)))


def _sign(a: Wide) -> Wide:
    return wide(total(a).v)


def _compare(of: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[Wide, Wide], np.ndarray]:
    return lambda a, b: of(total(_add(a, _negative(b))).v, 0.0)


OPERATIONS: dict[str, Callable] = {
    "add": _add,
    "sub": lambda a, b: _add(a, _negative(b)),
    "mul": _multiply,
    "div": _divide,
    "neg": _negative,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "exp": _exp,
    "log1p": _log1p,
    "relu": lambda a: _if_positive(a, a),
    "abs": lambda a: _multiply(a, _sign(a)),
    "if_positive": _if_positive,
    "sign": _sign,
    "where": _choose,
    "less": _compare(np.less),
    "at_most": _compare(np.less_equal),
}
