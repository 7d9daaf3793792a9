"""Nets that all contenders run, and how they are handed from one process to another: as numbers in a file.

Only NumPy is needed here: peers run in environments of their own.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # columns of the weights, counted in H
BIASES = {"rnn": 1, "lstm": 4, "gru": 4}  # a GRU's n has one inside the reset gate, too


class Net(NamedTuple):
    """One net and its data: (T, B, I), (B, H), (I, G), (H, G), (H,) or (4 H,), and dL/dh_T or a target there (B, H)."""

    x: np.ndarray
    h_0: np.ndarray
    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray
    last: np.ndarray


class Sizes(NamedTuple):
    """A cell of the benchmark: kind of net, units, batch, steps, inputs, dtype."""

    kind: str
    H: int
    B: int
    T: int
    I: int = 6  # noqa: E741
    dtype: str = "float32"


def shapes(sizes: Sizes) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the arrays of a net, in their order."""
    kind, H, B, T, I, _ = sizes  # noqa: E741
    G = GATES[kind] * H
    return (T, B, I), (B, H), (I, G), (H, G), (BIASES[kind] * H,), (B, H)


def draw_net(generator: np.random.Generator, sizes: Sizes) -> Net:
    """Return a net at gain 1, whose gradients neither overflow nor become denormal in 200 steps."""
    scales = (1, 0.1, 0.1, 1 / np.sqrt(sizes.H), 0.1, 1)
    arrays = zip(shapes(sizes), scales, strict=True)
    return Net(*((s * generator.standard_normal(shape)).astype(sizes.dtype) for shape, s in arrays))


def write(path: Path, arrays: tuple[np.ndarray, ...]) -> None:
    """Write arrays, one after the other."""
    path.write_bytes(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays))


def read(path: Path, shapes: tuple[tuple[int, ...], ...], dtype: str) -> list[np.ndarray]:
    """Return arrays of these shapes, as they were written."""
    numbers = np.frombuffer(path.read_bytes(), dtype)
    parts = np.split(numbers, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    return [part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True)]


def trained_shapes(sizes: Sizes, nets: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of an answer of trainings: W_hh of all nets."""
    return ((nets, sizes.H, GATES[sizes.kind] * sizes.H),)


def answer_shapes(sizes: Sizes) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of an answer: dW_xh, dW_hh, db_h, dh_0."""
    _, h_0, W_xh, W_hh, b_h, _ = shapes(sizes)
    return W_xh, W_hh, b_h, h_0
