"""An LSTM whose gates see x alone and add up to 1: Feng et al., Were RNNs all we needed? (2024)."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import exp, log1p, relu, sigmoid


class MinLSTM(Cell):
    """f, i = sigmoid(a_f), sigmoid(a_i); h_t = (f h_{t-1} + i a_n) / (f + i). No state enters a product."""

    blocks = {"f": ("x", "b"), "i": ("x", "b"), "n": ("x", "b")}
    states = ("h",)
    keeps, writes = "f", "i"

    @staticmethod
    def step(f: Any, i: Any, n: Any, h: Any) -> Any:
        log_f, log_i = -relu(-f) - log1p(exp(-abs(f))), -relu(-i) - log1p(exp(-abs(i)))
        kept = sigmoid(log_f - log_i)  # f / (f + i), also where both are 0 to rounding
        return n + kept * (h - n)
