"""An LSTM whose gates see the memory: Gers, Schraudolph, Schmidhuber, Learning precise timing (2002)."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import sigmoid, tanh


class Peephole(Cell):
    """i, f see c_{t-1} and o sees c_t, each by one weight a unit; else an LSTM."""

    blocks = dict.fromkeys(("i", "f", "g", "o"), ("x", "h", "b"))
    states = ("h", "c")
    per_unit = {"p_i": 0.0, "p_f": 0.0, "p_o": 0.0}
    keeps, writes = "f", "i"

    @staticmethod
    def step(i: Any, f: Any, g: Any, o: Any, h: Any, c: Any, p_i: Any, p_f: Any, p_o: Any) -> tuple[Any, Any]:
        c_t = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        return sigmoid(o + p_o * c_t) * tanh(c_t), c_t
