"""What a forward pass leaves, and what a backward pass returns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.networks.by_state import Hidden, State
from rnnkit.networks.network import Network
from rnnkit.networks.parameters import LayerWeights


class Layer(NamedTuple):
    """What the backward pass of a layer needs: its inputs, its first states, and of each direction the others.

    inside: (other states (states - 1, T+1 or T+2, B, H), saved (T, saved, B, H)); see `rnnkit.kernels.layer`.
    """

    x: np.ndarray
    h: np.ndarray
    inside: list[tuple[np.ndarray, np.ndarray]]


class Tape:
    """What backward reads of a trace: arrays that no one else holds, and the weights they were made with, as bytes.

    Private. As bytes a nan equals itself, and to compare a small net's takes 0.2 us (memcmp), a million's 0.6 ms.
    first_step: the one that x[0] is of the whole sequence, which lengths count from the beginning of. checkpoints: the
    states before each segment, in place of layers.
    """

    def __init__(
        self, x: np.ndarray, lengths: np.ndarray, net: Network, effective: Sequence[LayerWeights], first_step: int = 0
    ) -> None:
        """Keep the arrays, and a copy of the weights. effective: as they run, by direction."""
        self.x, self.lengths, self.effective, self.first_step = x, lengths, effective, first_step
        self.layers: list[Layer] = []
        self.checkpoints: list[Sequence[np.ndarray]] = []
        self.weights, self.arguments = bytearray(net.flat.data), net._arguments


class Trace(NamedTuple):
    """What forward leaves: y (T, B, O) or (B, O), h (T, B, features) the last layer's states, state the last ones.

    With checkpointing h and layers are empty. x and lengths are copies of what was given. y and state are the caller's
    to change; x, h, lengths and layers show what backward reads, and are read-only. A trace is of the weights it was
    made with: what takes one refuses it once a weight has changed.
    """

    y: np.ndarray
    h: np.ndarray
    state: State
    x: np.ndarray
    lengths: np.ndarray
    layers: list[Layer]
    arguments: dict[str, Any]
    tape: Tape


class Gradients(NamedTuple):
    """Gradients by name, of x (T, B, I), of the first states, of all states by direction; flat holds the first."""

    parameters: dict[str, np.ndarray]
    dx: np.ndarray
    state: State
    hidden: dict[str, Hidden]
    flat: np.ndarray
