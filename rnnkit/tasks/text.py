"""A text of one's own, character by character: which one comes next."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnnkit.tasks.data_set import DataSet, frequency_logits, windows
from rnnkit.tasks.task import Batch

HELD_OUT = 10  # the last tenth is for tests
TEST_BATCH = 100  # windows tested at once


def read_text(path: str | Path) -> str:
    """Return what a UTF-8 file holds, without a byte-order mark at its start. Raises OSError and UnicodeDecodeError."""
    return Path(path).read_text(encoding="utf-8-sig")


def as_symbols(text: str) -> tuple[list[str], np.ndarray]:
    """Return the alphabet, sorted, and the text as numbers of its letters."""
    alphabet = sorted(set(text))
    return alphabet, np.searchsorted(alphabet, list(text))


class Text(DataSet):
    """The next character at each of seq_len steps, from the characters so far; windows of a text, states at 0.

    The alphabet is that of the whole text. The last tenth is for tests: `test_set` cuts it into windows side by side,
    of which the last one may be shorter, so that each of its characters but the first is predicted once.
    Chance: frequencies of single characters (`constant_logits`), and of pairs (`previous_logits`), each counted once
    more than it was seen. Nats; over ln 2, bits a character.
    """

    output, previous, seq_len = "every", True, 50

    def __init__(self, path: str | Path) -> None:
        """Read the file. Raises ValueError where it is none, or holds too little for a step in each part."""
        where = f"task={str(path)!r}"
        try:
            text = read_text(path)
        except OSError as error:
            raise ValueError(f"{where}: the file cannot be read ({error.strerror})") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{where}: the file must be a text in UTF-8, got {error}") from None
        alphabet, symbols = as_symbols(text)
        n_test = len(text) // HELD_OUT
        if n_test < 2:
            raise ValueError(f"{where}: the text must have {2 * HELD_OUT} characters or more, got {len(text)}")
        self.name, self.train, self.test = str(path), symbols[:-n_test], symbols[-n_test:]
        self.input_size = self.output_size = len(alphabet)
        self.n_train, self.n_test, self.longest = len(self.train), n_test, n_test - 1
        self.seq_len = min(type(self).seq_len, self.longest)

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x and target (T, n) of windows that begin anywhere in the training part."""
        return windows(self.train, rng.integers(self.n_train - seq_len, size=n), self.n_train - 1, seq_len)

    def sample_test(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return the same of the test part."""
        return windows(self.test, rng.integers(self.n_test - seq_len, size=n), self.n_test - 1, seq_len)

    def test_set(self, seq_len: int) -> Iterator[Batch]:
        """Yield the test part as windows side by side."""
        starts = np.arange(0, self.n_test - 1, seq_len)
        for i in range(0, len(starts), TEST_BATCH):
            yield windows(self.test, starts[i : i + TEST_BATCH], self.n_test - 1, seq_len)

    def constant_logits(self) -> np.ndarray:
        """Return ln of the characters' frequencies."""
        return frequency_logits(self.train, self.output_size)

    def previous_logits(self, x: np.ndarray) -> np.ndarray:
        """Return ln of the frequencies of what follows each character; add one."""
        counts = np.ones((self.input_size, self.input_size))
        np.add.at(counts, (self.train[:-1], self.train[1:]), 1)
        return np.log(counts / counts.sum(axis=1, keepdims=True))[x]
