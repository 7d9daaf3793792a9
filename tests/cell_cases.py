"""Cells that are not shipped, each in a file of `user_cells/`, and random ones."""

from pathlib import Path

from hypothesis import strategies as st

from rnnkit import cells
from rnnkit.cells import Cell

FOLDER = Path(__file__).parent / "user_cells"
LEAKY = """
import math

import numpy as np

from rnnkit.cells import Cell, tanh, where


class Leaky(Cell):
    blocks = {"a": ("x", "h", "b")}
    states = ("h",)
    constants = {"alpha": 0.1}

    @staticmethod
    def step(a, h, alpha):
        return (1 - alpha) * h + alpha * tanh(a)
"""  # a user's file


def _of_file(name):
    return type(cells.as_cell(FOLDER / f"{name}.py"))


Leaky, Peephole, MinGRU = map(_of_file, ("leaky", "peephole", "min_gru"))
CoRNN, IndRNN, Adaptive, Switch = map(_of_file, ("co_rnn", "ind_rnn", "adaptive", "switch"))
Coupled, Damped, Delay = map(_of_file, ("coupled", "damped", "delay"))
UNSHIPPED = (Leaky, Peephole, MinGRU, CoRNN, IndRNN, Adaptive, Switch, Coupled, Damped, Delay)
EVERY = (*cells.CELLS.values(), *(cls for cls in UNSHIPPED if cls.__name__.lower() not in cells.CELLS))


FORMS = (
    "({} + {})", "({} - {})", "({} * {})", "(tanh({}) / (2 + tanh({})))", "tanh({})", "sigmoid({})", "-({})",
    "log1p(exp(tanh({})))", "tanh({}) ** 2",
)  # fmt: skip


def _expressions(names):
    """Draw the text of a smooth expression of these."""
    leaves = st.sampled_from([*names, "0.5", "2.0", "1.0"])
    extend = lambda inner: st.tuples(st.sampled_from(FORMS), inner, inner).map(lambda t: t[0].format(*t[1:]))  # noqa: E731
    return st.recursive(leaves, extend, max_leaves=8)


@st.composite
def random_cells(draw):
    """Draw a cell of 1 to 4 blocks, 1 to 3 states, up to 2 trained numbers and a constant."""
    blocks, states = [f"a{i}" for i in range(draw(st.integers(1, 4)))], ["h", "c", "m"][: draw(st.integers(1, 3))]
    units, constants = [f"u{i}" for i in range(draw(st.integers(0, 2)))], ["k"] if draw(st.booleans()) else []
    names = [*blocks, *states, *units, *constants]
    inputs = st.lists(st.sampled_from(["x", *states, "b"]), min_size=1, unique=True).map(tuple)
    of_blocks = {name: draw(inputs) for name in blocks}
    of_blocks[blocks[0]] = tuple({*of_blocks[blocks[0]], "x"})
    every = " + ".join(f"0.1 * {name}" for name in names)  # each is used
    values = [f"({draw(_expressions(names))}) * tanh({every})" for _ in states]
    text = f"lambda {', '.join(names)}: ({', '.join(values)},)"
    step = eval(text, {f: getattr(cells, f) for f in ("tanh", "sigmoid", "exp", "log1p")})
    body = {"blocks": of_blocks, "states": tuple(states), "step": staticmethod(step), "text": text}
    body |= {"constants": dict.fromkeys(constants, 0.4), "per_unit": dict.fromkeys(units, 0.7)}
    return type(
        "Random", (Cell,), body | {"constants": dict.fromkeys(constants, 0.4), "per_unit": dict.fromkeys(units, 0.7)}
    )
