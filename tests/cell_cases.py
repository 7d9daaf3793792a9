"""Cells that are not shipped, by their papers' equations, and random ones."""

from hypothesis import strategies as st

from rnnkit import cells
from rnnkit.cells import Cell, exp, log1p, relu, sigmoid, tanh, where

ALL = ("x", "h", "b")
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


class Leaky(Cell):
    """Leaky tanh unit."""

    blocks = {"a": ALL}
    states = ("h",)
    constants = {"alpha": 0.3}

    @staticmethod
    def step(a, h, alpha):
        return (1 - alpha) * h + alpha * tanh(a)


class Peephole(Cell):
    """Gers, Schraudolph, Schmidhuber (2002): gates see the cell."""

    blocks = dict.fromkeys(("i", "f", "g", "o"), ALL)
    states = ("h", "c")
    per_unit = {"p_i": 0.1, "p_f": 0.2, "p_o": lambda rng, H: rng.standard_normal(H)}

    @staticmethod
    def step(i, f, g, o, h, c, p_i, p_f, p_o):
        c_t = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        return sigmoid(o + p_o * c_t) * tanh(c_t), c_t


class MinGRU(Cell):
    """Feng et al. (2024): no state enters a product."""

    blocks = {"z": ("x", "b"), "n": ("x", "b")}
    states = ("h",)

    @staticmethod
    def step(z, n, h):
        return h + sigmoid(z) * (n - h)


class CoRNN(Cell):
    """Rusch, Mishra (2021): coupled oscillators; both states enter the product."""

    blocks = {"a": ("x", "h", "v", "b")}
    states = ("h", "v")
    constants = {"dt": 0.2, "gamma": 1.7, "epsilon": 0.9}

    @staticmethod
    def step(a, h, v, dt, gamma, epsilon):
        v_t = v + dt * (tanh(a) - gamma * h - epsilon * v)
        return h + dt * v_t, v_t


class IndRNN(Cell):
    """Li et al. (2018): each unit has one recurrent weight."""

    blocks = {"a": ("x", "b")}
    states = ("h",)
    per_unit = {"u": 0.9}

    @staticmethod
    def step(a, h, u):
        return relu(a + u * h)


class Adaptive(Cell):
    """Three states: a unit that tires, and a trace of how often it fired."""

    blocks = {"a": ("x", "h", "b"), "gate": ("x", "m", "b")}
    states = ("h", "m", "r")
    constants = {"tau": 0.25}
    per_unit = {"slow": 0.5}

    @staticmethod
    def step(a, gate, h, m, r, slow, tau):
        fast = tanh(a - slow * m)
        m_t = m + tau * (h * h - m) * sigmoid(gate)
        r_t = log1p(exp(-abs(r))) + where(r < fast, tau * fast, r * tau)
        return fast * sigmoid(gate) + tau * r_t, m_t, r_t


UNSHIPPED = (Leaky, Peephole, MinGRU, CoRNN, IndRNN, Adaptive)
EVERY = (*cells.CELLS.values(), *UNSHIPPED)


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
