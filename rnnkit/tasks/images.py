"""Labelled images as sequences: pixels or rows one after another, and the class at the end."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnkit.tasks.data_set import DataSet, frequency_logits
from rnnkit.tasks.task import Batch

TEST_BATCH = 100  # images tested at once: all states of a net are kept, 784 steps of them


class Labelled(NamedTuple):
    """Images (n, pixels) uint8, row by row, and their classes (n,) int64."""

    pixels: np.ndarray
    labels: np.ndarray


class Images(DataSet):
    """Images of ten classes, `width` pixels a step: T = pixels / width steps, and no other length.

    x is the grey level over that of white, in [0, 1]. Chance: the commonest class of the training part.
    """

    symbols, output_size = False, 10

    def __init__(self, name: str, train: Labelled, test: Labelled, width: int, white: int) -> None:
        """Take both parts; white: the grey level that becomes 1."""
        self.name, self.input_size, self.train, self.test, self.white = name, width, train, test, white
        self.seq_len = self.shortest = self.longest = train.pixels.shape[1] // width
        self.n_train, self.n_test = len(train.labels), len(test.labels)

    def _batch(self, part: Labelled, chosen: np.ndarray) -> Batch:
        pixels = part.pixels[chosen].reshape(len(chosen), self.seq_len, self.input_size)
        return Batch(np.ascontiguousarray(pixels.swapaxes(0, 1)) / self.white, part.labels[None, chosen])

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n, width) and target (1, n) of images drawn from the training part."""
        return self._batch(self.train, rng.integers(self.n_train, size=n))

    def sample_test(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return the same of the test part."""
        return self._batch(self.test, rng.integers(self.n_test, size=n))

    def test_set(self, seq_len: int) -> Iterator[Batch]:
        """Yield the test part in its order."""
        for start in range(0, self.n_test, TEST_BATCH):
            yield self._batch(self.test, np.arange(start, min(start + TEST_BATCH, self.n_test)))

    def constant_logits(self) -> np.ndarray:
        """Return ln of the classes' frequencies (10,)."""
        return frequency_logits(self.train.labels, self.output_size)
