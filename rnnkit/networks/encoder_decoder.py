"""Encoder and decoder: a sequence in, another of any length out (many-to-many, not in step).

    encoder   x_1 ... x_T          ->  its last states are the decoder's first
    decoder   start, y_1 ... y_n-1 ->  y_1 ... y_n      in training the true ones (teacher forcing), in use its own

Sutskever, Vinyals, Le (2014); Cho et al. (2014).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit._arguments import check_unmasked, integer, is_integers, shown
from rnnkit.cells import Cell
from rnnkit.kernels._checks import check_axes
from rnnkit.networks import storage
from rnnkit.networks.by_state import Hidden
from rnnkit.networks.checks import as_lengths, as_x, check_symbols
from rnnkit.networks.fixed import Fixed
from rnnkit.networks.generation import most_likely
from rnnkit.networks.initialization import Initialization
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.parametrizations import Parametrization
from rnnkit.rng import as_generator


class EncoderDecoderGradients(NamedTuple):
    """Gradients by name, of x (T, B, I), and where asked of all states, by `encoder.` and `decoder.` directions."""

    parameters: dict[str, np.ndarray]
    dx: np.ndarray
    hidden: dict[str, Hidden]


class EncoderDecoderLoss(NamedTuple):
    """The mean loss over all symbols of the answers, its gradients, and the traces of encoder and decoder."""

    loss: float
    gradients: EncoderDecoderGradients
    traces: tuple[Trace, Trace]


class EncoderDecoder(Fixed):
    """Two networks of one cell and size; answers are symbols 0..output_size - 1, and the decoder starts on another."""

    FIXED = ("encoder", "decoder", "start")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        cell: str | Path | type[Cell] | Cell = "gru",
        layers: int = 1,
        parametrization: str | Path | type[Parametrization] | Parametrization | None = None,
        dtype: str = "float32",
        seed: int | np.random.Generator = 0,
        **start: Any,
    ) -> None:
        """Draw the weights of both networks.

        cell, parametrization, and start (initializer, spectral_radius and so on): as in `rnnkit.RNN`, else ValueError.
        """
        for name in start.keys() - set(Initialization._fields):
            known = ", ".join(Initialization._fields)
            raise ValueError(f"unknown argument {name}={shown(start[name])}: known are {known}")
        output_size = integer("output_size", output_size, 1)
        rng = as_generator(seed)
        shared = {"cell": cell, "layers": layers, "parametrization": parametrization, "dtype": dtype}
        self.encoder = RNN(input_size, hidden_size, seed=rng, **shared, **start)
        self.decoder = RNN(output_size + 1, hidden_size, output_size, seed=rng, **shared, **start)
        self.start = output_size

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Views of all weights by name, of the encoder and of the decoder."""
        return _prefixed(encoder=self.encoder.parameters, decoder=self.decoder.parameters)

    @property
    def num_parameters(self) -> int:
        """How many numbers are trained."""
        return self.encoder.num_parameters + self.decoder.num_parameters

    def __repr__(self) -> str:
        return f"EncoderDecoder(encoder={self.encoder!r}, decoder={self.decoder!r})"

    def loss_and_gradients(
        self,
        x: np.ndarray,
        target: np.ndarray,
        *,
        lengths: np.ndarray | None = None,
        target_lengths: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        hidden: bool = False,
    ) -> EncoderDecoderLoss:
        """Return the softmax cross-entropy under teacher forcing, its gradients, and both traces.

        x: (T, B, I), or (T, B) symbols. target: (n, B) integers, symbols, n need not be T. lengths, target_lengths:
        (B,) where rows are shorter, 0 too, as in `RNN.forward`; what stands beyond a target's length is not read, but
        must be a symbol. mask: (n, B) bool, True where a symbol counts.
        """
        x = as_x(self.encoder, x)
        target = _as_target(target, self.start, x.shape[1])
        target_lengths = None if target_lengths is None else as_lengths(target_lengths, *target.shape, "target_lengths")
        encoded = self.encoder.forward(x, lengths=lengths)
        fed = np.concatenate([np.full_like(target[:1], self.start), target[:-1]])
        loss, back, decoded = self.decoder.loss_and_gradients(
            fed, target, loss="softmax", mask=mask, state=encoded.state, lengths=target_lengths, hidden=hidden
        )
        below = self.encoder.backward(encoded, None, back.state, hidden=hidden)
        parameters = _prefixed(encoder=below.parameters, decoder=back.parameters)
        states = _prefixed(encoder=below.hidden, decoder=back.hidden)
        return EncoderDecoderLoss(loss, EncoderDecoderGradients(parameters, below.dx, states), (encoded, decoded))

    def generate(
        self, x: np.ndarray, steps: int, *, lengths: np.ndarray | None = None, end: int | None = None
    ) -> np.ndarray:
        """Return the likeliest answers (n, B), each symbol fed back; n = steps, or fewer once every row has said `end`.

        After a row's first `end` stands `end`, a symbol.
        """
        steps, end = integer("steps", steps, 1), None if end is None else integer("end", end, 0, self.start - 1)
        x = as_x(self.encoder, x)
        state, fed = self.encoder.forward(x, lengths=lengths).state, np.full(x.shape[1], self.start, np.int64)
        answers, ended = [], np.zeros(x.shape[1], bool)
        for _ in range(steps):
            trace = self.decoder.forward(fed[None], state)
            fed, state = most_likely(trace.y[0]), trace.state
            if end is not None:
                fed = np.where(ended, end, fed)
                ended |= fed == end
            answers.append(fed)
            if ended.all():
                break
        return np.stack(answers)

    def save(self, path: str | Path) -> None:
        """Write both networks to `path` (.npz), whole or not at all."""
        storage.save(path, self)

    def arguments(self) -> dict:
        """Return the arguments that make a network of this shape."""
        arguments = self.encoder.arguments()
        names = ("input_size", "hidden_size", "cell", "layers", "parametrization", "dtype")
        kept = {name: arguments[name] for name in names if name in arguments}
        return kept | {"output_size": self.start}

    @classmethod
    def load(
        cls,
        path: str | Path,
        cell: str | Path | type[Cell] | Cell | None = None,
        parametrization: str | Path | type[Parametrization] | Parametrization | None = None,
    ) -> "EncoderDecoder":
        """Read what `save` wrote; arguments and errors as of `RNN.load`."""
        return storage.load(path, cls, cell, parametrization)


def _prefixed(**parts: dict[str, Any]) -> dict[str, Any]:
    return {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}


def _as_target(target: np.ndarray, output_size: int, B: int) -> np.ndarray:
    """Return a copy of target, (n, B) symbols, as int64."""
    check_unmasked("target", target)
    target = np.array(target, subok=False)
    if not is_integers(target) or target.ndim != 2:
        raise ValueError(f"target must be (n, B) integers as symbols, got {shown(target)}")
    check_axes("target", "TB", target.shape)
    if target.shape[1] != B:
        raise ValueError(f"target must have a column for each row of x, B = {B}, got {shown(target)}")
    check_symbols("target", target, output_size)
    return target.astype(np.int64, copy=False)
