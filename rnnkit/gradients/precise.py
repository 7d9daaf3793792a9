"""The local derivatives of a step, right to 12 digits however deep a unit is saturated.

A compiled loop takes floats, each with a bound of its error (`rnnkit.cells.bounded`). The few whose bound is too large
are computed again, with `rnnkit.gradients.wide`, a hundred times as slowly, as signs and logarithms.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from rnnkit.cells import Cell
from rnnkit.cells.bounded import bounded_source, local_derivatives_of
from rnnkit.cells.expressions import Expression
from rnnkit.cells.loops import compiled
from rnnkit.cells.plan import Plan
from rnnkit.gradients import wide
from rnnkit.gradients.scaled import DEEP, Scaled, floats, signed

Key = tuple[str, str]  # d state / d (block, state before, trained number, or new_<state>), by names


@cache
def expressions_of(cls: type[Cell]) -> dict[Key, Expression]:
    """Return the local derivatives that a cell has."""
    return local_derivatives_of(Plan(cls))


class Derivatives(NamedTuple):
    """Numbers v (derivatives, steps, rows, H) in the order of `keys`, but for those at `where`: these are `exact`.

    where: indices of steps, rows, units. exact: for each derivative, as signs and logarithms.
    """

    keys: tuple[Key, ...]
    v: np.ndarray
    where: tuple[np.ndarray, ...]
    exact: list[Scaled]

    def as_floats(self) -> tuple[np.ndarray, bool]:
        """Return (all as floats, whether these hold them: none is far below 1, as e^-300)."""
        with np.errstate(over="ignore", invalid="ignore"):
            for v, exact in zip(self.v, self.exact, strict=True):
                v[self.where] = floats(exact)
            held = all(((np.abs(exact.log) < -DEEP) | (exact.v == 0)).all() for exact in self.exact)
        return self.v, held

    def as_logs(self) -> dict[Key, Scaled]:
        """Return all as a sign and a logarithm each."""
        found = {}
        for key, v, exact in zip(self.keys, self.v, self.exact, strict=True):
            found[key] = signed(v)
            found[key].v[self.where], found[key].log[self.where] = exact
        return found


def evaluate(cell: Cell, values: dict[str, np.ndarray]) -> Derivatives:
    """Return the local derivatives for blocks and states before (steps, rows, H), and trained numbers (H,), by name."""
    cls, expressions = type(cell), expressions_of(type(cell))
    shape = values[cell.states[0]].shape
    arrays = {name: np.ascontiguousarray(a) for name, a in values.items()}
    v, bad = np.empty((len(expressions), *shape)), np.empty(shape)
    arrays |= {f"d{i}": of_key for i, of_key in enumerate(v)} | {"bad": bad}
    compiled(cls, bounded_source, "float64").run_rows(arrays, np.array([*cell.constants.values(), 0.0]), shape)
    where = np.nonzero(bad != 0)
    again = {name: a[where] if a.ndim == 3 else a[where[2]] for name, a in values.items()}
    again |= {name: np.full(len(where[0]), value) for name, value in cell.constants.items()}
    exact = wide.evaluate(list(expressions.values()), again) if len(where[0]) else [_NONE] * len(expressions)
    return Derivatives(tuple(expressions), v, where, exact)


_NONE = Scaled(np.empty(0), np.empty(0))
