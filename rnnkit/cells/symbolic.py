"""A cell's step as expressions, by calling it once with expressions for its arguments."""

import traceback
from typing import NamedTuple

from rnnkit.cells.cell import Cell
from rnnkit.cells.checks import check_contract, fail
from rnnkit.cells.expressions import ALLOWED, CONDITIONS, Expression, Graph, StepError, reach


class Symbolic(NamedTuple):
    """arguments: the step's, by name. outputs: the new states, in the order of the cell's states."""

    graph: Graph
    arguments: dict[str, Expression]
    outputs: list[Expression]


def symbolic(cls: type[Cell]) -> Symbolic:
    """Return the expressions of a cell's step; ValueError with file and line for a step that has none.

    The graph is the caller's to add to.
    """
    check_contract(cls)
    graph = Graph()
    arguments = {name: graph.leaf(name) for name in cls.arguments()}
    try:
        returned = cls.step(*arguments.values())
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        files = {cls.step.__code__.co_filename}
        line = next((frame.lineno for frame in reversed(frames) if frame.filename in files), None)
        said = " ".join(str(error).split())
        if "__array_ufunc__" in said:
            said = ALLOWED
        elif not isinstance(error, StepError):
            said = f"{said}; {ALLOWED}"
        fail(cls, f"step cannot be followed: {said}", line or cls.step.__code__.co_firstlineno)
    return Symbolic(graph, arguments, _outputs(cls, graph, arguments, returned))


def _outputs(cls: type[Cell], graph: Graph, arguments: dict[str, Expression], returned: object) -> list[Expression]:
    line = cls.step.__code__.co_firstlineno
    states = list(returned) if isinstance(returned, tuple) else [returned]
    if len(states) != len(cls.states):
        fail(cls, f"step must return the new {', '.join(cls.states)}, {len(cls.states)}, got {len(states)}", line)
    for name, state in zip(cls.states, states, strict=True):
        if not isinstance(state, Expression | int | float) or isinstance(state, bool):
            fail(cls, f"step must return an expression for {name}, got {type(state).__name__}", line)
    outputs = [graph.lift(state) for state in states]
    if bad := [name for name, e in zip(cls.states, outputs, strict=True) if e.op in CONDITIONS]:
        fail(cls, f"step returns a condition for {bad[0]}: use where", line)
    used = {e.number for e in reach(outputs)}
    for name in (*cls.blocks, *cls.per_unit, *cls.constants):
        if arguments[name].number not in used:
            fail(cls, f"step does not use {name}", line)
    return outputs
