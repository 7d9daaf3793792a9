"""Adding: two marked numbers of a sequence of random ones, their sum (or mean) at the end. Five tasks of one name.

All have T = L = seq_len steps of (marker, number), and squared error at the last step. What differs:

    adding_pascanu     numbers U[0, 1], mean; p_0 early, p_1 before the middle; right within .2
    adding_sutskever   the same, inputs and target centred at 0
    adding_hochreiter  numbers U[-1, 1], target .5 + sum/4, first and last step marked -1; right within .04
    adding_le          numbers U[0, 1], sum; p_0 and p_1 any two steps; baseline 1/6
    adding_arjovsky    the same, p_0 in the first half, p_1 in the second

Where papers draw a longer length for a batch (L + [0, int(.1 L)) in trainingRNNs, [L, 1.1 L] in Hochreiter and
Schmidhuber), here L is the length: a mixture is made by mixing seq_len.
"""

import numpy as np

from rnnkit.tasks.task import Batch, Task

Positions = tuple[np.ndarray, np.ndarray]


def pascanu_positions(rng: np.random.Generator, n: int, seq_len: int) -> Positions:
    """Return p_0, p_1 (n,) of trainingRNNs [code]: p_0 in [0, int(.1 L)), p_1 in int(.1 L) + [0, int(.4 L)).

    int() is the floor of the float product; it equals k L // 10 (tested to L = 100,000).
    """
    early = int(seq_len * 0.1)
    return rng.integers(early, size=n), early + rng.integers(int(seq_len * 0.4), size=n)


def marked(rng: np.random.Generator, positions: Positions, seq_len: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x (T, n, 2): markers and numbers U[0, 1); and the two marked numbers (n,)."""
    sequences = np.arange(len(positions[0]))
    x = np.zeros((seq_len, sequences.size, 2))
    x[:, :, 1] = rng.random((seq_len, sequences.size))
    for position in positions:
        x[position, sequences, 0] = 1
    first, second = (x[position, sequences, 1] for position in positions)
    return x, first, second


class Adding(Task):
    """What the variants share. The sum of two U[0, 1] has mean 1, variance 1/6, P(|sum - 1| > w) = (1 - w)^2."""

    input_size, output_size, symbols, loss = 2, 1, False, "mse"
    scale = 1.0  # target = scale * sum of two U[0, 1]

    def positions(self, rng: np.random.Generator, n: int, seq_len: int) -> Positions:
        """Return the marked steps p_0, p_1 (n,)."""
        raise NotImplementedError

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, 2): channel 0 marks, channel 1 is the number; and target (1, n, 1)."""
        x, first, second = marked(rng, self.positions(rng, n, seq_len), seq_len)
        return Batch(x, (self.scale * (first + second)).reshape(1, n, 1))

    def chance_error(self, seq_len: int) -> float:
        """Return P(|target - its mean| > sqrt(tolerance)), the mean being the best constant (symmetric, unimodal)."""
        return (1 - self.tolerance**0.5 / self.scale) ** 2

    def constant_loss(self, seq_len: int) -> float:
        """Return the variance of the target."""
        return self.scale**2 / 6


class AddingPascanu(Adding):
    """Mean of two marked U[0, 1]; positions of `pascanu_positions`; wrong where the squared error is above .04 [code].

    From trainingRNNs, addition.py, RNN.py. Chance: the constant .5 is wrong in (1 - .4)^2 = 36%; variance 1/24.
    """

    name, scale, shortest = "adding_pascanu", 0.5, 10  # shortest: int(.1 L) >= 1
    positions = staticmethod(pascanu_positions)


class AddingSutskever(AddingPascanu):
    """The mean, with number - 1/2, marker - 2/L, and target - 1/2: each channel has mean 0 over a sequence.

    Sutskever, Martens, Dahl, Hinton (2013), L = 80. All recalled: that inputs and outputs are centred (by what is our
    reading), positions as in Martens and Sutskever (2011), which trainingRNNs follows, and that the errors of their
    table 5 are shares of squared error above .04: so chance 36%, near their .39 without momentum; variance 1/24.
    """

    name = "adding_sutskever"

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, 2) and target (1, n, 1), centred."""
        x, target, _ = super().sample(rng, n, seq_len)
        x -= np.array([2 / seq_len, 0.5])
        return Batch(x, target - 0.5)


class AddingLe(Adding):
    """Sum of two marked U[0, 1], at any two different steps, uniform over the L (L - 1) ordered pairs.

    Le, Jaitly, Hinton (2015): all of it recalled: target, baseline, and that no rule for where the marks stand is
    given, so this one is our choice. The constant 1 has MSE 1/6 = .1667 (they print .1767). Errors are not counted
    there: by the .04 of trainingRNNs the constant is wrong in (1 - .2)^2 = 64%.
    """

    name, shortest = "adding_le", 2

    def positions(self, rng: np.random.Generator, n: int, seq_len: int) -> Positions:
        """Return p_0 in [0, L), p_1 in the L - 1 other steps."""
        p_0, p_1 = rng.integers(seq_len, size=n), rng.integers(seq_len - 1, size=n)
        return p_0, p_1 + (p_1 >= p_0)


class AddingArjovsky(AddingLe):
    """Sum of two marked U[0, 1]; p_0 in [0, L // 2), p_1 in L // 2 + [0, L // 2).

    Arjovsky, Shah, Bengio (2016), complex_RNN, adding_problem.py [code] (channels there in the other order).
    Chance as in AddingLe: 64%, 1/6.
    """

    name = "adding_arjovsky"

    def positions(self, rng: np.random.Generator, n: int, seq_len: int) -> Positions:
        """Return one step of each half."""
        half = seq_len // 2
        return rng.integers(half, size=n), half + rng.integers(half, size=n)


class AddingHochreiter(Adding):
    """Numbers U[-1, 1], target .5 + (X_1 + X_2)/4; markers 1 at p_0 and p_1, -1 at steps 0 and L - 1, else 0.

    p_0 in [0, 10); p_1 is one of the first L // 2 - 1 steps that are not p_0: r + (r >= p_0), r in [0, L // 2 - 1).
    Hochreiter and Schmidhuber (1997), task 4; read in the same task of their NIPS paper (1996) [paper]. If step 0 is
    drawn, they count X_1 as 0; here its marker stays -1 and either number counts as 0 (of X_2 they say nothing).
    Right within .04 in absolute error: tolerance .0016.

    Chance: a step 0 is drawn with z = 1/10 + (9/10)/(L // 2 - 1), leaving one number U[-1, 1] (variance 1/3), else the
    sum of two (2/3). The constant .5 is right where |sum| <= .16: in .16 and 1 - (1 - .08)^2 = .1536 of these.
    """

    name, tolerance, shortest = "adding_hochreiter", 0.0016, 11  # shortest: p_0 <= 9 < L - 1

    def positions(self, rng: np.random.Generator, n: int, seq_len: int) -> Positions:
        """Return p_0 among the first ten, p_1 among the first L // 2 - 1 of the rest."""
        p_0, p_1 = rng.integers(10, size=n), rng.integers(seq_len // 2 - 1, size=n)
        return p_0, p_1 + (p_1 >= p_0)

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, 2) and target (1, n, 1)."""
        p_0, p_1 = self.positions(rng, n, seq_len)
        x, first, second = marked(rng, (p_0, p_1), seq_len)
        x[:, :, 1] = 2 * x[:, :, 1] - 1
        x[[0, -1], :, 0] = -1
        target = 0.5 + ((2 * first - 1) * (p_0 > 0) + (2 * second - 1) * (p_1 > 0)) / 4
        return Batch(x, target.reshape(1, n, 1))

    def _one_number(self, seq_len: int) -> float:
        return 0.1 + 0.9 / (seq_len // 2 - 1)

    def chance_error(self, seq_len: int) -> float:
        """Return the share of targets further than .04 from .5."""
        z, w = self._one_number(seq_len), 4 * self.tolerance**0.5
        return z * (1 - w) + (1 - z) * (1 - w / 2) ** 2

    def constant_loss(self, seq_len: int) -> float:
        """Return the variance of the target."""
        return (2 - self._one_number(seq_len)) / 48
