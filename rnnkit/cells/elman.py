"""Elman cells: h_t = phi(x_t W_xh + h_{t-1} W_hh + b_h).

Elman, Finding structure in time (1990); Goodfellow, Bengio, Courville, Deep Learning (2016), eqs. 10.8 and 10.9.
"""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import relu, sigmoid, tanh


class Tanh(Cell):
    """phi = tanh. gamma, here and below: the largest |phi'|, as in Pascanu, Mikolov, Bengio (2013)."""

    blocks = {"a": ("x", "h", "b")}
    states = ("h",)
    torch = "RNN"
    gamma = 1.0

    @staticmethod
    def step(a: Any, h: Any) -> Any:
        return tanh(a)


class Relu(Tanh):
    """phi(a) = max(a, 0)."""

    @staticmethod
    def step(a: Any, h: Any) -> Any:
        return relu(a)


class Sigmoid(Tanh):
    """phi(a) = 1 / (1 + e^-a)."""

    torch, gamma = None, 0.25

    @staticmethod
    def step(a: Any, h: Any) -> Any:
        return sigmoid(a)


class Identity(Tanh):
    """phi(a) = a, a linear network."""

    torch = None

    @staticmethod
    def step(a: Any, h: Any) -> Any:
        return a
