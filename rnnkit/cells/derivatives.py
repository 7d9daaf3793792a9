"""The derivatives of a step, as more expressions: reverse mode, each rule once.

An adjoint of an expression is what it is to the loss, dL/de. From the outputs back, each expression hands its own to
what it is made of. By this way no derivative is expanded: one that a person writes as (1 - z) (1 - n^2) stays a
product, which rounds well where z and n are near 1.
"""

from collections.abc import Sequence

from rnnkit.cells.expressions import Expression, reach


def vector_jacobian(
    outputs: list[Expression],
    adjoints: list[Expression],
    arguments: list[Expression],
    fixed: Sequence[Expression] = (),
) -> list[Expression | None]:
    """Return sum over outputs of adjoint * d output / d argument, for each argument; None where no output reads it.

    fixed: expressions that are taken for arguments, as if what they are made of had no part in them.
    """
    ends = {e.number for e in fixed}
    found: dict[int, Expression] = {}
    for output, adjoint in zip(outputs, adjoints, strict=True):
        _hand(found, output, adjoint)
    for e in reversed(reach(outputs, fixed)):
        if e.number in found and e.args and e.number not in ends:
            for part, adjoint in _parts(e, found[e.number]):
                _hand(found, part, adjoint)
    return [found.get(argument.number) for argument in arguments]


def jacobian(outputs: list[Expression], arguments: list[Expression]) -> list[list[Expression | None]]:
    """Return d output / d argument, a row for each output."""
    one = outputs[0].graph.constant(1.0)
    return [vector_jacobian([output], [one], arguments) for output in outputs]


def partial_derivatives(outputs: list[Expression], arguments: list[Expression]) -> list[list[Expression | None]]:
    """Return d output / d argument and then d output / d each output, all other outputs taken as they are.

    So what one output makes of another, as an LSTM's h of c, is a factor of its own. One that is an argument, handed on
    as it came, is that argument for the others.
    """
    one, rows, made = outputs[0].graph.constant(1.0), [], [output for output in outputs if output.args]
    for output in outputs:
        others = [other for other in made if other is not output]
        row = vector_jacobian([output], [one], [*arguments, *outputs], others)
        of_outputs = zip(outputs, row[len(arguments) :], strict=True)
        rows.append([*row[: len(arguments)], *(None if e is output or not e.args else d for e, d in of_outputs)])
    return rows


def _hand(found: dict[int, Expression], e: Expression, adjoint: Expression) -> None:
    found[e.number] = _sum(found[e.number], adjoint) if e.number in found else adjoint


def _sum(a: Expression, b: Expression) -> Expression:
    """Return a + b; of d and -(d y), d (1 - y): near y = 1 the difference of the products would lose digits."""
    for whole, rest in ((a, b), (b, a)):
        if rest.op == "neg" and rest.args[0].op == "mul":
            factors = rest.args[0].args
            if whole.number in (factors[0].number, factors[1].number):
                return whole * (1 - factors[factors[0].number == whole.number])
    return a + b


def _parts(e: Expression, d: Expression) -> list[tuple[Expression, Expression]]:
    """Return (what e is made of, what e hands it of its adjoint d)."""
    graph, a, b = e.graph, e.args[0], e.args[-1]
    if e.op == "where":
        condition, a, b = e.args
        zero = graph.constant(0.0)
        return [(a, graph.of("where", condition, d, zero)), (b, graph.of("where", condition, zero, d))]
    return {
        "add": lambda: [(a, d), (b, d)],
        "sub": lambda: [(a, d), (b, -d)],
        "mul": lambda: [(a, d * b), (b, d * a)],
        "div": lambda: [(a, d / b), (b, -(d / b * e))],
        "neg": lambda: [(a, -d)],
        "tanh": lambda: [(a, d * (1 - e * e))],
        "sigmoid": lambda: [(a, d * (e * (1 - e)))],
        "relu": lambda: [(a, graph.of("if_positive", d, e))],
        "exp": lambda: [(a, d * e)],
        "log1p": lambda: [(a, d / (1 + a))],
        "abs": lambda: [(a, d * graph.of("sign", a))],
        "less": list,
        "at_most": list,
    }[e.op]()
