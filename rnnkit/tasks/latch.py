"""Latch: one of two classes is shown at the start, and must outlast noise until the end."""

import math

import numpy as np

from rnnkit.tasks.task import Batch, Task

SHOWN = 3  # L of the paper: steps that tell the class
NOISE_STD = 0.2


class Latch(Task):
    """One input: +1 (class 1) or -1 (class 0) at steps 0, 1, 2, then N(0, .2^2) at steps 3..T-1; the class at the end.

    T = seq_len; classes equally likely. After Bengio, Simard, Frasconi (1994): there the first L = 3 inputs of each
    class are themselves trained, here the input weights that +-1 meets, to the same end; there one tanh neuron goes to
    targets +-.8 by squared error, here two classes to cross-entropy. (What is said of "there" is recalled.)

    Chance: 50% wrong, loss ln 2.
    """

    name, input_size, output_size, symbols = "latch", 1, 2, False
    shortest = SHOWN + 1  # one step of noise

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, 1) and target (1, n) classes."""
        target = rng.integers(2, size=(1, n))
        x = rng.standard_normal((seq_len, n, 1))
        x *= NOISE_STD
        x[:SHOWN, :, 0] = 2 * target - 1
        return Batch(x, target)

    def chance_error(self, seq_len: int) -> float:
        """Return 1/2."""
        return 0.5

    def constant_loss(self, seq_len: int) -> float:
        """Return ln 2."""
        return math.log(2)
