"""The source of a cell's two loops over the numbers of some rows, which Numba compiles.

Forward takes (blocks, states, per_unit, new states, saved); back takes (adjoints, states, new states, saved, per_unit,
totals, gradients of blocks, of per_unit). No two pointers overlap. Back, the adjoints of the new states become those of
the states before, by the ways that lead through no block: the products add theirs. Gradients of per_unit are added to.
"""

from collections.abc import Iterable
from typing import NamedTuple

from rnnkit.cells.expressions import Expression, reach
from rnnkit.cells.plan import SLOW, Plan

INDENT = "    "
TEXT = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}", "abs": "abs({})",
    "less": "{} < {}", "at_most": "{} <= {}", "where": "{1} if {0} else {2}",
    "if_positive": "{0} if {1} > zero else {1} * zero",
    "sign": "one if {0} > zero else minus_one if {0} < zero else {0} * zero",
}  # fmt: skip


class Source(NamedTuple):
    """The text of a function and the names of its pointers."""

    text: str
    pointers: list[str]


def forward_source(plan: Plan) -> Source:
    """Return the loops of a step: one for each activation of a block alone, then one for the rest."""
    cell, arguments = plan.cell, plan.trace.arguments
    loads = {arguments[name].number: name for name in (*cell.blocks, *cell.states, *cell.per_unit)}
    stores = [(e, f"new_{name}") for name, e in zip(cell.states, plan.trace.outputs, strict=True)]
    saved = {e.number: f"saved_{i}" for i, e in enumerate(plan.saved)}
    bodies = []
    for e in plan.saved:
        if e.op in SLOW and e.args[0].number in loads and e.args[0].value in cell.blocks:
            bodies.append(_loop({e.args[0].number: e.args[0].value}, [(e, saved[e.number])]))
            loads[e.number] = saved[e.number]
    rest = [(e, saved[e.number]) for e in plan.saved if e.number not in loads or e.op == "leaf"]
    bodies.append(_loop(loads, [*stores, *rest]))
    pointers = [*cell.blocks, *cell.states, *cell.per_unit, *(name for _, name in stores), *saved.values()]
    return _function("forward", plan, pointers, bodies)


def backward_source(plan: Plan) -> Source:
    """Return the loop of a step back."""
    cell, arguments, outputs = plan.cell, plan.trace.arguments, plan.trace.outputs
    adjoints, new = ([f"{kind}_{name}" for name in cell.states] for kind in ("d", "new"))
    saved = [f"saved_{i}" for i in range(len(plan.saved))]
    loads = {e.number: name for e, name in zip(outputs, new, strict=True)}
    loads |= {arguments[name].number: name for name in (*cell.states, *cell.per_unit)}
    loads |= {e.number: name for e, name in zip((*plan.saved, *plan.adjoints), (*saved, *adjoints), strict=True)}
    totals = [(e, f"total_{name}") for e, name in zip(plan.totals, cell.states, strict=True) if e is not None]
    found = zip((*plan.of_blocks, *plan.of_states), [*(f"d_{name}" for name in cell.blocks), *adjoints], strict=True)
    zero = plan.trace.graph.constant(0.0)
    stores = [*totals, *((zero if e is None else e, name) for e, name in found)]
    adds = [(e, f"d_{name}") for e, name in zip(plan.of_units, cell.per_unit, strict=True)]
    pointers = [*adjoints, *cell.states, *new, *saved, *cell.per_unit, *(name for _, name in totals)]
    pointers += [f"d_{name}" for name in (*cell.blocks, *cell.per_unit)]
    return _function("backward", plan, pointers, [_loop(loads, stores, adds)])


class _Body(NamedTuple):
    lines: list[str]
    constants: list[Expression]
    given: list[Expression]


def _loop(
    loads: dict[int, str], stores: Iterable[tuple[Expression, str]], adds: Iterable[tuple[Expression, str]] = ()
) -> _Body:
    """Return the lines of one loop: a line for each expression, in their order, so that each is computed once."""
    stores, adds = list(stores), list(adds)
    roots = [e for e, _ in (*stores, *adds)]
    needed = reach(roots, stop=[e for e in reach(roots) if e.number in loads])
    lines, constants, given = [], [], []
    for e in needed:
        if e.number in loads:
            lines.append(f"{_name(e)} = p_{loads[e.number]}[j]")
        elif e.op == "constant":
            constants.append(e)
        elif e.op == "leaf":
            given.append(e)
        else:
            args = [_name(a) for a in e.args]
            lines.append(f"{_name(e)} = {TEXT[e.op].format(*args) if e.op in TEXT else f'{e.op}({args[0]})'}")
    lines += [f"p_{name}[j] = {_name(e)}" for e, name in stores]
    lines += [f"p_{name}[j] += {_name(e)}" for e, name in adds]
    return _Body(lines, constants, given)


def _name(e: Expression) -> str:
    return f"v{e.number}"


def _function(name: str, plan: Plan, pointers: list[str], bodies: list[_Body]) -> Source:
    """Return a function around the loops; what a loop takes from outside is a constant, and from no loop before it."""
    lines = [f"def {name}({', '.join(f'p_{pointer}' for pointer in pointers)}, constants, size):"]
    lines += [f"number = type(p_{pointers[0]}[0])", "zero, one, minus_one = number(0), number(1), number(-1)"]
    names = list(plan.cell.constants)
    for e in {e.number: e for body in bodies for e in body.given}.values():
        lines.append(f"{_name(e)} = constants[{names.index(e.value)}]")
    for e in {e.number: e for body in bodies for e in body.constants}.values():
        lines.append(f"{_name(e)} = number({e.value!r})")
    for body in bodies:
        lines += ["for j in range(size):", *(INDENT + line for line in body.lines)]
    return Source(f"\n{INDENT}".join(lines) + "\n", pointers)
