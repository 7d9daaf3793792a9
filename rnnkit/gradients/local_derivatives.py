"""The derivatives of one step of a layer, in float64: what gradients of states and Jacobians are made of.

A step's pre-activations a are made of the states before it and of x_t by one matrix M, of blocks H rows high; and a
unit's new states depend on its own pre-activations and states alone, by local derivatives. So of row gradients

    g_s = dL/ds_t + sum over states r made of s_t:  g_r dr_t/ds_t
    [ds', dx] = (sum over states s: g_s ds_t/da, block by block) M,    and to ds' adds sum over r: g_r dr_t/ds'

where the derivatives of a state take the other new ones as given: of an LSTM's h they are o (1 - tanh^2 c), to c_t, and
tanh(c) o (1 - o), to a_o. They come from the cell's step (`rnnkit.cells`), as signs and logarithms
(`rnnkit.gradients.precise`). A state rounds where its unit is saturated, so a is made anew, in float64, of x_t and the
states before.
"""

from functools import cache

import numpy as np

from rnnkit.cells import Cell
from rnnkit.cells.symbolic import symbolic
from rnnkit.gradients.precise import Derivatives, evaluate
from rnnkit.gradients.scaled import DEEP, Scaled, floats
from rnnkit.networks.forward import within
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace

ALL = slice(None)
Locals = dict[tuple[str, str], Scaled]  # d state / d (block, state before, or new_<state>), by names


def cell_of(net: RNN) -> type[Cell]:
    """Return the class of a network's cell."""
    return type(net.cell)


@cache
def order_of_states(cls: type[Cell]) -> tuple[str, ...]:
    """Return a cell's states in an order in which each is made of those before it alone."""
    numbers = [e.number for e in symbolic(cls).outputs]
    return tuple(name for _, name in sorted(zip(numbers, cls.states, strict=True)))


def step_matrix(net: RNN, direction: Direction, with_x: bool) -> np.ndarray:
    """Return M (blocks H, states that enter blocks H + I), or without x, in float64; zero where one enters no block."""
    cls, H, parts = cell_of(net), net.hidden_size, []
    for name, W in _weights(net, direction).items():
        if name in cls.recurrent() or (name == "x" and with_x):
            of_input = np.zeros((len(cls.blocks), H, len(W)))
            for k, block in blocks_of(cls, name, W):
                of_input[k] = block.T
            parts.append(of_input.reshape(-1, len(W)))
    return np.hstack(parts) if parts else np.zeros((len(cls.blocks) * H, 0))


def _weights(net: RNN, direction: Direction) -> dict[str, np.ndarray]:
    """Return in float64 what makes the blocks, by what it is multiplied with: states, x, and b with 1."""
    names = cell_of(net).recurrent() | {"x": "W_xh", "b": "b_h"}
    running = net.weights
    found = {name: running.get(f"{direction.name}.{weights}") for name, weights in names.items()}
    return {name: W.astype(np.float64) for name, W in found.items() if W is not None}


def blocks_of(cls: type[Cell], name: str, W: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return (number of a block, its columns of W) for the blocks that an input enters."""
    entered = [k for k, inputs in enumerate(cls.blocks.values()) if name in inputs]
    return list(zip(entered, np.split(W, len(entered), axis=-1), strict=True))


def derivatives_of(net: RNN, trace: Trace, direction: Direction, steps: slice = ALL, rows: slice = ALL) -> Derivatives:
    """Return the local derivatives of these steps and rows, (steps, rows, H); beyond a row's length, anything."""
    with np.errstate(over="ignore", invalid="ignore"):  # beyond a row's length x may hold anything
        return evaluate(net.cell, _arguments(net, trace, direction, steps, rows))


def local_derivatives(net: RNN, trace: Trace, direction: Direction, steps: slice = ALL, rows: slice = ALL) -> Locals:
    """Return the same by name, graded; 0 beyond a row's length. Steps count from 0 as those of x do."""
    found = derivatives_of(net, trace, direction, steps, rows).as_logs()
    if not trace.lengths.size:
        return found
    inside = within(trace.lengths, len(trace.x))[steps, rows, None]
    return {key: Scaled(np.where(inside, k.v, 0), np.where(inside, k.log, -np.inf)) for key, k in found.items()}


def by_steps(found: Locals) -> list[Locals]:
    """Return the derivatives of each step, (rows, H): as floats (log 0) where none is so small that they lose it."""
    with np.errstate(invalid="ignore"):
        deep = np.any([((k.log < DEEP) & (k.v != 0)).any(axis=(1, 2)) for k in found.values()], axis=0)
        plain = {key: floats(k) for key, k in found.items()}
    no_log = np.zeros((next(iter(plain.values())).shape[1], 1))
    return [
        {key: Scaled(k.v[t], k.log[t]) if deep[t] else Scaled(plain[key][t], no_log) for key, k in found.items()}
        for t in range(len(deep))
    ]


def states_before(net: RNN, trace: Trace, direction: Direction) -> dict[str, np.ndarray]:
    """Return the states before each step, by name, (T, B, H)."""
    layer, T, H = trace.layers[direction.layer], len(trace.x), net.hidden_size
    columns, before = slice(direction.reverse * H, (direction.reverse + 1) * H), 2 if direction.reverse else 0
    of_states = (layer.h[..., columns], *layer.inside[direction.reverse][0])
    return {name: a[before : before + T] for name, a in zip(net.cell.states, of_states, strict=True)}


def _arguments(net: RNN, trace: Trace, direction: Direction, steps: slice, rows: slice) -> dict[str, np.ndarray]:
    """Return what a step takes, by name: blocks made of x and the states before, these (steps, rows, H), units (H,)."""
    cls, layer = cell_of(net), trace.layers[direction.layer]
    before = states_before(net, trace, direction)
    states = {name: a[steps, rows].astype(np.float64) for name, a in before.items()}
    x, shape = layer.x[steps, rows], states[cls.states[0]].shape
    blocks = [np.zeros(shape) for _ in cls.blocks]
    for name, W in _weights(net, direction).items():
        enters = states.get(name, x)
        share = W if name == "b" else W[x] if name == "x" and x.ndim == 2 else _product(enters, W)
        for k, part in blocks_of(cls, name, share):
            blocks[k] += part
    of_units = {name: net.parameters[f"{direction.name}.{name}"].astype(np.float64) for name in cls.per_unit}
    return dict(zip(cls.blocks, blocks, strict=True)) | states | of_units


def _product(a: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return a W, a (steps, rows, N): as one product, where NumPy would make one for each step."""
    return (a.reshape(-1, a.shape[-1]).astype(np.float64) @ W).reshape(*a.shape[:-1], W.shape[1])
