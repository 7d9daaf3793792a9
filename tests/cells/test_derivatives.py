"""Derivatives of steps against difference quotients, of shipped cells, others and random ones."""

import numpy as np
import pytest
from cell_cases import EVERY, random_cells
from hypothesis import given, settings

from rnnkit.cells.derivatives import jacobian
from rnnkit.cells.expressions import ARITHMETIC, FUNCTIONS, reach
from rnnkit.cells.symbolic import symbolic

STEP = 1e-5  # central differences err by its square times a third derivative, and by rounding / STEP
TOLERANCE = 1e-8
UNITS = 200
OPERATIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "less": np.less,
    "at_most": np.less_equal, "where": np.where, "if_positive": lambda d, e: np.where(e > 0, d, 0 * e), "sign": np.sign,
}  # fmt: skip


def evaluate(expressions, values):
    """Return the values of expressions from those of the arguments, by name."""
    found = {}
    for e in reach(expressions):
        args = [found[a.number] for a in e.args]
        function = FUNCTIONS | OPERATIONS
        found[e.number] = values.get(e.value, e.value) if not args else function[e.op](*args)
    return [np.broadcast_to(found[e.number], UNITS) for e in expressions]


def values_of(cls, seed=0):
    """Return numbers of UNITS units for each argument, none near a kink."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.05, 1.5, UNITS) * rng.choice([-1, 1], UNITS) for name in cls.arguments()}


def check(cls):
    values, found = values_of(cls), symbolic(cls)
    names = list(found.arguments)
    wanted = np.array([evaluate(found.outputs, values | {name: values[name] + STEP}) for name in names])
    wanted -= [evaluate(found.outputs, values | {name: values[name] - STEP}) for name in names]
    table = jacobian(found.outputs, list(found.arguments.values()))
    for row, output in enumerate(table):
        for column, e in enumerate(output):
            got = 0 if e is None else evaluate([e], values)[0]
            difference = got - wanted[column, row] / (2 * STEP)
            assert np.abs(difference).max() < TOLERANCE, (cls.states[row], names[column])


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell(cls):
    check(cls)


@settings(max_examples=60)
@given(random_cells())
def test_random_cells(cls):
    check(cls)


def test_expressions_are_the_step_itself():
    for cls in EVERY:
        values = values_of(cls)
        states = cls.step(*values.values())
        states = states if isinstance(states, tuple) else (states,)
        np.testing.assert_allclose(evaluate(symbolic(cls).outputs, values), states, rtol=1e-14)


def test_equal_expressions_are_one():
    """The square of tanh is computed once, and commuted products are the same."""
    cls = EVERY[0]
    found = symbolic(cls)
    a = found.arguments["a"]
    assert (a * found.outputs[0]) is (found.outputs[0] * a)
    assert -(-a) is a  # noqa: B002
    assert (a + 0) is a
    assert (1 * a) is a
    assert set(ARITHMETIC) <= set(OPERATIONS)
