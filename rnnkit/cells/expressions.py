"""Expressions of the numbers of one unit: what a cell's `step` makes of its arguments when it is traced.

A graph holds each expression once, in the order in which they were made: what an expression is made of has a lower
number. So equal expressions are one object, and derivatives share what the step has computed.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


def _sigmoid(a: Any) -> Any:
    """Return 1 / (1 + e^-a) to some ulps for any a: e^-ln(1 + e^-a) would err by 1e-13 at a = -700."""
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, e) / (1 + e)


FUNCTIONS: dict[str, Callable] = {
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log1p": np.log1p,
    "abs": np.abs,
}
OF_CELLS = ", ".join(name for name in FUNCTIONS if name != "abs")
ALLOWED = f"a step has + - * / **, abs, and the functions of rnnkit.cells: {OF_CELLS} and where"
ARITHMETIC = ("add", "sub", "mul", "div", "neg")
CONDITIONS = ("less", "at_most")
LARGEST_POWER = 8


class StepError(TypeError):
    """What a step may not do."""


class Graph:
    """The expressions of one step."""

    def __init__(self) -> None:
        """Begin with none."""
        self.expressions: list[Expression] = []
        self._known: dict[tuple, Expression] = {}

    def leaf(self, name: str) -> "Expression":
        """Return an argument of the step."""
        return self._make("leaf", (), name)

    def constant(self, value: float) -> "Expression":
        """Return a number that is the same for all units."""
        return self._make("constant", (), value)

    def lift(self, value: Any) -> "Expression":
        """Return a number as an expression; an expression as it is."""
        if isinstance(value, Expression):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise StepError(f"cannot compute with {value!r}: a step takes numbers and what is made of its arguments")
        if not np.isfinite(value):
            raise StepError(f"a number in a step must be finite, got {value}")
        return self.constant(float(value))

    def of(self, op: str, *args: Any) -> "Expression":
        """Return op of these; what changes no bit is simplified, and what commutes has one order."""
        args = tuple(map(self.lift, args))
        taken = {"where": (args[:1], args[1:])}.get(op, ((), args))
        if any(a.op not in CONDITIONS for a in taken[0]) or any(a.op in CONDITIONS for a in taken[1]):
            raise StepError("a condition is made by < <= > >= and is the first argument of where, and nothing else")
        simpler = _simplify(self, op, *args) if op in ARITHMETIC else None
        if simpler is not None:
            return simpler
        if op in ("add", "mul"):
            args = tuple(sorted(args, key=lambda a: a.number))
        return self._make(op, args, None)

    def _make(self, op: str, args: "tuple[Expression, ...]", value: Any) -> "Expression":
        key = (op, tuple(a.number for a in args), value)
        if key not in self._known:
            self._known[key] = Expression(self, op, args, value, len(self.expressions))
            self.expressions.append(self._known[key])
        return self._known[key]


class Expression:
    """One number of a unit: an argument, a constant, or op of other expressions."""

    __slots__ = ("args", "graph", "number", "op", "value")
    __array_ufunc__ = None  # NumPy's numbers leave arithmetic to this class, and its functions refuse
    __hash__ = None

    def __init__(self, graph: Graph, op: str, args: "tuple[Expression, ...]", value: Any, number: int) -> None:
        """Hold what `Graph` has made."""
        self.graph, self.op, self.args, self.value, self.number = graph, op, args, value, number

    def __add__(self, other: Any) -> "Expression":
        return self.graph.of("add", self, other)

    def __radd__(self, other: Any) -> "Expression":
        return self.graph.of("add", other, self)

    def __sub__(self, other: Any) -> "Expression":
        return self.graph.of("sub", self, other)

    def __rsub__(self, other: Any) -> "Expression":
        return self.graph.of("sub", other, self)

    def __mul__(self, other: Any) -> "Expression":
        return self.graph.of("mul", self, other)

    def __rmul__(self, other: Any) -> "Expression":
        return self.graph.of("mul", other, self)

    def __truediv__(self, other: Any) -> "Expression":
        return self.graph.of("div", self, other)

    def __rtruediv__(self, other: Any) -> "Expression":
        return self.graph.of("div", other, self)

    def __pow__(self, n: int) -> "Expression":
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= LARGEST_POWER:
            raise StepError(f"a power must be a whole number from 1 to {LARGEST_POWER}, got {n!r}")
        return self if n == 1 else self * self ** (n - 1)

    def __neg__(self) -> "Expression":
        return self.graph.of("neg", self)

    def __pos__(self) -> "Expression":
        return self

    def __abs__(self) -> "Expression":
        return self.graph.of("abs", self)

    def __lt__(self, other: Any) -> "Expression":
        return self.graph.of("less", self, other)

    def __gt__(self, other: Any) -> "Expression":
        return self.graph.of("less", other, self)

    def __le__(self, other: Any) -> "Expression":
        return self.graph.of("at_most", self, other)

    def __ge__(self, other: Any) -> "Expression":
        return self.graph.of("at_most", other, self)

    def __eq__(self, other: object) -> bool:
        raise StepError("== and != have no derivative: compare by < <= > >= inside where")

    def __bool__(self) -> bool:
        raise StepError("a step computes all units at once: where(condition, a, b) takes the place of if, and, or, max")

    def __float__(self) -> float:
        raise StepError(ALLOWED)

    def __repr__(self) -> str:
        """Return what it is made of."""
        return str(self.value) if not self.args else f"{self.op}({', '.join(map(repr, self.args))})"


def _apply(op: str, a: Any) -> Any:
    """Return a function of an expression, of a number or of an array."""
    return a.graph.of(op, a) if isinstance(a, Expression) else FUNCTIONS[op](a)


def tanh(a: Any) -> Any:
    """Return the hyperbolic tangent."""
    return _apply("tanh", a)


def sigmoid(a: Any) -> Any:
    """Return 1 / (1 + e^-a)."""
    return _apply("sigmoid", a)


def relu(a: Any) -> Any:
    """Return the larger of a and 0; its derivative at 0 is 0."""
    return _apply("relu", a)


def exp(a: Any) -> Any:
    """Return e^a."""
    return _apply("exp", a)


def log1p(a: Any) -> Any:
    """Return ln(1 + a)."""
    return _apply("log1p", a)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition (<, <=, >, >= of two numbers) holds, else b; a nan fails every condition."""
    if isinstance(condition, Expression):
        return condition.graph.of("where", condition, a, b)
    return np.where(condition, a, b)


def _simplify(graph: Graph, op: str, a: Expression, b: Expression | None = None) -> Expression | None:
    """Return an expression with the same bits that costs less, or None."""
    negative = [e.op == "neg" for e in (a, b) if e is not None]
    if op == "neg":
        return a.args[0] if negative[0] else None
    if op == "add":
        if _is(a, 0) or _is(b, 0):
            return b if _is(a, 0) else a
        if any(negative):
            return graph.of("sub", a, b.args[0]) if negative[1] else graph.of("sub", b, a.args[0])
    if op == "sub":
        if _is(b, 0):
            return a
        if _is(a, 0) or negative[1]:
            return graph.of("neg", b) if _is(a, 0) else graph.of("add", a, b.args[0])
    if op == "mul":
        if _is(a, 1) or _is(b, 1):
            return b if _is(a, 1) else a
        if any(negative):
            inside = graph.of("mul", a.args[0] if negative[0] else a, b if negative[0] else b.args[0])
            return graph.of("neg", inside)
    return a if op == "div" and _is(b, 1) else None


def _is(e: Expression, value: float) -> bool:
    return e.op == "constant" and e.value == value


def reach(roots: Iterable[Expression], stop: Iterable[Expression] = ()) -> list[Expression]:
    """Return the expressions that these are made of, and these, in the order of their numbers.

    What `stop` holds is taken as it is: what it is made of is left out.
    """
    ends, found, todo = {e.number for e in stop}, {}, list(roots)
    while todo:
        e = todo.pop()
        if e.number not in found:
            found[e.number] = e
            if e.number not in ends:
                todo += e.args
    return [found[number] for number in sorted(found)]
