"""Gates that see x alone: Feng et al., Were RNNs all we needed? (2024)."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import sigmoid


class MinGRU(Cell):
    """z = sigmoid(a_z); h_t = (1 - z) h_{t-1} + z a_n. No state enters a product."""

    blocks = {"z": ("x", "b"), "n": ("x", "b")}
    states = ("h",)

    @staticmethod
    def step(z: Any, n: Any, h: Any) -> Any:
        return h + sigmoid(z) * (n - h)
