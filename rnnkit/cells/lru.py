"""The linear recurrent unit of Orvieto et al., Resurrecting recurrent neural networks (2023).

lambda = exp(-exp(nu) + i theta) is one complex number a unit, and gamma = sqrt(1 - |lambda|^2) keeps the size of the
state, which is complex: two real ones. `half`, tan(theta / 2), gives cosine and sine without either. What is read is
Re h: the phase of a complex readout can be the input's.
"""

from typing import Any

import numpy as np

from rnnkit.cells.cell import Cell
from rnnkit.cells.expressions import exp, log1p

LEAST, MOST, PHASE = 0.9, 0.999, np.pi / 10  # |lambda| between these, |theta| below that: the paper's for long memory


def _decay(rng: np.random.Generator, H: int) -> np.ndarray:
    """Return nu = ln -ln |lambda|, |lambda|^2 uniform between the squares of LEAST and MOST (lemma 3.2)."""
    return np.log(-0.5 * np.log(rng.uniform(LEAST**2, MOST**2, H)))


def _half(rng: np.random.Generator, H: int) -> np.ndarray:
    """Return tan(theta / 2), theta uniform from 0 to PHASE."""
    return np.tan(rng.uniform(0, PHASE, H) / 2)


class LRU(Cell):
    """h_t = lambda h_{t-1} + gamma (a_re + i a_im): over k steps a unit's gradient is |lambda|^k."""

    blocks = {"a_re": ("x",), "a_im": ("x",)}
    states = ("re", "im")
    per_unit = {"nu": _decay, "half": _half}

    @staticmethod
    def step(a_re: Any, a_im: Any, re: Any, im: Any, nu: Any, half: Any) -> tuple[Any, Any]:
        size, turn = exp(-exp(nu)), 1 / (1 + half * half)
        cosine, sine = size * (1 - half * half) * turn, size * 2 * half * turn
        gamma = exp(0.5 * log1p(-size * size))
        return cosine * re - sine * im + gamma * a_re, sine * re + cosine * im + gamma * a_im
