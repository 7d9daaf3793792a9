"""Derivatives of steps where units saturate: signs and logarithms against mpmath, however deep."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from cell_cases import EVERY, random_cells
from hypothesis import given, settings

from rnnkit.cells import GRU, LSTM
from rnnkit.cells.bounded import RELATIVE
from rnnkit.cells.derivatives import jacobian
from rnnkit.cells.expressions import Graph, reach
from rnnkit.cells.symbolic import symbolic
from rnnkit.gradients import precise, wide

TOLERANCE = 1e-11  # of a logarithm, relative where it is above 1: of up to 1e4, from pre-activations with 16 digits
OPERATIONS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "neg": lambda a: -a, "tanh": mpmath.tanh, "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)), "exp": mpmath.exp,
    "log1p": mpmath.log1p, "relu": lambda a: a if a > 0 else mpmath.mpf(0), "abs": abs, "less": lambda a, b: a < b,
    "at_most": lambda a, b: a <= b, "where": lambda c, a, b: a if c else b,
    "if_positive": lambda d, e: d if e > 0 else mpmath.mpf(0), "sign": mpmath.sign,
}  # fmt: skip


def exact(expressions, values):
    found = {}
    for e in reach(expressions):
        args = [found[a.number] for a in e.args]
        leaf = mpmath.mpf(values.get(e.value, e.value)) if not args else None
        found[e.number] = OPERATIONS[e.op](*args) if args else leaf
    return [found[e.number] for e in expressions]


# A coupled gate makes c of f c and (1 - f) tanh(g): where c is 1 and g saturated, their derivatives to f are the same
# number but for its 300th digit, and what is left of their difference is beyond two floats.
NOT_AT_ONE = {"Coupled": (0.9, -0.8, 0.7)}


def of_loop(cls, values):
    """Return the local derivatives at points, as those of units of one sample at one step."""
    names = (*cls.blocks, *cls.states)
    return precise.evaluate(cls(), {name: v[None, None] if name in names else v for name, v in values.items()
                                    if name not in cls.constants})  # fmt: skip


def check(cls, sizes, digits, states=None, seed=0, n=12):
    """Hold every local derivative at n points with pre-activations of these sizes against so many digits."""
    states = NOT_AT_ONE.get(cls.__name__, (1.0, -1.0, 0.7)) if states is None else states
    rng, found = np.random.default_rng(seed), symbolic(cls)
    draw = lambda of: rng.choice(of, n) * rng.choice([-1, 1], n)  # noqa: E731
    values = {name: draw(sizes) * rng.uniform(0.9, 1, n) for name in cls.blocks}
    values |= {name: draw(states) for name in cls.states} | {name: draw([0.3, 1.0, 2.0]) for name in cls.per_unit}
    values |= {name: np.full(n, float(cls.constants[name])) for name in cls.constants}
    wanted = [e for row in jacobian(found.outputs, list(found.arguments.values())) for e in row if e is not None]
    got, local = wide.evaluate(wanted, values), precise.expressions_of(cls)
    got += of_loop(cls, values).as_logs().values()
    with mpmath.workdps(digits):
        for i in range(n):
            point = {name: v[i] for name, v in values.items()}
            for value, e in zip(exact(wanted, point) + exact(list(local.values()), point), got, strict=True):
                log = float(mpmath.log(abs(value))) if value else -np.inf
                v, of_v = e.v.reshape(-1)[i], e.log.reshape(-1)[i]
                assert v == float(mpmath.sign(value)), (i, value)
                if value:
                    assert abs(of_v - log) <= TOLERANCE * max(1, abs(log)), (i, value, of_v, log)


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell_near_saturation(cls):
    check(cls, sizes=[0.1, 1.0, 5.0, 20.0, 40.0], digits=120, n=8)


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell_beyond_the_range_of_floats(cls):
    check(cls, sizes=[0.5, 300.0, 800.0], digits=1600, n=3)


@pytest.mark.parametrize("cls", [EVERY[0], LSTM, GRU])
def test_pre_activations_of_ten_thousand(cls):
    check(cls, sizes=[1.0, 1e4], digits=18000, n=2)


@settings(max_examples=20)
@given(random_cells())
def test_random_cells(cls):
    check(cls, sizes=[0.1, 1.0, 5.0], digits=100, n=5)


@pytest.mark.parametrize("cls", EVERY)
def test_floats_are_taken_where_their_bound_says_so(cls):
    """At a thousand points from tiny to saturated: the ones that are taken err by less than the bound allows."""
    rng, n = np.random.default_rng(0), 1000
    draw = lambda: rng.choice([-1, 1], n) * np.exp(rng.uniform(-12, 3.2, n))  # noqa: E731  up to 25
    values = {name: draw() for name in (*cls.blocks, *cls.states, *cls.per_unit)}
    found, constants = of_loop(cls, values), {name: np.full(n, float(v)) for name, v in cls.constants.items()}
    taken = np.setdiff1d(np.arange(n), found.where[2])
    assert taken.size > n / 5
    with mpmath.workdps(150):
        for i in taken[:200]:
            point = {name: v[i] for name, v in (values | constants).items()}
            for v, wanted in zip(found.v[:, 0, 0, i], exact(precise.expressions_of(cls).values(), point), strict=True):
                assert abs(mpmath.mpf(float(v)) - wanted) <= RELATIVE * abs(wanted)


def test_what_rounding_has_lost_of_sums_and_products():
    """Of fl(a b) and fl(a + b) nothing is left but the rounding errors of a b and a + b."""
    graph, rng = Graph(), np.random.default_rng(0)
    a, b, c, d = (graph.leaf(name) for name in "abcd")
    values = {"a": rng.standard_normal(20) * 1e3, "b": rng.standard_normal(20)}
    values |= {"c": values["a"] * values["b"], "d": values["a"] + values["b"]}
    found = wide.evaluate([a * b - c, a + b - d], values)
    for i in range(20):
        x, y, z, s = (Fraction(float(values[name][i])) for name in "abcd")
        for e, error in zip(found, (x * y - z, x + y - s), strict=True):
            assert e.v[i] == np.sign(float(error))
            if error:
                log = np.log(abs(float(error)))
                assert abs(e.log[i] - log) <= TOLERANCE * max(1, abs(log))


def test_what_is_not_finite_is_seen():
    for cls in EVERY:
        found = symbolic(cls)
        values = {name: np.array([np.nan, 0.5]) for name in cls.arguments()}
        for e in wide.evaluate(found.outputs, values):
            assert not np.isfinite(e.v[0] * np.exp(e.log[0]))
            assert np.isfinite(e.v[1] * np.exp(e.log[1]))
