"""The weights of a network: their names and shapes, one flat array that holds them all, and their first values.

l0.W_xh, l0.W_hh, l0.b_h                      the first layer
l0.reverse.W_xh, ...                          its second direction
W_hy, b_y                                     the readout
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import is_integers, shown
from rnnkit.initializers import glorot, recurrent_weights, scale_to_spectral_radius
from rnnkit.kernels.cells import CELLS, count_gates

FORGET = 1  # the place of the forget gate: i, f, g, o
UPDATE = 1  # of the gate of a GRU that keeps the state: r, z, n


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


def shapes(
    ways: list[Direction], hidden_size: int, cell: str, features: int, output_size: int | None
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array, by name."""
    H, found = hidden_size, {}
    G, n_b = H * count_gates(CELLS[cell]), H if count_gates(CELLS[cell]) == 1 else 4 * H
    for way in ways:
        found |= {f"{way.name}.W_xh": (way.inputs, G), f"{way.name}.W_hh": (H, G), f"{way.name}.b_h": (n_b,)}
    return found | ({} if output_size is None else {"W_hy": (features, output_size), "b_y": (output_size,)})


def views(flat: np.ndarray, of: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return a view of each shape into flat, one after the other."""
    found, end = {}, 0
    for name, shape in of.items():
        start, end = end, end + math.prod(shape)
        found[name] = flat[start:end].reshape(shape)
    return found


def gates(W: np.ndarray, hidden_size: int) -> Iterator[np.ndarray]:
    """Yield a view (., H) of each gate's columns."""
    yield from np.split(W, W.shape[1] // hidden_size, axis=1)


def fill(
    parameters: dict[str, np.ndarray], hidden_size: int, cell: str, start: Start, rng: np.random.Generator
) -> None:
    """Give every array its first values: weights gate by gate, biases 0 but for forget_bias and chrono."""
    for name, array in parameters.items():
        kind = name.split(".")[-1]
        if kind == "W_xh":
            for gate in gates(array, hidden_size):
                gate[:] = glorot(rng, *gate.shape)
        elif kind == "W_hh":
            _fill_recurrent(array, hidden_size, start, rng)
        elif kind == "W_hy":
            array[:] = glorot(rng, *array.shape)
        else:
            array[:] = 0
            if kind == "b_h" and CELLS[cell] >= CELLS["lstm"]:
                _fill_gate_biases(array.reshape(4, hidden_size), cell, start, rng)


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


def _fill_gate_biases(b: np.ndarray, cell: str, start: Start, rng: np.random.Generator) -> None:
    """Set the bias of the gate that keeps the state; by chrono a gate forgets after 1 to chrono - 1 steps."""
    if start.forget_bias is not None:
        if abs(start.forget_bias) > float(np.finfo(b.dtype).max):
            raise ValueError(f"forget_bias must be finite in {b.dtype}, got {start.forget_bias}")
        b[FORGET] = start.forget_bias
    if start.chrono is not None:
        lasting = np.log(rng.uniform(1, start.chrono - 1, b.shape[1]))
        if cell == "lstm":
            b[FORGET], b[0] = lasting, -lasting
        else:
            b[UPDATE] = lasting
