"""What a task is: a sampler of sequences with their answers, and its chance baseline.

    class Echo(Task):                                    a task of your own: this, in a file of your own
        name, input_size, output_size = "echo", 4, 4
        symbols, output, loss = True, "every", "softmax"

        def sample(self, rng, n, seq_len):
            x = rng.integers(4, size=(seq_len, n))
            return Batch(x, np.roll(x, 1, axis=0), ...)

Time-major like all else: T steps, n sequences. A sequence is *wrong* when any counted output is: by its largest logit
(softmax), by a squared error above `tolerance` (mse), or by a logit on the wrong side of 0 (sigmoid).
"""

from typing import ClassVar, NamedTuple

import numpy as np


class Batch(NamedTuple):
    """Sequences and answers; S = T where a task has an output at every step, 1 where at the last alone.

    x: (T, n, I) float64, or (T, n) int64 symbols. target: (S, n, O) float64, of sigmoid in [0, 1], or (S, n) int64
    classes.
    mask: (S, n) bool, True where an output counts; None where all do.
    """

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray | None = None


class Task:
    """Base of every task.

    input_size, output_size: I and O of a network. symbols: x is int64 (T, n). output: `last` or `every` step.
    loss: softmax (classes), mse, or sigmoid (O answers of yes or no, its sum over them). tolerance: largest squared
    error of a right output (mse). shortest: least seq_len.
    """

    name: ClassVar[str]
    input_size: int
    output_size: int
    symbols: ClassVar[bool] = True
    output: ClassVar[str] = "last"
    loss: ClassVar[str] = "softmax"
    tolerance: ClassVar[float] = 0.04  # trainingRNNs, the code of Pascanu, Mikolov, Bengio (2013)
    shortest: ClassVar[int] = 1

    def steps(self, seq_len: int) -> int:
        """Return T, the steps of a sequence of this `seq_len` (or delay, where papers name a task by that)."""
        return seq_len

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return n fresh sequences; seq_len is at least `shortest` (callers see to it)."""
        raise NotImplementedError

    def sample_test(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return n sequences to test a net on: fresh ones, or, of a data set, of the part that no net is trained on."""
        return self.sample(rng, n, seq_len)

    def chance_error(self, seq_len: int) -> float:
        """Return the share of wrong sequences of the best constant output (or the best guess, where it says so)."""
        raise NotImplementedError

    def constant_loss(self, seq_len: int) -> float:
        """Return the mean loss of the best output that ignores the input."""
        raise NotImplementedError
