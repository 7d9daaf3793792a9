"""Tasks that are made of data: a training part and a test part, and what a net must beat on the latter.

Nets are trained on draws from the training part and checked on draws from the test part (`sample_test`); `test_set` is
the whole test part, each sequence once. Baselines are fitted to the training part and scored on the test part, by the
same `scores` as a net.
"""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import log_expit, log_softmax

from rnnkit._arguments import choice
from rnnkit.tasks.task import Batch, Task

LEAST = 1e-9  # nats: what makes a logit the largest


class Scores(NamedTuple):
    """Of each sequence (n,): how many counted outputs are wrong, their negative log-likelihood in nats, their number.

    An output is wrong where its largest logit is another's (softmax), or one of its O answers is (sigmoid).
    """

    wrong: np.ndarray
    nll: np.ndarray
    counted: np.ndarray


def scores(logits: np.ndarray, batch: Batch, loss: str) -> Scores:
    """Return what logits (S, n, O) are worth; loss: softmax or sigmoid, the latter summed over O. A nan is wrong."""
    choice("loss", loss, ("softmax", "sigmoid"))
    z = logits.astype(np.float64)
    counts = np.ones(z.shape[:2], bool) if batch.mask is None else batch.mask
    if loss == "softmax":
        labels = batch.target[..., None]
        with np.errstate(invalid="ignore"):  # of logits that are infinite
            nll = -np.take_along_axis(log_softmax(z, axis=2), labels, axis=2)[..., 0]
        beaten = z < np.take_along_axis(z, labels, axis=2)
        np.put_along_axis(beaten, labels, True, axis=2)
        wrong = ~beaten.all(axis=2) | np.isnan(nll)
    else:
        for_it = np.where(batch.target > 0.5, z, -z)  # how much each logit speaks for its target, 0 or 1
        nll, wrong = -log_expit(for_it).sum(axis=2), ~(for_it > 0).all(axis=2)
    return Scores((wrong & counts).sum(axis=0), np.where(counts, nll, 0).sum(axis=0), counts.sum(axis=0))


def joined(found: list[Scores]) -> Scores:
    """Return the scores of all sequences of several batches."""
    return Scores(*map(np.concatenate, zip(*found, strict=True)))


class DataSet(Task):
    """Base of tasks made of data.

    seq_len: the length of its sequences where none is asked for; from `shortest` to `longest`, where there is one.
    n_train, n_test: how many sequences (or pieces, or characters) each part has, for people.
    """

    seq_len: int
    longest: int | None = None
    n_train: int
    n_test: int
    previous: ClassVar[bool] = False  # whether `previous_logits` is there

    def test_set(self, seq_len: int) -> Iterator[Batch]:
        """Yield the whole test part once, in batches that fit in memory; T may be longer than seq_len (pieces)."""
        raise NotImplementedError

    def constant_logits(self) -> np.ndarray:
        """Return the logits (O,) of frequencies in the training part: the best output that ignores the input."""
        raise NotImplementedError

    def previous_logits(self, x: np.ndarray) -> np.ndarray:
        """Return the logits (T, n, O) that know x_t alone, nothing before it, fitted to the training part."""
        raise NotImplementedError

    def constant_scores(self, seq_len: int) -> Scores:
        """Return the scores of `constant_logits` on the test part; of the commonest classes it answers the first."""
        logits = self._one_largest(self.constant_logits())
        return joined([scores(_at_every(logits, batch), batch, self.loss) for batch in self.test_set(seq_len)])

    def previous_scores(self, seq_len: int) -> Scores:
        """Return the scores of `previous_logits` on the test part, likewise."""
        found = ((self._one_largest(self.previous_logits(batch.x)), batch) for batch in self.test_set(seq_len))
        return joined([scores(logits, batch, self.loss) for logits, batch in found])

    def _one_largest(self, logits: np.ndarray) -> np.ndarray:
        """Return logits (..., O) of classes without a tie for the largest, which would be no answer."""
        if self.loss == "softmax":
            logits = logits.copy()  # a user's method may return an array that it keeps
            first = logits.argmax(axis=-1, keepdims=True)
            np.put_along_axis(logits, first, np.take_along_axis(logits, first, axis=-1) + LEAST, axis=-1)
        return logits

    def chance_error(self, seq_len: int) -> float:
        """Return the share of test sequences that the best constant has not all right."""
        return float(np.mean(self.constant_scores(seq_len).wrong > 0))

    def constant_loss(self, seq_len: int) -> float:
        """Return the negative log-likelihood of the best constant, in nats an output of the test part."""
        found = self.constant_scores(seq_len)
        return float(found.nll.sum() / found.counted.sum())


def _at_every(logits: np.ndarray, batch: Batch) -> np.ndarray:
    return np.broadcast_to(logits, (*batch.target.shape[:2], logits.size))


def windows(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray | int, seq_len: int) -> Batch:
    """Return x_t = rows[start + t] and target_t = rows[start + t + 1], t < seq_len; masked where that is beyond `end`.

    rows: (steps, ...). starts, ends: (n,), of each sequence.
    """
    at = starts + np.arange(seq_len + 1)[:, None]
    found = rows[np.minimum(at, ends)]
    return Batch(found[:-1].copy(), found[1:].copy(), at[1:] <= ends)


def frequency_logits(labels: np.ndarray, n: int) -> np.ndarray:
    """Return ln of the frequencies (n,) of integers; each is counted once more than it was seen."""
    counts = np.bincount(labels.ravel(), minlength=n) + 1.0
    return np.log(counts / counts.sum())
