"""A network that runs freely: its own output is its next input.

symbols = generate(net, first, 100, choose=lambda logits: sample(logits, rng, temperature=0.5)).x
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import (
    check_array,
    check_unmasked,
    function,
    generator,
    integer,
    is_integers,
    number,
    shown,
    to_dtype,
)
from rnnkit.kernels._checks import check_axes
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_net, check_symbols
from rnnkit.networks.rnn import RNN

Choose = Callable[[np.ndarray], np.ndarray]


class Generated(NamedTuple):
    """x: what was fed back, (n, B) symbols or (n, B, I). y: the outputs (n, B, O). state: the last one."""

    x: np.ndarray
    y: np.ndarray
    state: State


def most_likely(logits: np.ndarray) -> np.ndarray:
    """Return the symbols (B,) of the largest logits (B, O)."""
    return logits.argmax(axis=-1)


def sample(logits: np.ndarray, rng: np.random.Generator, temperature: float = 1.0) -> np.ndarray:
    """Return symbols (B,) drawn with probability softmax(logits / temperature), logits (B, O).

    Small temperatures come near `most_likely`, large ones near chance. Raises ValueError unless it is above 0.
    """
    check_array("logits", logits)
    if logits.ndim < 1 or logits.dtype.kind != "f" or not logits.size or np.isnan(logits).any():
        raise ValueError(f"logits must be floats (B, O), none empty, none nan, got {shown(logits)}")
    generator("rng", rng)
    scaled = logits.astype(np.float64) / number("temperature", temperature, above=0)
    return (scaled + rng.gumbel(size=scaled.shape)).argmax(axis=-1)  # Gumbel (1954): the largest is a draw


def generate(
    net: RNN, first: np.ndarray, steps: int, choose: Choose | None = None, state: State | None = None
) -> Generated:
    """Run a network for some steps on `first`, (B,) symbols or (B, I), and after that on what `choose` makes of y.

    choose: takes y_t (B, O), returns the next input; where not given the likeliest symbol, or y itself for numbers.
    state: the first states; zeros where not given. Raises ValueError naming a bad argument.
    """
    steps = integer("steps", steps, 1)
    check_net(net)
    if net.bidirectional or net.output == "last":
        raise ValueError(f"net must have one direction and output='every' to run freely, got {net!r}")
    x = _as_input("first", first, net)
    if choose is None:
        choose = most_likely if x.ndim == 1 else _itself
        _check_fits(net, x)
    function("choose", choose)
    fed, outputs = [], []
    for _ in range(steps):
        trace = net.forward(x[None], state)
        x, state = _as_input("what choose returns", choose(trace.y[0].copy()), net, x.shape), trace.state
        fed.append(x)
        outputs.append(trace.y[0])
    return Generated(np.stack(fed), np.stack(outputs), state)


def _itself(y: np.ndarray) -> np.ndarray:
    return y


def _check_fits(net: RNN, x: np.ndarray) -> None:
    """Raise ValueError where a network's outputs are more than its inputs, or as numbers fewer."""
    n = net.features if net.output_size is None else net.output_size
    if n > net.input_size or (x.ndim == 2 and n != net.input_size):
        most = "at most as many" if x.ndim == 1 else "as many"
        raise ValueError(
            f"net must have {most} outputs as inputs, {net.input_size}, to be fed them back, got {n}: give `choose`"
        )


def _as_input(name: str, value: np.ndarray, net: RNN, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a copy: symbols (B,) as int64, or numbers (B, I) in the network's dtype. Floats are never symbols."""
    check_unmasked(name, value)
    x = np.array(value, subok=False)
    fits = is_integers(x) if x.ndim == 1 else x.ndim == 2 and x.dtype.kind in "iuf" and x.shape[1] == net.input_size
    if not fits or (shape is not None and x.shape != shape):
        wanted = f"(B,) integers as symbols, or (B, {net.input_size}) numbers"
        if shape is not None:
            wanted = f"{shape} {'integers as symbols' if len(shape) == 1 else 'numbers'}"
        raise ValueError(f"{name} must be {wanted}, got {shown(x)}")
    check_axes(name, "BI"[: x.ndim], x.shape)
    if x.ndim == 1:
        check_symbols(name, x, net.input_size)
    return x.astype(np.int64, copy=False) if x.ndim == 1 else to_dtype(name, x, net.dtype)
