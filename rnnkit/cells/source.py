"""The source of a cell's two loops over the numbers of some rows, which Numba compiles.

Forward has pointers to (blocks, states, per_unit, new states, saved); back to (adjoints, states, new states, saved,
per_unit, totals, gradients of blocks, of per_unit). No two overlap. Back, the adjoint of a new state becomes that of
the state before, by the paths that lead through no block, where there are any: the products add theirs.

`loop` takes the pointers that it uses, each with how many numbers further its next row stands. `call` finds them in a
table, a row for each: its address, how many bytes further it stands at the next step, and these numbers.
"""

from typing import NamedTuple

from rnnkit.cells.expressions import Expression, reach
from rnnkit.cells.plan import SLOW, Plan

INDENT, WORDS = "    ", 3  # words: of a row of the table
TEXT = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}", "abs": "abs({})",
    "less": "{} < {}", "at_most": "{} <= {}", "where": "{1} if {0} else {2}",
    "if_positive": "{0} if {1} > zero else {1} * zero",
    "sign": "one if {0} > zero else minus_one if {0} < zero else {0} * zero",
}  # fmt: skip


class Source(NamedTuple):
    """The text of `loop` and `call`; the names of all pointers, a row of the table each; those that `loop` takes."""

    text: str
    pointers: list[str]
    used: list[str]


def forward_source(plan: Plan) -> Source:
    """Return the loops of a step: one for each activation of a block alone, then one for the rest."""
    cell, arguments = plan.cell, plan.symbolic.arguments
    loads = {arguments[name].number: name for name in (*cell.blocks, *cell.states, *cell.per_unit)}
    stores = [(e, f"new_{name}") for name, e in zip(cell.states, plan.symbolic.outputs, strict=True)]
    saved = {e.number: f"saved_{i}" for i, e in enumerate(plan.saved)}
    bodies = []
    for e in plan.saved:
        if e.op in SLOW and e.args[0].number in loads and e.args[0].value in cell.blocks:
            bodies.append(_loop({e.args[0].number: e.args[0].value}, [(e, saved[e.number])]))
            loads[e.number] = saved[e.number]
    rest = [(e, saved[e.number]) for e in plan.saved if e.number not in loads or e.op == "leaf"]
    bodies.append(_loop(loads, [*stores, *rest]))
    pointers = [*cell.blocks, *cell.states, *cell.per_unit, *(name for _, name in stores), *saved.values()]
    return _source(plan, pointers, bodies)


def backward_source(plan: Plan) -> Source:
    """Return the loop of a step back."""
    cell, arguments, outputs = plan.cell, plan.symbolic.arguments, plan.symbolic.outputs
    adjoints, new = ([f"{kind}_{name}" for name in cell.states] for kind in ("d", "new"))
    saved = [f"saved_{i}" for i in range(len(plan.saved))]
    loads = {e.number: name for e, name in zip(outputs, new, strict=True)}
    loads |= {arguments[name].number: name for name in (*cell.states, *cell.per_unit)}
    loads |= {e.number: name for e, name in zip((*plan.saved, *plan.adjoints), (*saved, *adjoints), strict=True)}
    totals = [f"total_{name}" for name in cell.states]
    gradients = [f"d_{name}" for name in (*cell.blocks, *cell.per_unit)]
    found = [*zip(plan.totals, totals, strict=True), *zip(plan.of_states, adjoints, strict=True)]
    stores = [(e, name) for e, name in found if e is not None]
    zero = plan.symbolic.graph.constant(0.0)
    of_gradients = zip((*plan.of_blocks, *plan.of_units), gradients, strict=True)
    stores += [(zero if e is None else e, name) for e, name in of_gradients]
    pointers = [*adjoints, *cell.states, *new, *saved, *cell.per_unit, *totals, *gradients]
    return _source(plan, pointers, [_loop(loads, stores)])


class _Body(NamedTuple):
    lines: list[str]
    used: set[str]
    constants: list[Expression]
    given: list[Expression]


def _loop(loads: dict[int, str], stores: list[tuple[Expression, str]]) -> _Body:
    """Return the lines of one loop: a line for each expression, in their order, so that each is computed once."""
    roots = [e for e, _ in stores]
    needed = reach(roots, stop=[e for e in reach(roots) if e.number in loads])
    lines, constants, given, used = [], [], [], {name for _, name in stores}
    for e in needed:
        if e.number in loads:
            used.add(loads[e.number])
            lines.append(f"{_name(e)} = {_place(loads[e.number])}")
        elif e.op == "constant":
            constants.append(e)
        elif e.op == "leaf":
            given.append(e)
        else:
            args = [_name(a) for a in e.args]
            lines.append(f"{_name(e)} = {TEXT[e.op].format(*args) if e.op in TEXT else f'{e.op}({args[0]})'}")
    lines += [f"{_place(name)} = {_name(e)}" for e, name in stores]
    return _Body(lines, used, constants, given)


def _name(e: Expression) -> str:
    return f"v{e.number}"


def _place(name: str) -> str:
    return f"p_{name}[row * r_{name} + j]"


def _source(plan: Plan, pointers: list[str], bodies: list[_Body]) -> Source:
    """Return functions around the loops; what a loop takes from outside is a constant, and from no loop before it."""
    used = [name for name in pointers if any(name in body.used for body in bodies)]
    lines = [f"number = type(p_{used[0]}[0])", "zero, one, minus_one = number(0), number(1), number(-1)"]
    names = list(plan.cell.constants)
    for e in {e.number: e for body in bodies for e in body.given}.values():
        lines.append(f"{_name(e)} = constants[{names.index(e.value)}]")
    for e in {e.number: e for body in bodies for e in body.constants}.values():
        lines.append(f"{_name(e)} = number({e.value!r})")
    for body in bodies:
        lines += ["for row in range(rows):", f"{INDENT}for j in range(size):"]
        lines += [2 * INDENT + line for line in body.lines]
    return source_of_lines(pointers, used, lines)


def source_of_lines(pointers: list[str], used: list[str], lines: list[str]) -> Source:
    """Return the functions around the lines of a loop."""
    lines = [f"def loop({', '.join(f'p_{name}, r_{name}' for name in used)}, constants, rows, size):", *lines]
    numbers = [pointers.index(name) for name in used]
    places = [f"pointer_at(table, {k}, step, constants), table[{WORDS * k + 2}]" for k in numbers]
    call = ["def call(table, constants, step, rows, size):", f"loop({', '.join(places)}, constants, rows, size)"]
    text = "\n\n".join(f"\n{INDENT}".join(part) for part in (lines, call))
    return Source(f"{text}\n", pointers, used)
