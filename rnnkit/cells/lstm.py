"""The LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber, Cummins (2000)."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import sigmoid, tanh


class LSTM(Cell):
    """i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), g = tanh(a_g); c_t = f c_{t-1} + i g, h_t = o tanh(c_t)."""

    blocks = dict.fromkeys(("i", "f", "g", "o"), ("x", "h", "b"))
    states = ("h", "c")
    keeps, writes = "f", "i"
    torch = "LSTM"

    @staticmethod
    def step(i: Any, f: Any, g: Any, o: Any, h: Any, c: Any) -> tuple[Any, Any]:
        c_t = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c_t), c_t
