"""One bit to be kept: the first symbol, asked for after a stated number of distractors."""

import math

import numpy as np

from rnnkit.tasks.task import Batch, Task

DISTRACTORS = (2, 6)


class OneBit(Task):
    """A = 0 or B = 1 at step 0, then seq_len distractors 2..5 drawn uniformly; the answer is the first symbol.

    seq_len is the lag, T = seq_len + 1. As the latch of Bengio, Simard, Frasconi (1994), with symbols for their noise:
    one bit, however long the lag, and a loss at the last step alone. The layout is ours.

    Chance: half are wrong; loss ln 2.
    """

    name, input_size, output_size = "one_bit", 6, 2

    def steps(self, seq_len: int) -> int:
        """Return lag + 1."""
        return seq_len + 1

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n) symbols and target (1, n) classes."""
        x = rng.integers(*DISTRACTORS, size=(self.steps(seq_len), n), dtype=np.uint8).astype(np.int64)
        x[0] = rng.integers(2, size=n)
        return Batch(x, x[:1].copy())

    def chance_error(self, seq_len: int) -> float:
        """Return 1/2."""
        return 0.5

    def constant_loss(self, seq_len: int) -> float:
        """Return ln 2."""
        return math.log(2)
