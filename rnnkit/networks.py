"""A recurrent network: layers of any cell, in one direction or both, and a readout; gradients of every part of it.

    net = rnnkit.RNN(6, 50, 4, cell="tanh", spectral_radius=1.1, seed=0)
    run = net.forward(x)                     run.y (T, B, O): the outputs; run.state: the states after the last step
    gradients = net.backward(run, dy)        .parameters, .dx, .state (of the first states), .hidden (of every state)
    loss, gradients, run = net.loss_and_gradients(x, target, loss="mse")

The network holds weights, and nothing of a run: forward returns what backward needs.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rnnkit import passes, storage
from rnnkit._arguments import boolean, check_unmasked, choice, integer, number, shown
from rnnkit.by_state import State
from rnnkit.cells import Cell, as_cell
from rnnkit.cells.handles import handle_of
from rnnkit.initializers import INITIALIZERS
from rnnkit.kernels import losses
from rnnkit.kernels._checks import FLOATS
from rnnkit.kernels.losses import LOSSES
from rnnkit.network_checks import Fixed, check_mask, check_run
from rnnkit.parameters import Start, directions, fill, places, shapes, views
from rnnkit.parametrizations import Parametrization, as_parametrization
from rnnkit.passes import Gradients, Run
from rnnkit.rng import as_generator

OUTPUTS = ("every", "last")
LONGEST_CHRONO = 10**15  # steps; float64 counts further ones no more
MOST_LAYERS, MOST_WEIGHTS = 10_000, 2**40  # beyond these a number was meant for something else


class LossAndGradients(NamedTuple):
    """The loss, the gradients, and the run they come from."""

    loss: float
    gradients: Gradients
    run: Run


class RNN(Fixed):
    """A recurrent network that owns its weights; `parameters` has a view of each, by name (`rnnkit.parameters`).

    Weights are changed in place, all at once as `net.flat[:] = ...`; what they are laid out by stays as it was made.
    """

    FIXED = ("input_size", "hidden_size", "output_size", "cell", "layers", "bidirectional", "output", "dtype")
    FIXED += ("parametrization", "handle", "ways", "places", "shapes", "flat", "parameters")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int | None = None,
        *,
        cell: str | Path | type[Cell] | Cell = "tanh",
        layers: int = 1,
        bidirectional: bool = False,
        output: str = "every",
        initializer: str | np.ndarray = "glorot",
        spectral_radius: float | None = None,
        gain: float | None = None,
        fan_in: int | None = None,
        forget_bias: float | None = None,
        chrono: int | None = None,
        parametrization: str | Path | type[Parametrization] | Parametrization | None = None,
        dtype: str = "float32",
        seed: int | np.random.Generator = 0,
    ) -> None:
        """Draw the weights of a network.

        output_size: None for the states of the last layer as outputs (directions side by side).
        cell: tanh, relu, sigmoid, identity (Elman), lstm, gru; or a cell of your own: the path of a .py file that
        defines one, its class, or an instance with other constants (`rnnkit.cells.Cell`).
        output: `every` step has one, (T, B, O); or the `last` alone, (B, O), from the states after the last step, which
        is the first step for the second direction.
        initializer: of W_hh, block by block: glorot, gaussian, orthogonal, identity, sparse; or the array itself,
        (H, G).
        spectral_radius: scale each block's part exactly to it. gain: multiply by it. fan_in: of sparse.
        forget_bias: first bias of the gate that keeps the state, as an LSTM's forget gate, 0 where not given
        (Jozefowicz, Zaremba, Sutskever 2015: 1).
        chrono: longest dependency in steps; biases of Tallec, Ollivier (2018), eq. 16, of a cell with such a gate.
        parametrization: antisymmetric, orthogonal, diagonal, masked, dale, or one of your own like a cell: recurrent
        weights are its map of free ones (`rnnkit.parametrizations`), which `parameters` holds and training steps. An
        initializer draws the free weights; spectral_radius and gain are of the map, `weights`.
        W_xh and W_hy: Glorot, other biases 0. dtype: float32 or float64. seed: of all draws, or a
        generator to go on with.
        Raises ValueError naming an argument that is out of range or has no place beside the others.
        """
        self.input_size, self.hidden_size = integer("input_size", input_size, 1), integer("hidden_size", hidden_size, 1)
        self.output_size = None if output_size is None else integer("output_size", output_size, 1)
        self.cell, self.layers = as_cell(cell), integer("layers", layers, 1, MOST_LAYERS)
        self.bidirectional, self.output = boolean("bidirectional", bidirectional), choice("output", output, OUTPUTS)
        self.dtype, self.parametrization = _as_dtype(dtype), as_parametrization(parametrization)
        if self.parametrization is not None and not self.cell.recurrent():
            given = f"parametrization={self.parametrization.name}"
            raise ValueError(f"{given} cannot be combined with cell={self.cell.shown}: it has no W_hh")
        start = _check_start(self.cell, Start(initializer, spectral_radius, gain, fan_in, forget_bias, chrono))
        rng = as_generator(seed)
        names = ("input_size", "hidden_size", "output_size", "cell", "layers", "bidirectional", "output")
        names += ("parametrization",) if self.parametrization is not None else ()
        self._settings = {name: getattr(self, name) for name in names} | {"dtype": self.dtype.name}
        for name, value in self.cell.constants.items():
            if abs(value) > float(np.finfo(self.dtype).max):
                raise ValueError(f"constants.{name} must be finite in {self.dtype}, got {value}")
        self.handle = handle_of(self.cell)
        self.ways = tuple(directions(self.input_size, self.hidden_size, self.layers, self.bidirectional))
        self.places = tuple(places(self.ways, self.hidden_size, self.cell))
        self.shapes = MappingProxyType(shapes(self.ways, self.hidden_size, self.cell, self.features, self.output_size))
        self.flat = np.empty(self._count_weights(), self.dtype)
        self.parameters = MappingProxyType(views(self.flat, self.shapes))  # a new array under a name would be lost
        fill(self.parameters, self.hidden_size, self.cell, start, rng, self.parametrization)

    def _count_weights(self) -> int:
        n = sum(math.prod(shape) for shape in self.shapes.values())
        if n > MOST_WEIGHTS:
            sizes = f"input_size={self.input_size}, hidden_size={self.hidden_size}, output_size={self.output_size}"
            raise ValueError(
                f"{sizes} must make a network that fits into memory, got more than {MOST_WEIGHTS:,} weights"
            )
        return n

    @property
    def features(self) -> int:
        """Columns of the last layer's states: H, or 2 H of two directions."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    def effective(self) -> np.ndarray:
        """Return all weights as they run: `flat` itself, or a copy with the maps of the free recurrent weights."""
        if self.parametrization is None:
            return self.flat
        flat = self.flat.copy()
        for name, W in views(flat, self.shapes).items():
            if self.is_recurrent(name):
                W[:] = self.parametrization.of(self.parameters[name])
        return flat

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """Weights as they run, by name: `parameters`, but for what a parametrization makes of some."""
        return self.parameters if self.parametrization is None else views(self.effective(), self.shapes)

    def is_recurrent(self, name: str) -> bool:
        """Return whether parameters of this name are recurrent weights."""
        return name.rpartition(".")[2] in self.cell.recurrent().values()

    @property
    def num_parameters(self) -> int:
        """How many numbers are trained."""
        return self.flat.size

    def __repr__(self) -> str:
        ways = f"{'2 x ' if self.bidirectional else ''}{self.hidden_size}"
        inside = " -> ".join([str(self.input_size)] + [ways] * self.layers + [str(self.output_size or "states")])
        last = ", output last" if self.output == "last" else ""
        last += f", {self.parametrization.name}" if self.parametrization else ""
        return f"RNN({self.cell.shown}, {inside}{last}, {self.dtype}, {self.num_parameters:,} parameters)"

    def initial_state(self, B: int) -> State:
        """Return states of zeros by name: h (layers x directions, B, H), of an LSTM c too, and so on."""
        shape = len(self.ways), integer("B", B, 1), self.hidden_size
        return State(**{name: np.zeros(shape, self.dtype) for name in self.cell.states})

    def forward(self, x: np.ndarray, state: State | None = None, lengths: np.ndarray | None = None) -> Run:
        """Return a Run: y (T, B, O), or (B, O) where output is `last`; h, the last layer's; state, the last ones.

        x: (T, B, I) of the network's dtype, or (T, B) integers, symbols 0..I-1; T and B at least 1. state: the first
        states, from `initial_state` or an earlier run; zeros where not given. lengths: (B,) integers from 0 to T where
        rows are shorter: a step beyond a row's length hands the state on, and its output is 0. So a row of length 0,
        as a batch may hold, keeps its first state; its output is 0 where output is `last` too, counts in no loss and
        hands no gradient on but that of its last state to its first. What is kept of the arguments is copied.
        Raises ValueError naming a bad argument.
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

        run: of the present weights; ValueError where they have changed since. truncation: (k1, k2), see
        `rnnkit.truncated`. hidden: the gradients of all states too. Where a unit's state rounds to 1 its derivative is
        0 (`rnnkit.kernels.rnn_backward`); `rnnkit.hidden` has its logarithm.
        """
        check_run(self, run)
        boolean("hidden", hidden)
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

        target: shaped as the outputs, for softmax integers, classes, without their last axis. loss: mse, softmax or
        sigmoid (cross-entropies of logits, nats). mask: bool, True where an output counts. Others as above.
        """
        choice("loss", loss, LOSSES)
        boolean("hidden", hidden)
        run = self.forward(x, state, lengths)
        value, dy = self._loss(run, target, loss, mask)
        return LossAndGradients(value, passes.backward(self, run, dy, None, truncation, hidden), run)

    def loss(
        self, run: Run, target: np.ndarray, loss: str = "mse", mask: np.ndarray | None = None
    ) -> losses.LossAndGradient:
        """Return (value, dL/dy) of a run; arguments as in `loss_and_gradients`."""
        check_run(self, run)
        return self._loss(run, target, choice("loss", loss, LOSSES), mask)

    def _loss(self, run: Run, target: np.ndarray, loss: str, mask: np.ndarray | None) -> losses.LossAndGradient:
        check_mask(run, mask)
        check_unmasked("target", target)
        within = passes.counted(self, run.tape)
        if within is not None:
            within = within if self.output == "every" else within[0]
            both = within if mask is None else within & mask
            if not both.any() and (mask is None or mask.any()):  # of a mask without a True the loss tells
                raise ValueError("lengths and mask must leave an output that counts: the mean over none is undefined")
            mask = both
        return losses.evaluate(loss, run.y, np.ascontiguousarray(target), mask, ("run.y", "target"))

    def save(self, path: str | Path) -> None:
        """Write the network to `path` (.npz), whole or not at all."""
        storage.save(path, self)

    @classmethod
    def load(
        cls,
        path: str | Path,
        cell: str | Path | type[Cell] | Cell | None = None,
        parametrization: str | Path | type[Parametrization] | Parametrization | None = None,
    ) -> "RNN":
        """Read a network that `save` wrote; ValueError says what is wrong with a file that is not one.

        cell, parametrization: those of the network, where they are your own; their constants are those that were saved.
        """
        return storage.load(path, cls, cell, parametrization)

    def __reduce__(self) -> tuple:
        """Copy and pickle as one array: copies of its views would no longer be views."""
        return storage.rebuild, (type(self), self.settings(), self.flat.copy())

    def settings(self) -> dict:
        """Return the arguments that make a network of this shape."""
        return dict(self._settings)


def _as_dtype(dtype: str) -> np.dtype:
    """Return float32 or float64, asked for by name or as NumPy's type."""
    for allowed in FLOATS:
        if isinstance(dtype, str | type | np.dtype) and dtype in (allowed.name, allowed.type, allowed):
            return allowed
    raise ValueError(f"dtype must be float32 or float64, got {shown(dtype)}")


def _check_start(cell: Cell, start: Start) -> Start:
    """Return how weights begin, as plain values; ValueError for what is out of range, or cannot be combined."""
    named = isinstance(start.initializer, str)
    check_unmasked("initializer", start.initializer)
    if start.initializer not in INITIALIZERS if named else not isinstance(start.initializer, np.ndarray):
        allowed = f"one of {', '.join(INITIALIZERS)} or an array"
        raise ValueError(f"initializer must be {allowed}, got {shown(start.initializer)}")
    if not named and (start.gain is not None or start.fan_in is not None):
        raise ValueError("gain and fan_in have no place beside an initializer that is an array")
    if start.spectral_radius is not None and start.gain is not None:
        raise ValueError(f"spectral_radius={start.spectral_radius} has no place beside gain={start.gain}")
    if start.fan_in is not None and not (named and start.initializer == "sparse"):
        raise ValueError(f"fan_in={start.fan_in} has no place beside initializer={start.initializer!r}")
    for name in ("forget_bias", "chrono"):
        if getattr(start, name) is not None and cell.keeps is None:
            given = f"{name}={getattr(start, name)}"
            raise ValueError(f"{given} cannot be combined with cell={cell.shown}: it has no gate that keeps the state")
    if start.chrono is not None and start.forget_bias is not None:
        raise ValueError(f"chrono={start.chrono} cannot be combined with forget_bias={start.forget_bias}")
    if not cell.recurrent() and (not named or start != Start(start.initializer, None, None, None, *start[4:])):
        raise ValueError(
            f"initializer, spectral_radius, gain cannot be combined with cell={cell.shown}: it has no W_hh"
        )
    for name, least, most in (("chrono", 3, LONGEST_CHRONO), ("fan_in", 1, None)):
        if getattr(start, name) is not None:
            start = start._replace(**{name: integer(name, getattr(start, name), least, most)})
    for name, above in (("spectral_radius", 0), ("gain", 0), ("forget_bias", None)):
        if getattr(start, name) is not None:
            start = start._replace(**{name: number(name, getattr(start, name), above=above)})
    return start
