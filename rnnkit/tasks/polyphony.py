"""Polyphonic music as rows of pitches that sound: which ones sound next."""

from collections.abc import Iterator

import numpy as np

from rnnkit.tasks.data_set import DataSet, windows
from rnnkit.tasks.task import Batch


class Polyphony(DataSet):
    """The pitches of each step (0 or 1 each) from those of all steps before; nothing sounds before the first one.

    Sequences of training begin anywhere in a piece where seq_len steps are left; a shorter piece is masked beyond its
    end. `test_set` has whole pieces, from their beginning. Loss: the sigmoid cross-entropy summed over pitches, so nats
    a step.

    Chance: the frequency of each pitch (`constant_logits`); and that of each pitch where it has just sounded, and where
    it has not: the chord before is held with probabilities of its own (`previous_logits`). Each case counts once more
    than it was seen.
    """

    symbols, output, loss, previous, seq_len = False, "every", "sigmoid", True, 32

    def __init__(self, name: str, train: list[np.ndarray], test: list[np.ndarray]) -> None:
        """Take the pieces (steps, pitches) of both parts; what is kept are the lowest pitch heard to the highest."""
        heard = np.flatnonzero(np.concatenate([*train, *test]).any(axis=0))
        self.name, self.lowest, self.input_size = name, int(heard[0]), int(heard[-1] - heard[0] + 1)
        self.output_size = self.input_size
        self.train, self.test = (self._rows_of(part) for part in (train, test))
        self.n_train, self.n_test = len(train), len(test)

    def _rows_of(self, pieces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (rows of all pieces, each after a row of silence; where each has that; how many steps it has)."""
        lengths = np.array([len(piece) for piece in pieces])
        cropped = [piece[:, self.lowest : self.lowest + self.input_size] for piece in pieces]
        rows = np.concatenate([np.pad(piece, ((1, 0), (0, 0))) for piece in cropped]).astype(np.float64)
        return rows, np.cumsum(lengths + 1) - lengths - 1, lengths

    def _draw(self, part: tuple, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        rows, first, lengths = part
        ends = np.cumsum(np.maximum(lengths - seq_len, 0) + 1)  # of the places where a sequence of each piece may begin
        drawn = rng.integers(ends[-1], size=n)
        piece = np.searchsorted(ends, drawn, side="right")
        back = ends[piece] - 1 - drawn  # 0: the last such place of the piece
        starts = first[piece] + np.maximum(lengths[piece] - seq_len, 0) - back
        return windows(rows, starts, first[piece] + lengths[piece], seq_len)

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x, target (T, n, pitches) and mask of sequences of the training part, all equally likely."""
        return self._draw(self.train, rng, n, seq_len)

    def sample_test(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return the same of the test part."""
        return self._draw(self.test, rng, n, seq_len)

    def test_set(self, seq_len: int) -> Iterator[Batch]:
        """Yield the pieces of the test part, whole, at once."""
        rows, first, lengths = self.test
        yield windows(rows, first, first + lengths, int(lengths.max()))

    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (what sounded before, what sounds) of all steps of the training part, (steps, pitches) bool."""
        rows, first, _ = self.train
        sounds = np.delete(np.arange(len(rows)), first)
        return rows[sounds - 1] > 0, rows[sounds] > 0

    def constant_logits(self) -> np.ndarray:
        """Return the log odds (pitches,) of each pitch."""
        _, now = self._steps()
        return _log_odds(now.sum(axis=0), (~now).sum(axis=0))

    def previous_logits(self, x: np.ndarray) -> np.ndarray:
        """Return the log odds of each pitch where it has just sounded, and where it has not."""
        before, now = self._steps()
        held, begun = (_log_odds((state & now).sum(axis=0), (state & ~now).sum(axis=0)) for state in (before, ~before))
        return np.where(x > 0, held, begun)


def _log_odds(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.log((yes + 1) / (no + 1))
