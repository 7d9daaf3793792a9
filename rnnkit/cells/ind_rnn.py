"""Units that see themselves alone: Li, Li, Cook, Zhu, Gao, Independently recurrent neural network (2018)."""

from typing import Any

import numpy as np

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import relu


def _lasting(rng: np.random.Generator, H: int) -> np.ndarray:
    """Return the recurrent weights as the paper begins those of a net that is to remember: uniform in [0, 1]."""
    return rng.uniform(0, 1, H)


class IndRNN(Cell):
    """h_t = relu(a_t + u h_{t-1}): over k steps a living unit's gradient is u^k."""

    blocks = {"a": ("x", "b")}
    states = ("h",)
    per_unit = {"u": _lasting}

    @staticmethod
    def step(a: Any, h: Any, u: Any) -> Any:
        return relu(a + u * h)
