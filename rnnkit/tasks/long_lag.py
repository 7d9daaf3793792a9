"""Noise-free long lag: predict every next symbol of one of two sequences, whose last symbol repeats the first."""

import math

import numpy as np

from rnnkit._arguments import integer
from rnnkit.tasks.task import Batch, Task


class LongLag(Task):
    """Alphabet of p + 1 symbols: x = 0, y = 1, a_1 .. a_{p-1} = 2 .. p; seq_len = p.

        (x, a_1, .., a_{p-1}, x) and (y, a_1, .., a_{p-1}, y), equally likely: p + 1 symbols, so T = p predictions

    Hochreiter and Schmidhuber (1997), task 2a [paper]; there logistic outputs and squared error, here softmax. A
    network has one size, p many: inputs and outputs are `largest` + 1, of which p + 1 are used. The paper's own net for
    p is that of LongLag(largest=p); with spare symbols, spare logits must be learned away as well.

    Chance, of the best guess that knows the step but not the first symbol: all a_i right, the last in half: 50% wrong;
    loss ln 2 / p.
    """

    name, output, shortest = "long_lag", "every", 2  # p = 2: (y, a_1, y)

    def __init__(self, largest: int = 100):
        self.longest = integer("largest", largest, self.shortest)
        self.input_size = self.output_size = self.longest + 1

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x and target (p, n). Raises ValueError where the alphabet is too small."""
        if seq_len > self.longest:
            wanted = f"an integer in {self.shortest}..{self.longest}"
            raise ValueError(f"seq_len of task {self.name} must be {wanted}, got {seq_len}")
        symbols = np.empty((seq_len + 1, n), np.int64)
        symbols[1:-1] = np.arange(2, seq_len + 1)[:, None]
        symbols[0] = symbols[-1] = rng.integers(2, size=n)
        return Batch(symbols[:-1], symbols[1:].copy())

    def chance_error(self, seq_len: int) -> float:
        """Return 1/2."""
        return 0.5

    def constant_loss(self, seq_len: int) -> float:
        """Return ln 2 / p."""
        return math.log(2) / seq_len
