"""Noiseless memorization: symbols shown first are to be repeated at a cue, after a delay of blanks."""

import math

import numpy as np

from rnnkit._arguments import integer
from rnnkit.tasks.task import Batch, Task


class Memorization(Task):
    """`positions` = P symbols of `values` = V to repeat after seq_len = L steps; T = L + 2 P steps.

        x       P symbols 0..V-1 (uniform), blanks V, at step L + P (from 0) the cue V + 1, blanks V
        target  blank V until step L + P - 1, the P symbols in steps L + P .. T - 1: the first one at the cue itself

    All steps count. From trainingRNNs, memorization.py [code], V = 5, P = 10 by default: the "20 bit" form, of
    log2(5^10) = 23.2 bits. The "5 bit" form has V = 2, P = 5 (recalled: the 32 sequences of Hochreiter and Schmidhuber,
    Martens and Sutskever 2011).

    Chance, of the best guess that knows the step but not the symbols: all P right in V^-P, so wrong in 1 - 2^-5 =
    96.875% and 1 - 5^-10. Loss P ln V / T. (One class at all steps is wrong in every sequence.)
    """

    def __init__(self, values: int = 5, positions: int = 10, name: str = "memorization_20"):
        self.values, self.positions, self.name = integer("values", values, 2), integer("positions", positions, 1), name
        self.input_size, self.output_size = self.values + 2, self.values + 1

    output = "every"

    def steps(self, seq_len: int) -> int:
        """Return L + 2 P."""
        return seq_len + 2 * self.positions

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x and target (T, n)."""
        shown = rng.integers(self.values, size=(self.positions, n))
        x = np.full((self.steps(seq_len), n), self.values, dtype=np.int64)
        target = x.copy()
        x[: self.positions] = target[-self.positions :] = shown
        x[seq_len + self.positions] = self.values + 1
        return Batch(x, target)

    def chance_error(self, seq_len: int) -> float:
        """Return 1 - V^-P."""
        return 1 - self.values**-self.positions

    def constant_loss(self, seq_len: int) -> float:
        """Return P ln V / T."""
        return self.positions * math.log(self.values) / self.steps(seq_len)
