"""The loops of a cell, run as plain Python: forward they are the step, back its vector-Jacobian product."""

import numpy as np
import pytest
from cell_cases import EVERY, random_cells
from hypothesis import given, settings
from test_derivatives import UNITS, evaluate, values_of

from rnnkit import cells
from rnnkit.cells import CELLS, GRU, LSTM
from rnnkit.cells.derivatives import jacobian
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import backward_source, forward_source
from rnnkit.cells.symbolic import symbolic

ROUNDING = 1e-12
FUNCTIONS = {name: getattr(cells, name) for name in ("tanh", "sigmoid", "relu", "exp", "log1p")}


def run(source, arrays, constants):
    """Run the text of a loop on these arrays; the others begin as nan, and the rows of its table are all there."""
    space = dict(FUNCTIONS)
    exec(source.text, space)
    size = next(iter(arrays.values())).size
    arrays |= {name: np.full(size, np.nan) for name in source.pointers if name not in arrays}
    with np.errstate(all="ignore"):
        space["loop"](*(part for name in source.used for part in (arrays[name], size)), constants, 1, size)
    return arrays


def plan_has_no_way(plan, name):
    """Return whether a state before reaches no new one but through blocks."""
    return name in plan.cell.states and plan.of_states[plan.cell.states.index(name)] is None


def check(cls):
    plan, values = Plan(cls), values_of(cls)
    constants = [values[name][0] for name in cls.constants]
    values |= {name: np.full(UNITS, value) for name, value in zip(cls.constants, constants, strict=True)}
    names = (*cls.blocks, *cls.states, *cls.per_unit)
    arrays = run(forward_source(plan), {name: values[name].copy() for name in names}, constants)
    for name, wanted in zip(cls.states, evaluate(plan.symbolic.outputs, values), strict=True):
        np.testing.assert_allclose(arrays[f"new_{name}"], wanted, rtol=ROUNDING)
    rng = np.random.default_rng(1)
    adjoints = {f"d_{name}": rng.standard_normal(UNITS) for name in cls.states}
    kept = {name: array for name, array in arrays.items() if name.startswith(("new_", "saved_"))}
    kept |= {name: values[name] for name in (*cls.states, *cls.per_unit)}
    given_ = {name: array.copy() for name, array in (kept | adjoints).items()}
    arrays = run(backward_source(plan), given_, constants)
    found = symbolic(cls)
    table = jacobian(found.outputs, [found.arguments[name] for name in names])
    for column, name in enumerate(names):
        parts = [
            adjoint * evaluate([row[column]], values)[0]
            for adjoint, row in zip(adjoints.values(), table, strict=True)
            if row[column] is not None
        ]
        if plan_has_no_way(plan, name):  # the products write what comes through blocks, and zero where nothing does
            assert not parts
            continue
        wanted = sum(parts) if parts else 0.0
        np.testing.assert_allclose(arrays[f"d_{name}"], wanted, rtol=ROUNDING, atol=ROUNDING, err_msg=name)


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell(cls):
    check(cls)


@settings(max_examples=60)
@given(random_cells())
def test_random_cells(cls):
    check(cls)


def test_what_is_saved():
    """Gates stand in the order of their blocks, more behind them; what new states alone make is not saved."""
    of_cells = {cls: [str(e) for e in Plan(cls).saved] for cls in EVERY}
    assert of_cells[LSTM] == ["sigmoid(i)", "sigmoid(f)", "tanh(g)", "sigmoid(o)"]
    assert of_cells[GRU] == ["sigmoid(r)", "sigmoid(z)", "tanh(add(n, mul(q, sigmoid(r))))", "q"]
    assert [of_cells[cls] for cls in list(CELLS.values())[:4]] == [[], [], [], []]
    assert of_cells[CELLS["leaky"]] == ["tanh(a)"]


def test_names_of_a_cell_cannot_meet_those_of_the_loop():
    class Names(cells.Cell):
        blocks = {"j": ("x", "h"), "number": ("x", "b"), "size": ("x", "b")}
        states = ("zero", "h")
        constants = {"constants": 0.5}

        @staticmethod
        def step(j, number, size, zero, h, constants):
            return cells.tanh(j + number * zero), size * constants + h

    check(Names)
