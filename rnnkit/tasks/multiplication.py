"""Multiplication: the product of two marked numbers, at the end."""

import math

import numpy as np

from rnnkit.tasks.adding import marked, pascanu_positions
from rnnkit.tasks.task import Batch, Task


class Multiplication(Task):
    """Product of two marked U[0, 1]; T = L = seq_len steps of (marker, number).

    p_0 in [0, int(.1 L)), p_1 in int(.1 L) + [0, int(.4 L)), as in adding_pascanu. From trainingRNNs, multiplication.py
    [code], which draws one length in L + [0, int(.1 L)) for a batch; here it is L.

    Chance: the product z has distribution z - z ln z, density -ln z, which falls; so the interval of width .4 (a
    squared error of .04 to both sides) that holds most is [0, .4], with .4 (1 - ln .4) = 76.65%. The constant .2 is
    *wrong* in 23.35%, and no constant in less. The constant of least MSE is the mean 1/4: it is wrong in 39.05%
    (1 - F(.45) + F(.05)), so a net that has learned nothing by MSE shows that figure. Variance 1/9 - 1/16 = 7/144.
    """

    name, input_size, output_size, symbols, loss = "multiplication", 2, 1, False, "mse"
    shortest = 10  # int(.1 L) >= 1

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, 2): channel 0 marks, channel 1 is the number; and target (1, n, 1)."""
        x, first, second = marked(rng, pascanu_positions(rng, n, seq_len), seq_len)
        return Batch(x, (first * second).reshape(1, n, 1))

    def chance_error(self, seq_len: int) -> float:
        """Return the share of products above .4: of the best constant, .2, not of the mean."""
        width = 2 * self.tolerance**0.5
        return 1 - width * (1 - math.log(width))

    def constant_loss(self, seq_len: int) -> float:
        """Return the variance of the product, 7/144."""
        return 7 / 144
