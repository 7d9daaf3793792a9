"""The weights of a network: their names and shapes, and where they stand in one flat array that holds them all.

l0.W_xh (I, blocks of x times H), l0.b_h      the first layer: H columns for each block that x, or a bias, enters
l0.W_hh (H, blocks of h times H)              for each state that enters blocks one, as l0.W_ch of a state c
l0.<name> (H,)                                for each trained number of a cell's units
l0.reverse.W_xh, ...                          its second direction
W_hy, b_y                                     the readout
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from rnnkit.cells import Cell


class Direction(NamedTuple):
    """One direction of one layer: the prefix of its names, its inputs, its number among the directions of the layer."""

    name: str
    layer: int
    inputs: int
    reverse: int


def directions(input_size: int, hidden_size: int, layers: int, bidirectional: bool) -> list[Direction]:
    """Return every direction of every layer, from below."""
    both = ("", ".reverse") if bidirectional else ("",)
    sizes = [input_size] + [hidden_size * len(both)] * (layers - 1)
    return [Direction(f"l{i}{direction}", i, n, r) for i, n in enumerate(sizes) for r, direction in enumerate(both)]


def direction_shapes(cell: Cell, inputs: int, H: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of one direction by name, in the order in which they are kept."""
    columns = {name: H * len(blocks) for name, blocks in cell.entered().items()}
    found = {"W_xh": (inputs, columns["x"])}
    found |= {name: (H, columns[state]) for state, name in cell.recurrent().items()}
    found |= {"b_h": (columns["b"],)} if columns["b"] else {}
    return found | {name: (H,) for name in cell.per_unit}


def shapes(
    directions: list[Direction], hidden_size: int, cell: Cell, features: int, output_size: int | None
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array, by name."""
    found: dict[str, tuple[int, ...]] = {}
    for direction in directions:
        of_direction = direction_shapes(cell, direction.inputs, hidden_size)
        found |= {f"{direction.name}.{name}": shape for name, shape in of_direction.items()}
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


class Layout(NamedTuple):
    """Where the weights of one direction stand in the flat array, and the shape of W_xh."""

    W_xh: slice
    W_h: slice
    b_h: slice
    units: slice
    shape: tuple[int, ...]


def layout(directions: list[Direction], H: int, cell: Cell) -> list[Layout]:
    """Return the layouts of all directions."""
    found, end, recurrent = [], 0, set(cell.recurrent().values())
    for direction in directions:
        of_direction, parts = direction_shapes(cell, direction.inputs, H), []
        for kept in ({"W_xh"}, recurrent, {"b_h"}, set(cell.per_unit)):
            start, end = end, end + sum(math.prod(shape) for name, shape in of_direction.items() if name in kept)
            parts.append(slice(start, end))
        found.append(Layout(*parts, of_direction["W_xh"]))
    return found


def layer_weights(flat: np.ndarray, of: list[Layout]) -> list[LayerWeights]:
    """Return the views of all directions into the flat weights, or gradients, of a network."""
    return [LayerWeights(flat[p.W_xh].reshape(p.shape), flat[p.W_h], flat[p.b_h], flat[p.units]) for p in of]


def gates(W: np.ndarray, hidden_size: int) -> Iterator[np.ndarray]:
    """Yield a view (., H) of each block's columns."""
    yield from np.split(W, W.shape[1] // hidden_size, axis=1)
