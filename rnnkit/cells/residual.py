"""A unit that adds to its state: a forward Euler step of dh/dt = tanh(a), whose Jacobian is 1 + epsilon phi' W.

Chang, Chen, Haber, Chi, AntisymmetricRNN (2019): with parametrization="antisymmetric" the eigenvalues of W_hh
are imaginary but for -gamma, so a small step neither grows nor fades.
"""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import tanh


class Residual(Cell):
    """h_t = h_{t-1} + epsilon tanh(a_t)."""

    blocks = {"a": ("x", "h", "b")}
    states = ("h",)
    constants = {"epsilon": 0.1}

    @staticmethod
    def step(a: Any, h: Any, epsilon: Any) -> Any:
        return h + epsilon * tanh(a)
