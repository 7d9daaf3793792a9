"""Coupled oscillators, damped and driven: Rusch, Mishra, coRNN (2021), explicit in both."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import tanh


class CoRNN(Cell):
    """v_t = v_{t-1} + dt (tanh(a_t) - gamma h_{t-1} - epsilon v_{t-1}), h_t = h_{t-1} + dt v_t; h and v enter a."""

    blocks = {"a": ("x", "h", "v", "b")}
    states = ("h", "v")
    constants = {"dt": 0.042, "gamma": 2.7, "epsilon": 4.7}  # the paper's for sequential MNIST

    @staticmethod
    def step(a: Any, h: Any, v: Any, dt: Any, gamma: Any, epsilon: Any) -> tuple[Any, Any]:
        v_t = v + dt * (tanh(a) - gamma * h - epsilon * v)
        return h + dt * v_t, v_t
