"""The weights of a network: their names and shapes, one flat array that holds them all, and their first values.

l0.W_xh (I, blocks of x times H), l0.b_h      the first layer: H columns for each block that x, or a bias, enters
l0.W_hh (H, blocks of h times H)              for each state that enters blocks one, as l0.W_ch of a state c
l0.<name> (H,)                                for each trained number of a cell's units
l0.reverse.W_xh, ...                          its second direction
W_hy, b_y                                     the readout
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import scipy

from rnnkit._arguments import is_integers, shown
from rnnkit.cells import Cell
from rnnkit.initializers import glorot, recurrent_weights, scale_to_spectral_radius, spectral_radius
from rnnkit.parametrizations import Parametrization

LARGEST_FACTOR = 14.0  # ln of what free weights are scaled by, at most, and 1 over it
SAME = 1e-6  # of an orthogonal map the radius is 1, to rounding, whatever scales its free weights


class Direction(NamedTuple):
    """One direction of one layer: the prefix of its names, its inputs, its number among the directions of the layer."""

    name: str
    layer: int
    inputs: int
    reverse: int


class Start(NamedTuple):
    """How weights begin; see `rnnkit.RNN`."""

    initializer: str | np.ndarray
    spectral_radius: float | None
    gain: float | None
    fan_in: int | None
    forget_bias: float | None
    chrono: int | None


def directions(input_size: int, hidden_size: int, layers: int, bidirectional: bool) -> list[Direction]:
    """Return every direction of every layer, from below."""
    both = ("", ".reverse") if bidirectional else ("",)
    sizes = [input_size] + [hidden_size * len(both)] * (layers - 1)
    return [Direction(f"l{i}{way}", i, n, r) for i, n in enumerate(sizes) for r, way in enumerate(both)]


def of_direction(cell: Cell, inputs: int, H: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of one direction by name, in the order in which they are kept."""
    columns = {name: H * len(blocks) for name, blocks in cell.entered().items()}
    found = {"W_xh": (inputs, columns["x"])}
    found |= {name: (H, columns[state]) for state, name in cell.recurrent().items()}
    found |= {"b_h": (columns["b"],)} if columns["b"] else {}
    return found | {name: (H,) for name in cell.per_unit}


def shapes(
    ways: list[Direction], hidden_size: int, cell: Cell, features: int, output_size: int | None
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array, by name."""
    found: dict[str, tuple[int, ...]] = {}
    for way in ways:
        of_way = of_direction(cell, way.inputs, hidden_size)
        found |= {f"{way.name}.{name}": shape for name, shape in of_way.items()}
    return found | ({} if output_size is None else {"W_hy": (features, output_size), "b_y": (output_size,)})


def views(flat: np.ndarray, of: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return a view of each shape into flat, one after the other."""
    found, end = {}, 0
    for name, shape in of.items():
        start, end = end, end + math.prod(shape)
        found[name] = flat[start:end].reshape(shape)
    return found


class LayerWeights(NamedTuple):
    """Views of the weights of one direction as the kernels take them: W_xh, and the others in one row each."""

    W_xh: np.ndarray
    W_h: np.ndarray
    b_h: np.ndarray
    units: np.ndarray


class Places(NamedTuple):
    """Where the weights of one direction stand in the flat array, and the shape of W_xh."""

    W_xh: slice
    W_h: slice
    b_h: slice
    units: slice
    shape: tuple[int, ...]


def places(ways: list[Direction], H: int, cell: Cell) -> list[Places]:
    """Return the places of all directions."""
    found, end, recurrent = [], 0, set(cell.recurrent().values())
    for way in ways:
        of_way, parts = of_direction(cell, way.inputs, H), []
        for kept in ({"W_xh"}, recurrent, {"b_h"}, set(cell.per_unit)):
            start, end = end, end + sum(math.prod(shape) for name, shape in of_way.items() if name in kept)
            parts.append(slice(start, end))
        found.append(Places(*parts, of_way["W_xh"]))
    return found


def layer_weights(flat: np.ndarray, of: list[Places]) -> list[LayerWeights]:
    """Return the views of all directions into the flat weights, or gradients, of a network."""
    return [LayerWeights(flat[p.W_xh].reshape(p.shape), flat[p.W_h], flat[p.b_h], flat[p.units]) for p in of]


def gates(W: np.ndarray, hidden_size: int) -> Iterator[np.ndarray]:
    """Yield a view (., H) of each block's columns."""
    yield from np.split(W, W.shape[1] // hidden_size, axis=1)


def fill(
    parameters: Mapping[str, np.ndarray],
    hidden_size: int,
    cell: Cell,
    start: Start,
    rng: np.random.Generator,
    parametrization: Parametrization | None = None,
) -> None:
    """Give every array its first values: weights block by block, biases 0 but for forget_bias and chrono."""
    recurrent = set(cell.recurrent().values())
    for name, array in parameters.items():
        kind = name.split(".")[-1]
        if kind == "W_xh":
            for gate in gates(array, hidden_size):
                gate[:] = glorot(rng, *gate.shape)
        elif kind in recurrent:
            if parametrization is None:
                _fill_recurrent(array, hidden_size, start, rng)
            else:
                _fill_recurrent(array, hidden_size, start._replace(spectral_radius=None, gain=None), rng)
                _scale_free(array, hidden_size, start, parametrization)
        elif kind == "W_hy":
            array[:] = glorot(rng, *array.shape)
        elif kind in cell.per_unit:
            _fill_units(name, array, cell.per_unit[kind], rng)
        else:
            array[:] = 0
            if kind == "b_h":
                _fill_gate_biases(array.reshape(-1, hidden_size), cell, start, rng)


def _fill_recurrent(W_hh: np.ndarray, hidden_size: int, start: Start, rng: np.random.Generator) -> None:
    given = isinstance(start.initializer, np.ndarray)
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is found below
        if given:
            _take_array(W_hh, start.initializer)
        for gate in gates(W_hh, hidden_size):
            if not given:
                named = {"radius": start.spectral_radius, "gain": start.gain, "fan_in": start.fan_in}
                gate[:] = recurrent_weights(start.initializer, hidden_size, rng, **named)
            elif start.spectral_radius is not None:
                gate[:] = scale_to_spectral_radius(gate, start.spectral_radius, name="initializer")
    scaled = start.gain is not None or start.spectral_radius is not None
    if not np.isfinite(W_hh).all() or (scaled and not W_hh.any()):
        name = "gain" if start.gain is not None else "spectral_radius"
        raise ValueError(f"{name} must give weights that {W_hh.dtype} can hold, got {getattr(start, name)}")


def _scale_free(V: np.ndarray, H: int, start: Start, parametrization: Parametrization) -> None:
    """Scale free weights, block by block, so that the map of each has the radius or the gain that is asked for."""
    for name, size in (("spectral_radius", spectral_radius), ("gain", _gain)):
        if (wanted := getattr(start, name)) is not None:
            for block in gates(V, H):
                block *= _factor(block.astype(np.float64), name, wanted, size, parametrization)


def _gain(W: np.ndarray) -> float:
    return float(np.linalg.norm(W) / np.sqrt(len(W)))


def _factor(V: np.ndarray, name: str, wanted: float, size: Callable, parametrization: Parametrization) -> float:
    def excess(log_factor: float) -> float:
        found = size(parametrization.of(np.exp(log_factor) * V))
        return np.log(max(found, np.finfo(float).tiny)) - np.log(wanted)

    with np.errstate(over="ignore", invalid="ignore"):
        ends = excess(-LARGEST_FACTOR), excess(LARGEST_FACTOR)
        if max(map(abs, ends)) < SAME:
            return 1.0
        if not min(ends) < 0 < max(ends):
            least, most = (wanted * np.exp(end) for end in sorted(ends))
            given = f"{name}={wanted} cannot be combined with parametrization={parametrization.name}"
            raise ValueError(f"{given}: its weights have {least:.4g} to {most:.4g}")
        return float(np.exp(scipy.optimize.brentq(excess, -LARGEST_FACTOR, LARGEST_FACTOR, xtol=1e-14, rtol=1e-14)))


def _take_array(W_hh: np.ndarray, initializer: np.ndarray) -> None:
    if initializer.shape != W_hh.shape:
        raise ValueError(f"initializer must have shape {W_hh.shape}, got {initializer.shape}")
    if initializer.dtype.kind != "f" and not is_integers(initializer):
        raise ValueError(f"initializer must hold real numbers, got {shown(initializer)}")
    W_hh[:] = initializer
    if np.any(initializer) and not W_hh.any():
        raise ValueError(f"initializer must hold numbers that {W_hh.dtype} can hold, got none above {W_hh.max()}")
    if bad := np.argwhere(~np.isfinite(W_hh)).tolist():
        place = tuple(bad[0])
        raise ValueError(f"initializer must be finite in {W_hh.dtype}, got {initializer[place]} at {place}")


def _fill_units(name: str, array: np.ndarray, first: object, rng: np.random.Generator) -> None:
    """Set the first values of a trained number of each unit: one number, or what a function of (rng, H) returns."""
    value = np.asarray(first(rng, len(array)) if callable(first) else first)
    if value.shape not in ((), array.shape) or value.dtype.kind not in "iuf":
        raise ValueError(f"{name} must begin as a number or {array.shape} of them, got {shown(value)}")
    with np.errstate(over="ignore"):
        array[:] = value
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must begin as finite numbers in {array.dtype}, got {shown(value)}")


def _fill_gate_biases(b: np.ndarray, cell: Cell, start: Start, rng: np.random.Generator) -> None:
    """Set the biases (blocks, H) of the gates that keep and write the state.

    By chrono a gate forgets after 1 to chrono - 1 steps.
    """
    with_bias = list(cell.entered()["b"])
    if start.forget_bias is not None:
        if abs(start.forget_bias) > float(np.finfo(b.dtype).max):
            raise ValueError(f"forget_bias must be finite in {b.dtype}, got {start.forget_bias}")
        b[with_bias.index(cell.keeps)] = start.forget_bias
    if start.chrono is not None:
        lasting = np.log(rng.uniform(1, start.chrono - 1, b.shape[1]))
        b[with_bias.index(cell.keeps)] = lasting
        if cell.writes is not None:
            b[with_bias.index(cell.writes)] = -lasting
