"""A state that is handed on by a linear map: what enters is bent, what is kept is not.

Henaff, Szlam, LeCun, Recurrent orthogonal networks and long-memory tasks (2016): with an orthogonal W_hh the
Jacobian of any number of steps is orthogonal too, and with the identity it is the identity.
"""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import relu


class LTRNN(Cell):
    """h_t = h_{t-1} W_hh + relu(x_t W_xh + b_h)."""

    blocks = {"a": ("x", "b"), "kept": ("h",)}
    states = ("h",)

    @staticmethod
    def step(a: Any, kept: Any, h: Any) -> Any:
        return kept + relu(a)
