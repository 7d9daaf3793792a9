"""A network's layers, sizes and weights, without what it computes, which `rnnkit.networks.rnn` adds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np

from rnnkit._arguments import boolean, choice, integer, shown
from rnnkit.cells import Cell, as_cell
from rnnkit.cells.handles import handle_of
from rnnkit.kernels._checks import FLOATS
from rnnkit.networks import storage
from rnnkit.networks.by_state import State
from rnnkit.networks.fixed import Fixed
from rnnkit.networks.initialization import Initialization, check_initialization, fill
from rnnkit.networks.parameters import LayerWeights, directions, layer_weights, layout, shapes, views
from rnnkit.parametrizations import Parametrization, as_parametrization
from rnnkit.rng import as_generator

OUTPUTS = ("every", "last")
MOST_LAYERS, MOST_WEIGHTS = 10_000, 2**40  # beyond these a number was meant for something else


class Network(Fixed):
    """A recurrent network that owns its weights; `parameters` has a view of each, by name.

    Weights are changed in place, all at once as `net.flat[:] = ...`; what they are laid out by stays as it was made.
    """

    FIXED = ("input_size", "hidden_size", "output_size", "cell", "layers", "bidirectional", "output", "dtype")
    FIXED += ("parametrization", "handle", "directions", "layout", "shapes", "flat", "parameters", "of_directions")

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
        generator to draw from.
        Raises ValueError naming an argument that is out of range or cannot be combined with the others.
        """
        self.input_size, self.hidden_size = integer("input_size", input_size, 1), integer("hidden_size", hidden_size, 1)
        self.output_size = None if output_size is None else integer("output_size", output_size, 1)
        self.cell, self.layers = as_cell(cell), integer("layers", layers, 1, MOST_LAYERS)
        self.bidirectional, self.output = boolean("bidirectional", bidirectional), choice("output", output, OUTPUTS)
        self.dtype, self.parametrization = _as_dtype(dtype), as_parametrization(parametrization)
        if self.parametrization is not None and not self.cell.recurrent():
            given = f"parametrization={self.parametrization.name}"
            raise ValueError(f"{given} cannot be combined with cell={self.cell.shown}: it has no W_hh")
        initialization = check_initialization(
            self.cell, Initialization(initializer, spectral_radius, gain, fan_in, forget_bias, chrono)
        )
        rng = as_generator(seed)
        names = ("input_size", "hidden_size", "output_size", "cell", "layers", "bidirectional", "output")
        names += ("parametrization",) if self.parametrization is not None else ()
        self._arguments = {name: getattr(self, name) for name in names} | {"dtype": self.dtype.name}
        for name, value in self.cell.constants.items():
            if abs(value) > float(np.finfo(self.dtype).max):
                raise ValueError(f"constants.{name} must be finite in {self.dtype}, got {value}")
        self.handle = handle_of(self.cell)
        self.directions = tuple(directions(self.input_size, self.hidden_size, self.layers, self.bidirectional))
        self.layout = tuple(layout(self.directions, self.hidden_size, self.cell))
        self.shapes = MappingProxyType(
            shapes(self.directions, self.hidden_size, self.cell, self.features, self.output_size)
        )
        self.flat = np.empty(self._count_weights(), self.dtype)
        self.parameters = MappingProxyType(views(self.flat, self.shapes))  # a new array under a name would be lost
        self.of_directions = tuple(layer_weights(self.flat, self.layout))  # once: in a small net's call it shows
        fill(self.parameters, self.hidden_size, self.cell, initialization, rng, self.parametrization)

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

    def effective_by_direction(self) -> Sequence[LayerWeights]:
        """Return the weights of each direction as they run."""
        return self.of_directions if self.parametrization is None else layer_weights(self.effective(), self.layout)

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
        directions = f"{'2 x ' if self.bidirectional else ''}{self.hidden_size}"
        inside = " -> ".join([str(self.input_size)] + [directions] * self.layers + [str(self.output_size or "states")])
        last = ", output last" if self.output == "last" else ""
        last += f", {self.parametrization.name}" if self.parametrization else ""
        return f"RNN({self.cell.shown}, {inside}{last}, {self.dtype}, {self.num_parameters:,} parameters)"

    def initial_state(self, B: int) -> State:
        """Return states of zeros by name: h (layers x directions, B, H), of an LSTM c too, and so on."""
        shape = len(self.directions), integer("B", B, 1), self.hidden_size
        return State(**{name: np.zeros(shape, self.dtype) for name in self.cell.states})

    def save(self, path: str | Path) -> None:
        """Write the network to `path` (.npz), whole or not at all."""
        storage.save(path, self)

    @classmethod
    def load(
        cls,
        path: str | Path,
        cell: str | Path | type[Cell] | Cell | None = None,
        parametrization: str | Path | type[Parametrization] | Parametrization | None = None,
    ) -> Self:
        """Read a network that `save` wrote; ValueError says what is wrong with a file that is not one.

        cell, parametrization: those of the network, where they are your own; their constants are those that were saved.
        """
        return storage.load(path, cls, cell, parametrization)

    def __reduce__(self) -> tuple:
        """Copy and pickle as one array: copies of its views would no longer be views."""
        return storage.rebuild, (type(self), self.arguments(), self.flat.copy())

    def arguments(self) -> dict:
        """Return the arguments that make a network of this shape."""
        return dict(self._arguments)


def _as_dtype(dtype: str) -> np.dtype:
    """Return float32 or float64, asked for by name or as NumPy's type."""
    for allowed in FLOATS:
        if isinstance(dtype, str | type | np.dtype) and dtype in (allowed.name, allowed.type, allowed):
            return allowed
    raise ValueError(f"dtype must be float32 or float64, got {shown(dtype)}")
