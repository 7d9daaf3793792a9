"""The proof of a cell in one call: its derivatives against finite differences, its compiled loops against both."""

from typing import Any

import numpy as np
from numba import config

from rnnkit.cells import Cell, as_cell
from rnnkit.cells.derivatives import jacobian
from rnnkit.cells.expressions import Expression
from rnnkit.cells.loops import compiled
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import backward_source, forward_source
from rnnkit.cells.symbolic import symbolic
from rnnkit.gradients.differences import OFFSETS, WEIGHTS
from rnnkit.gradients.scaled import floats
from rnnkit.gradients.wide import evaluate
from rnnkit.rng import streams

POINTS, KINK = 64, 1e-7  # points; how far quotients of two steps may be apart where all is smooth


def check_cell(cell: Any) -> dict[str, float]:
    """Return the largest errors of a cell by name: of each derivative of its step, "h by a", and of its compiled loops.

    Derivatives are held against finite differences of the step; the loops that forward and BPTT run, float64, against
    the step and these derivatives.

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
    return errors if config.DISABLE_JIT else errors | _of_loops(cell, values, table, list(found.arguments))


def _of_loops(
    cell: Cell, values: dict[str, np.ndarray], table: list[list[Expression | None]], arguments: list[str]
) -> dict[str, float]:
    """Return the errors of the two compiled loops at the same points, for drawn gradients of the new states."""
    cls, drawn = type(cell), streams(1).evaluation.standard_normal((len(cell.states), POINTS))
    sources = [source(Plan(cls)) for source in (forward_source, backward_source)]
    arrays = {name: np.zeros(POINTS) for source in sources for name in source.pointers} | {
        name: values[name].copy() for name in (*cell.blocks, *cell.states, *cell.per_unit)
    }
    constants = np.array([*cell.constants.values(), 0.0])
    compiled(cls, forward_source, "float64").run(arrays, constants)
    forward = [_error(arrays[f"new_{name}"], new) for name, new in zip(cell.states, _step(cell, values), strict=True)]
    for name, adjoint in zip(cell.states, drawn, strict=True):
        arrays[f"d_{name}"][:] = adjoint
    compiled(cls, backward_source, "float64").run(arrays, constants)
    back = []
    for name in (*cell.blocks, *cell.per_unit):
        column = [row[arguments.index(name)] for row in table]
        wanted = sum(a * floats(evaluate([e], values)[0]) for a, e in zip(drawn, column, strict=True) if e is not None)
        back.append(_error(arrays[f"d_{name}"], wanted))
    return {"forward, compiled": max(forward), "BPTT, compiled": max(back)}


def _error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest error, relative or absolute below 1; where both are not finite, at a pole, there is none."""
    with np.errstate(invalid="ignore"):
        error = np.abs(got - wanted) / np.maximum(1, np.abs(wanted))
    either = np.isfinite(got) | np.isfinite(wanted)
    return float(np.max(np.where(np.isnan(error), np.inf, error), where=either, initial=0.0))


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
