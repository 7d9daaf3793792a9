"""A recurrent network: layers of any cell, in one direction or both, and a readout; gradients of every part of it.

    net = rnnkit.RNN(6, 50, 4, cell="tanh", spectral_radius=1.1, seed=0)
    run = net.forward(x)                     run.y (T, B, O): the outputs; run.state: the states after the last step
    gradients = net.backward(run, dy)        .parameters, .dx, .state (of the first states), .hidden (of every state)
    loss, gradients, run = net.loss_and_gradients(x, target, loss="mse")

The network holds weights, and nothing of a run: forward returns what backward needs.
"""

from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rnnkit import passes, storage
from rnnkit.initializers import INITIALIZERS
from rnnkit.kernels import losses
from rnnkit.kernels.cells import CELLS
from rnnkit.network_checks import check_mask
from rnnkit.parameters import Start, directions, fill, shapes, views
from rnnkit.passes import Gradients, Run, State
from rnnkit.rng import streams

OUTPUTS = ("every", "last")
LOSSES = {
    "mse": losses.mse,
    "softmax": losses.softmax_cross_entropy,
    "sigmoid": losses.sigmoid_cross_entropy,
}


class LossAndGradients(NamedTuple):
    """The loss, the gradients, and the run they come from."""

    loss: float
    gradients: Gradients
    run: Run


class RNN:
    """A recurrent network that owns its weights; `parameters` has a view of each, by name (`rnnkit.parameters`)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int | None = None,
        *,
        cell: str = "tanh",
        layers: int = 1,
        bidirectional: bool = False,
        output: str = "every",
        initializer: str | np.ndarray = "glorot",
        spectral_radius: float | None = None,
        gain: float | None = None,
        fan_in: int | None = None,
        forget_bias: float | None = None,
        chrono: int | None = None,
        dtype: str = "float32",
        seed: int | np.random.Generator = 0,
    ) -> None:
        """Draw the weights of a network.

        output_size: None for the states of the last layer as outputs (directions side by side).
        cell: tanh, relu, sigmoid, identity (Elman), lstm or gru.
        output: `every` step has one, (T, B, O); or the `last` alone, (B, O), from the states after the last step, which
        is the first step for the second direction.
        initializer: of W_hh, gate by gate: glorot, gaussian, orthogonal, identity, sparse; or the array itself, (H, G).
        spectral_radius: scale each gate's part exactly to it. gain: multiply by it. fan_in: of sparse.
        forget_bias: first bias of an LSTM's forget gate, 0 where not given (Jozefowicz, Zaremba, Sutskever 2015: 1).
        chrono: longest dependency in steps; biases of Tallec, Ollivier (2018), eq. 16, of an LSTM or GRU.
        W_xh and W_hy: Glorot, other biases 0. dtype: float32 or float64. seed: of all draws, or a
        generator to go on with.
        Raises ValueError naming an argument that is out of range or has no place beside the others.
        """
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "layers": layers}
        self._check_sizes(sizes | ({} if output_size is None else {"output_size": output_size}))
        start = Start(initializer, spectral_radius, gain, fan_in, forget_bias, chrono)
        _check_options(cell, output, start, dtype)
        self.input_size, self.hidden_size, self.output_size, self.cell = input_size, hidden_size, output_size, cell
        self.layers, self.bidirectional, self.output, self.dtype = layers, bool(bidirectional), output, np.dtype(dtype)
        self.ways = directions(input_size, hidden_size, layers, self.bidirectional)
        self.shapes = shapes(self.ways, hidden_size, cell, self.features, output_size)
        self.flat = np.empty(sum(int(np.prod(shape)) for shape in self.shapes.values()), self.dtype)
        self.parameters = MappingProxyType(views(self.flat, self.shapes))  # a new array under a name would be lost
        fill(
            self.parameters,
            hidden_size,
            cell,
            start,
            seed if isinstance(seed, np.random.Generator) else streams(seed).init,
        )

    @staticmethod
    def _check_sizes(sizes: dict[str, int]) -> None:
        for name, size in sizes.items():
            if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
                raise ValueError(f"{name} must be an integer from 1, got {size!r}")

    @property
    def features(self) -> int:
        """Columns of the last layer's states: H, or 2 H of two directions."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    @property
    def num_parameters(self) -> int:
        """How many numbers are trained."""
        return self.flat.size

    def __repr__(self) -> str:
        ways = f"{'2 x ' if self.bidirectional else ''}{self.hidden_size}"
        inside = " -> ".join([str(self.input_size)] + [ways] * self.layers + [str(self.output_size or "states")])
        last = ", output last" if self.output == "last" else ""
        return f"RNN({self.cell}, {inside}{last}, {self.dtype}, {self.num_parameters:,} parameters)"

    def initial_state(self, B: int) -> State:
        """Return states of zeros: h (layers x directions, B, H), and of an LSTM c."""
        zeros = np.zeros((len(self.ways), B, self.hidden_size), self.dtype)
        return State(zeros, zeros.copy() if self.cell == "lstm" else None)

    def forward(self, x: np.ndarray, state: State | None = None, lengths: np.ndarray | None = None) -> Run:
        """Return a Run: y (T, B, O), or (B, O) where output is `last`; h, the last layer's; state, the last ones.

        x: (T, B, I) of the network's dtype, or (T, B) int64 symbols. state: the first states, from `initial_state` or
        an earlier run; zeros where not given. lengths: (B,) integers from 1 to T where rows are shorter: a step beyond
        a row's length hands the state on, and its output is 0. Raises ValueError naming a bad argument.
        """
        return passes.forward(self, x, state, lengths)

    def backward(
        self,
        run: Run,
        dy: np.ndarray | None,
        dstate: State | None = None,
        *,
        truncation: tuple[int, int] | None = None,
        hidden: bool = False,
    ) -> Gradients:
        """Return the gradients of a loss with dL/dy = dy, shaped as run.y, and dL/dstate = dstate of the last states.

        truncation: (k1, k2), see `rnnkit.truncated`. hidden: the gradients of all states too. A derivative is 0 where
        its unit's state rounds to 1 (`rnnkit.kernels.rnn_backward`); `rnnkit.hidden` has its logarithm.
        """
        return passes.backward(self, run, dy, dstate, truncation, hidden)

    def loss_and_gradients(
        self,
        x: np.ndarray,
        target: np.ndarray,
        *,
        loss: str = "mse",
        mask: np.ndarray | None = None,
        state: State | None = None,
        lengths: np.ndarray | None = None,
        truncation: tuple[int, int] | None = None,
        hidden: bool = False,
    ) -> LossAndGradients:
        """Return (loss, gradients, run): the mean over all outputs that are neither masked nor beyond a row's length.

        target: shaped as the outputs, for softmax int64 classes without their last axis. loss: mse, softmax or sigmoid
        (cross-entropies of logits, nats). mask: bool, True where an output counts. Others as above.
        """
        run = self.forward(x, state, lengths)
        value, dy = self.loss(run, target, loss, mask)
        return LossAndGradients(value, self.backward(run, dy, truncation=truncation, hidden=hidden), run)

    def loss(
        self, run: Run, target: np.ndarray, loss: str = "mse", mask: np.ndarray | None = None
    ) -> losses.LossAndGradient:
        """Return (value, dL/dy) of a run; arguments as in `loss_and_gradients`."""
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
        check_mask(run, mask)
        if run.lengths.size and self.output == "every":
            within = passes.within(run.lengths, len(run.x))
            mask = within if mask is None else within & mask
        return LOSSES[loss](run.y, np.ascontiguousarray(target), mask)

    def save(self, path: str | Path) -> None:
        """Write the network to `path` (.npz), whole or not at all."""
        storage.save(path, self)

    @classmethod
    def load(cls, path: str | Path) -> "RNN":
        """Read a network that `save` wrote; ValueError says what is wrong with a file that is not one."""
        return storage.load(path, cls)

    def __reduce__(self) -> tuple:
        """Copy and pickle as one array: copies of its views would no longer be views."""
        return storage.rebuild, (type(self), self.settings(), self.flat.copy())

    def settings(self) -> dict:
        """Return the arguments that make a network of this shape."""
        names = ("input_size", "hidden_size", "output_size", "cell", "layers", "bidirectional", "output")
        return {name: getattr(self, name) for name in names} | {"dtype": str(self.dtype)}


def _check_options(cell: str, output: str, start: Start, dtype: str) -> None:
    for name, value, allowed in (("cell", cell, CELLS), ("output", output, OUTPUTS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    if str(dtype) not in ("float32", "float64") and dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    named = isinstance(start.initializer, str)
    if start.initializer not in INITIALIZERS if named else not isinstance(start.initializer, np.ndarray):
        raise ValueError(f"initializer must be one of {', '.join(INITIALIZERS)} or an array, got {start.initializer!r}")
    if not named and (start.gain is not None or start.fan_in is not None):
        raise ValueError("gain and fan_in have no place beside an initializer that is an array")
    if start.spectral_radius is not None and start.gain is not None:
        raise ValueError(f"spectral_radius={start.spectral_radius} has no place beside gain={start.gain}")
    if start.spectral_radius is not None and not 0 < start.spectral_radius < np.inf:
        raise ValueError(f"spectral_radius must be a positive finite number, got {start.spectral_radius}")
    if start.fan_in is not None and start.initializer != "sparse":
        raise ValueError(f"fan_in={start.fan_in} has no place beside initializer={start.initializer!r}")
    if start.forget_bias is not None and cell != "lstm":
        raise ValueError(f"forget_bias={start.forget_bias} has no place beside cell={cell!r}: it is an LSTM's")
    if start.chrono is not None:
        if cell not in ("lstm", "gru") or start.forget_bias is not None:
            raise ValueError(f"chrono={start.chrono} has a place beside cell=lstm or gru without forget_bias alone")
        if not isinstance(start.chrono, int | np.integer) or start.chrono < 3:
            raise ValueError(f"chrono must be an integer from 3, got {start.chrono}")
