"""A network that runs freely: its own output is its next input.

symbols = generate(net, first, 100, choose=lambda logits: sample(logits, rng, temperature=0.5)).x
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import State

Choose = Callable[[np.ndarray], np.ndarray]


class Generated(NamedTuple):
    """x: what was fed back, (n, B) symbols or (n, B, I). y: the outputs (n, B, O). state: the last one."""

    x: np.ndarray
    y: np.ndarray
    state: "State"


def most_likely(logits: np.ndarray) -> np.ndarray:
    """Return the symbols (B,) of the largest logits (B, O)."""
    return logits.argmax(axis=-1)


def check_steps(steps: int) -> None:
    """Raise ValueError unless steps is an integer from 1."""
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"steps must be an integer from 1, got {steps!r}")


def sample(logits: np.ndarray, rng: np.random.Generator, temperature: float = 1.0) -> np.ndarray:
    """Return symbols (B,) drawn with probability softmax(logits / temperature), logits (B, O).

    Small temperatures come near `most_likely`, large ones near chance. Raises ValueError unless it is above 0.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be a finite number above 0, got {temperature}")
    scaled = logits.astype(np.float64) / temperature
    return (scaled + rng.gumbel(size=scaled.shape)).argmax(axis=-1)  # Gumbel (1954): the largest is a draw


def generate(
    net: "RNN", first: np.ndarray, steps: int, choose: Choose | None = None, state: "State | None" = None
) -> Generated:
    """Run a network for some steps on `first`, (B,) symbols or (B, I), and from then on on what `choose` makes of y.

    choose: takes y_t (B, O), returns the next input; where not given the likeliest symbol, or y itself for numbers.
    state: the first states; zeros where not given. Raises ValueError naming a bad argument.
    """
    check_steps(steps)
    if net.bidirectional or net.output == "last":
        raise ValueError(f"net must have one direction and output='every' to run freely, got {net!r}")
    first = np.asarray(first)
    choose = choose or (most_likely if first.ndim == 1 else lambda y: y)
    x, fed, outputs = first, [], []
    for _ in range(steps):
        run = net.forward(np.ascontiguousarray(x[None], np.int64 if first.ndim == 1 else net.dtype), state)
        x, state = np.asarray(choose(run.y[0])), run.state
        fed.append(x)
        outputs.append(run.y[0])
    return Generated(np.stack(fed), np.stack(outputs), state)
