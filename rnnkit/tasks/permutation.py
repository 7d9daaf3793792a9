"""Random permutation: the first symbol again, at the end, after random others."""

import math

import numpy as np

from rnnkit.tasks.task import Batch, Task


class Permutation(Task):
    """100 symbols; step 0 shows v in {0, 1} uniform, steps 1..L-1 symbols 2..99 uniform; the class at the end is v.

    T = L = seq_len. From trainingRNNs, permutation.py [code]: symbols are drawn with replacement (no permutation), and
    the last output alone counts. Recalled of the papers (Hochreiter and Schmidhuber 1997, Martens and Sutskever 2011):
    the next symbol is to be predicted at every step, all but the last being left to chance.

    Chance: 50% wrong, loss ln 2 (1/2 for each of the two classes; the 98 other outputs never occur).
    """

    name, input_size, output_size = "permutation", 100, 100

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n) symbols and target (1, n) classes."""
        x = rng.integers(2, 100, size=(seq_len, n), dtype=np.uint8).astype(np.int64)
        x[0] = rng.integers(2, size=n)
        return Batch(x, x[:1].copy())

    def chance_error(self, seq_len: int) -> float:
        """Return 1/2."""
        return 0.5

    def constant_loss(self, seq_len: int) -> float:
        """Return ln 2."""
        return math.log(2)
