"""The source of a loop that computes the local derivatives of a step in float64, each with a bound of its error.

Running error analysis (Wilkinson 1960; Higham, Accuracy and Stability, section 3.3): beside each number v stands e, as
rounding and cancellation make it. Where a derivative's bound is too large, as of a saturated unit, or it is near the
end of float64, `bad` is 1: such are computed again (`rnnkit.gradients.wide`). Of tanh and sigmoid alone that is rare,
since what is left of 1 has a formula of its own.
"""

from rnnkit.cells.derivatives import partial_derivatives
from rnnkit.cells.expressions import Expression, reach
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import INDENT, TEXT, Source, source_of_lines

RELATIVE = 1e-12  # the largest bound of an error that is taken
UNIT = 2.0**-53
SMALLEST = 1e-290  # floats below have fewer digits, or none
LOST = SMALLEST * UNIT  # of a product or quotient that is below the range of floats
ROUNDINGS = 6  # a function errs by 2.4 ulps at most: see `rnnkit.cells.functions`
# v: the number; a, b, c: what it is made of; ea, eb, ec: their bounds.
_ROUNDED, _A, _B = "unit * abs({v})", "abs({a}) + {ea} > zero", "abs({b}) + {eb} > zero"
_FUNCTION = f"of_function * abs({{v}}) + (lost if {_A} else zero)"
_SIGN_OF_A = "infinite if abs({a}) <= {ea} and {ea} > zero else zero"
_SIGN_OF_B = "infinite if abs({b}) <= {eb} and {eb} > zero else zero"
_ORDER = "infinite if abs({a} - {b}) <= {ea} + {eb} and {ea} + {eb} > zero else zero"
BOUNDS = {
    "add": f"{{ea}} + {{eb}} + {_ROUNDED}",
    "sub": f"{{ea}} + {{eb}} + {_ROUNDED}",
    "mul": f"abs({{a}}) * {{eb}} + abs({{b}}) * {{ea}} + {_ROUNDED} + (lost if {_A} and {_B} else zero)",
    "div": f"{_ROUNDED} + (two * (({{ea}} + abs({{v}}) * {{eb}}) / abs({{b}}) + (lost if {_A} else zero))"
           " if two * {eb} < abs({b}) else infinite)",
    "neg": "{ea}",
    "abs": "{ea}",
    "tanh": f"two * {{ea}} * (one - {{v}} * {{v}} + unit) + {_FUNCTION}",
    "sigmoid": f"two * {{ea}} * {{v}} + {_FUNCTION}",
    "exp": f"two * {{ea}} * {{v}} + {_FUNCTION}",
    "log1p": f"two * {{ea}} * abs(one / (one + {{a}})) + {_FUNCTION}",
    "relu": f"({{ea}} if {{a}} > zero else zero) + ({_SIGN_OF_A})",
    "if_positive": f"({{ea}} if {{b}} > zero else zero) + ({_SIGN_OF_B})",
    "sign": _SIGN_OF_A,
    "less": _ORDER,
    "at_most": _ORDER,
    "where": "({eb} if {a} else {ec}) + {ea}",
}  # fmt: skip


def local_derivatives_of(plan: Plan) -> dict[tuple[str, str], Expression]:
    """Return d state / d (block, state before, trained number, or new_<state>), by names; see `partial_derivatives`."""
    cell, found = plan.cell, plan.symbolic
    names = (*cell.blocks, *cell.states, *cell.per_unit)
    rows = partial_derivatives(found.outputs, [found.arguments[name] for name in names])
    columns = (*names, *(f"new_{name}" for name in cell.states))
    table = {(s, n): e for s, row in zip(cell.states, rows, strict=True) for n, e in zip(columns, row, strict=True)}
    return {key: e for key, e in table.items() if e is not None}


def bounded_source(plan: Plan) -> Source:
    """Return the loop: pointers to blocks, states, trained numbers; the derivatives d0, d1, ... in order, and bad."""
    cell, wanted = plan.cell, list(local_derivatives_of(plan).values())
    pointers = [*cell.blocks, *cell.states, *cell.per_unit, *(f"d{i}" for i in range(len(wanted))), "bad"]
    constants = list(cell.constants)
    head = ["number = type(p_bad[0])", "zero, one, two = number(0), number(1), number(2)", "minus_one = number(-1)"]
    head += [f"unit, lost, infinite = {UNIT!r}, {LOST!r}, 2.0 ** 1023 * 2", f"of_function = {ROUNDINGS} * unit"]
    lines, used = [], set()
    for e in reach(wanted):
        v = f"v{e.number}"
        if e.op == "constant":
            head += [f"{v} = number({e.value!r})", f"e{e.number} = zero"]
        elif e.op == "leaf" and e.value in constants:
            head += [f"{v} = constants[{constants.index(e.value)}]", f"e{e.number} = zero"]
        elif e.op == "leaf":
            used.add(e.value)
            lines += [f"{v} = p_{e.value}[row * r_{e.value} + j]", f"e{e.number} = zero"]
        else:
            lines += _lines(e)
    lines.append("fault = False")
    for i, e in enumerate(wanted):
        v, error = f"v{e.number}", f"e{e.number}"
        lines.append(f"p_d{i}[row * r_d{i} + j] = {v}")
        lines.append(f"fault |= not ({error} <= {RELATIVE!r} * abs({v}) and (abs({v}) > {SMALLEST!r} or {v} == zero))")
    lines.append("p_bad[row * r_bad + j] = one if fault else zero")
    used |= set(pointers[-len(wanted) - 1 :])
    body = ["for row in range(rows):", f"{INDENT}for j in range(size):", *(2 * INDENT + line for line in lines)]
    return source_of_lines(pointers, [name for name in pointers if name in used], [*head, *body])


def _rest_of_saturated(e: Expression) -> tuple[str, str, Expression] | None:
    """Return (number, bound, a) of 1 - tanh(a)^2 and 1 - sigmoid(a), which need not cancel; None of all else."""
    if e.op != "sub" or e.args[0].op != "constant" or e.args[0].value != 1:
        return None
    rest = e.args[1]
    if rest.op == "sigmoid":
        return "sigmoid(-{a})", "two * {ea} * {v} + of_function * {v}", rest.args[0]
    if rest.op == "mul" and rest.args[0] is rest.args[1] and rest.args[0].op == "tanh":
        of_tanh = "number(4) * sigmoid(-two * abs({a})) * sigmoid(two * abs({a}))"
        return of_tanh, "number(4) * {ea} * {v} + two * of_function * {v}", rest.args[0].args[0]
    return None


def _lines(e: Expression) -> list[str]:
    """Return the lines of an expression and its bound."""
    if found := _rest_of_saturated(e):
        value, bound, *args = found
    else:
        args = e.args
        value = TEXT[e.op].format(*(f"v{a.number}" for a in args)) if e.op in TEXT else f"{e.op}({{a}})"
        bound = BOUNDS[e.op]
    names = {"v": f"v{e.number}"}
    for letter, a in zip("abc", args, strict=False):
        names |= {letter: f"v{a.number}", f"e{letter}": f"e{a.number}"}
    return [f"v{e.number} = {value.format(**names)}", f"e{e.number} = {bound.format(**names)}"]
