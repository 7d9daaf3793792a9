"""A unit in continuous time, by Euler's steps of dt: tau dh/dt = -h + tanh(a), alpha = dt / tau.

Jaeger, Lukosevicius, Popovici, Siewert, Echo state networks with leaky-integrator neurons (2007).
"""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import tanh


class Leaky(Cell):
    """h_t = (1 - alpha) h_{t-1} + alpha tanh(a_t): it remembers some 1 / alpha steps."""

    blocks = {"a": ("x", "h", "b")}
    states = ("h",)
    constants = {"alpha": 0.1}

    @staticmethod
    def step(a: Any, h: Any, alpha: Any) -> Any:
        return (1 - alpha) * h + alpha * tanh(a)
