"""Expressions of the numbers of units as signs and logarithms, right to 13 digits however deep a unit is saturated.

Floats are taken where they are right: each carries a bound of its error, as rounding and cancellation make it (running
error analysis: Wilkinson 1960; Higham, Accuracy and Stability, section 3.3). The few numbers whose bound is too large
are computed again, with `rnnkit.gradients.wide`, ten times as slowly.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit.cells.expressions import FUNCTIONS, Expression, reach
from rnnkit.gradients import wide
from rnnkit.gradients.scaled import Scaled, signed

RELATIVE = 1e-13  # the largest bound of an error that is taken
UNIT = 2.0**-53
SMALLEST = 1e-290  # floats below have fewer digits, or none


class Bounded(NamedTuple):
    """Floats and bounds of their errors; of a condition whether it may be wrong, by 0 or inf."""

    v: np.ndarray
    error: np.ndarray


def evaluate(expressions: list[Expression], values: dict[str, np.ndarray]) -> list[Scaled]:
    """Return expressions of arguments by name, all of one shape, as a sign and a logarithm for each number."""
    found = _bounded(expressions, values)
    shape = next(iter(values.values())).shape
    logs = []
    with np.errstate(all="ignore"):
        bad = np.zeros(shape, bool)
        for a in found:
            v, error = (np.broadcast_to(part, shape) for part in a)
            bad |= ~((error <= RELATIVE * np.abs(v)) & ((np.abs(v) > SMALLEST) | (v == 0)))
            logs.append(signed(v))
    if bad.any():
        again = wide.evaluate(expressions, {name: v[bad] for name, v in values.items()})
        for a, better in zip(logs, again, strict=True):
            a.v[bad], a.log[bad] = better
    return logs


def _bounded(expressions: list[Expression], values: dict[str, np.ndarray]) -> list[Bounded]:
    found: dict[int, Bounded] = {}
    none = np.zeros(())
    with np.errstate(all="ignore"):
        for e in reach(expressions):
            if e.op in ("leaf", "constant"):
                found[e.number] = Bounded(values[e.value] if e.op == "leaf" else np.asarray(e.value), none)
            else:
                found[e.number] = OPERATIONS[e.op](*(found[a.number] for a in e.args))
    return [found[e.number] for e in expressions]


def _rounded(v: np.ndarray, error: np.ndarray, roundings: int = 1) -> Bounded:
    return Bounded(v, error + roundings * UNIT * np.abs(v))


def _not_zero(a: Bounded) -> np.ndarray:
    return (a.v != 0) | (a.error != 0)


def _multiply(a: Bounded, b: Bounded) -> Bounded:
    lost = np.where(_not_zero(a) & _not_zero(b), SMALLEST * UNIT, 0.0)  # where the product is below the range of floats
    return _rounded(a.v * b.v, np.abs(a.v) * b.error + np.abs(b.v) * a.error + lost)


def _divide(a: Bounded, b: Bounded) -> Bounded:
    v = a.v / b.v
    error = (a.error + np.abs(v) * b.error) / np.abs(b.v) + np.where(_not_zero(a), SMALLEST * UNIT, 0.0)
    return _rounded(v, np.where(2 * b.error < np.abs(b.v), 2 * error, np.inf))


def _function(name: str, derivative: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Bounded], Bounded]:
    """Return a function with its derivative, of its argument and its value; libm errs by an ulp or two."""

    def apply(a: Bounded) -> Bounded:
        v, lost = FUNCTIONS[name](a.v), np.where(_not_zero(a), SMALLEST * UNIT, 0.0)
        return _rounded(v, 2 * a.error * np.abs(derivative(a.v, v)) + lost, roundings=4)

    return apply


def _choose(condition: Bounded, a: Bounded, b: Bounded) -> Bounded:
    v, error = np.where(condition.v, a.v, b.v), np.where(condition.v, a.error, b.error)
    return Bounded(v, error + condition.error)


def _compare(a: Bounded, b: Bounded, function: Callable) -> Bounded:
    error = a.error + b.error
    return Bounded(function(a.v, b.v), np.where((np.abs(a.v - b.v) <= error) & (error > 0), np.inf, 0.0))


def _if_positive(d: Bounded, e: Bounded) -> Bounded:
    zero = Bounded(0 * e.v, np.zeros(()))
    return _choose(_compare(Bounded(np.zeros(()), np.zeros(())), e, np.less), d, zero)


def _sign(a: Bounded) -> Bounded:
    return Bounded(np.sign(a.v), np.where((np.abs(a.v) <= a.error) & (a.error > 0), np.inf, 0.0))


OPERATIONS: dict[str, Callable] = {
    "add": lambda a, b: _rounded(a.v + b.v, a.error + b.error),
    "sub": lambda a, b: _rounded(a.v - b.v, a.error + b.error),
    "mul": _multiply,
    "div": _divide,
    "neg": lambda a: Bounded(-a.v, a.error),
    "tanh": _function("tanh", lambda _, v: 1 - v * v + UNIT),
    "sigmoid": _function("sigmoid", lambda _, v: v),
    "exp": _function("exp", lambda _, v: v),
    "log1p": _function("log1p", lambda a, _: 1 / (1 + a)),
    "relu": lambda a: _if_positive(a, a),
    "abs": lambda a: Bounded(np.abs(a.v), a.error),
    "if_positive": _if_positive,
    "sign": _sign,
    "where": _choose,
    "less": lambda a, b: _compare(a, b, np.less),
    "at_most": lambda a, b: _compare(a, b, np.less_equal),
}
