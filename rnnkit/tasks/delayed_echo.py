"""Delayed echo: the output is always the input some steps ago."""

import math

import numpy as np

from rnnkit._arguments import integer
from rnnkit.tasks.task import Batch, Task

EXTRA = 10  # echoes counted beyond as many as the lag


class DelayedEcho(Task):
    """Output at step t is the input symbol at step t - lag; seq_len is the lag, T = 2 lag + 10 steps.

    `alphabet` = S symbols, uniform at every step. The first lag steps do not count (mask); lag + 10 echoes do, so the
    net must carry lag symbols at once in steps lag - 1 .. lag + 9. The layout is ours.

    Chance: a constant is right on all lag + 10 echoes in S^-(lag + 10); loss ln S.
    """

    output = "every"

    def __init__(self, alphabet: int = 2):
        alphabet = integer("alphabet", alphabet, 2, 256)
        self.name = "delayed_echo" if alphabet == 2 else f"delayed_echo_{alphabet}"
        self.input_size = self.output_size = alphabet

    def steps(self, seq_len: int) -> int:
        """Return 2 lag + 10."""
        return 2 * seq_len + EXTRA

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x, target (0 where it does not count) and mask (T, n)."""
        x = rng.integers(self.input_size, size=(self.steps(seq_len), n), dtype=np.uint8).astype(np.int64)
        target, mask = np.zeros_like(x), np.ones(x.shape, bool)
        target[seq_len:] = x[:-seq_len]
        mask[:seq_len] = False
        return Batch(x, target, mask)

    def chance_error(self, seq_len: int) -> float:
        """Return 1 - S^-(lag + 10)."""
        return 1 - float(self.output_size) ** -(seq_len + EXTRA)

    def constant_loss(self, seq_len: int) -> float:
        """Return ln S."""
        return math.log(self.output_size)
