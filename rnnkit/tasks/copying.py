"""Copying: ten symbols are to be repeated after a delay, all else is blank."""

import math

import numpy as np

from rnnkit.tasks.task import Batch, Task

LENGTH = 10  # symbols to copy
BLANK, MARKER = 0, 9  # data are 1..8


class Copying(Task):
    """Delay seq_len = L, T = L + 20 steps; symbols: blank 0, data 1..8 (uniform), marker 9.

        x       10 data, L - 1 blanks, the marker (step L + 9 from 0), 10 blanks
        target  L + 10 blanks, the 10 data: the first one at the step after the marker

    All steps count; 10 inputs, 9 outputs. Arjovsky, Shah, Bengio (2016), complex_RNN, memory_problem.py [code].

    Chance, of the best guess that knows the step but not the data: wrong in 1 - 8^-10; loss 10 ln 8 / (L + 20): .1733,
    .0945, .0650, .0400 at L = 100, 200, 300, 500.
    """

    name, input_size, output_size, output = "copying", 10, 9, "every"

    def steps(self, seq_len: int) -> int:
        """Return L + 20."""
        return seq_len + 2 * LENGTH

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x and target (T, n)."""
        x = np.full((self.steps(seq_len), n), BLANK, dtype=np.int64)
        target = x.copy()
        x[:LENGTH] = target[-LENGTH:] = rng.integers(1, 9, size=(LENGTH, n))
        x[seq_len + LENGTH - 1] = MARKER
        return Batch(x, target)

    def chance_error(self, seq_len: int) -> float:
        """Return 1 - 8^-10."""
        return 1 - 8.0**-LENGTH

    def constant_loss(self, seq_len: int) -> float:
        """Return 10 ln 8 / T."""
        return LENGTH * math.log(8) / self.steps(seq_len)
