"""The GRU of Cho et al. (2014), with the reset gate inside the candidate and z for what is kept, as in PyTorch."""

from typing import Any

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import sigmoid, tanh


class GRU(Cell):
    """r, z = sigmoid(a_r), sigmoid(a_z), n = tanh(a_n + r q), q = h_{t-1} W_hn + b_hn; h_t = (1 - z) n + z h_{t-1}.

    As n + z (h - n): at z = 1 the state is kept to rounding.
    """

    blocks = {"r": ("x", "h", "b"), "z": ("x", "h", "b"), "n": ("x", "b"), "q": ("h", "b")}
    states = ("h",)
    keeps = "z"
    torch = "GRU"

    @staticmethod
    def step(r: Any, z: Any, n: Any, q: Any, h: Any) -> Any:
        candidate = tanh(n + sigmoid(r) * q)
        return candidate + sigmoid(z) * (h - candidate)
