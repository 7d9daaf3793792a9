"""Forward and backward through the layers of a network (`rnnkit.RNN`), on all cores.

A layer's states are one array, h (T+1, B, H), or (T+2, B, 2 H) with both directions side by side; the layer above reads
it where it is. So layers and directions need no copies.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.kernels.cells import CELLS
from rnnkit.kernels.layer import NONE
from rnnkit.kernels.readout import readout_backward, readout_forward
from rnnkit.kernels.weights import sum_parts, zero_sums
from rnnkit.network_checks import as_lengths, as_x, check_dstate, check_dy, check_state, check_truncation
from rnnkit.parallel import backward_layer, forward_layer
from rnnkit.parameters import Direction, views
from rnnkit.truncated import Window, windows

if TYPE_CHECKING:
    from rnnkit.networks import RNN


class State(NamedTuple):
    """States of every direction of every layer, from below: h (layers x directions, B, H), and of an LSTM c."""

    h: np.ndarray
    c: np.ndarray | None


class Layer(NamedTuple):
    """What a layer's way back needs: its inputs, its states, and for each direction c and the gates."""

    x: np.ndarray
    h: np.ndarray
    inside: list[tuple[np.ndarray, np.ndarray]]


class Tape:
    """What backward reads of a run: arrays that no one else holds, and the weights they were made with, as bytes.

    Private. As bytes a nan equals itself, and to compare a small net's takes 0.2 us (memcmp), a million's 0.6 ms.
    """

    def __init__(self, x: np.ndarray, lengths: np.ndarray, layers: list[Layer], net: "RNN") -> None:
        """Keep the arrays, to be filled, and a copy of the weights."""
        self.x, self.lengths, self.layers = x, lengths, layers
        self.weights, self.settings = bytearray(net.flat.data), net.settings()


class Run(NamedTuple):
    """What forward leaves: y (T, B, O) or (B, O), h (T, B, features) the last layer's states, state the last ones.

    x and lengths are copies of what was given. y and state are the caller's to change; x, h, lengths and layers show
    what backward reads, and are read-only. A run is of the weights it was made with: what takes one refuses it once a
    weight has changed.
    """

    y: np.ndarray
    h: np.ndarray
    state: State
    x: np.ndarray
    lengths: np.ndarray
    layers: list[Layer]
    settings: dict
    tape: Tape


class Hidden(NamedTuple):
    """All of dL/dh_t (T, B, H) of one direction, and of an LSTM dL/dc_t with the way through h_t; 0 at padded steps."""

    h: np.ndarray
    c: np.ndarray | None


class Gradients(NamedTuple):
    """Gradients by name, of x (T, B, I), of the first states, of all states by direction; flat holds the first."""

    parameters: dict[str, np.ndarray]
    dx: np.ndarray
    state: State
    hidden: dict[str, Hidden]
    flat: np.ndarray


def forward(net: "RNN", x: np.ndarray, state: State | None, lengths: np.ndarray | None) -> Run:
    """Do `RNN.forward`."""
    x = as_x(net, x)
    (T, B), H, n_ways = x.shape[:2], net.hidden_size, net.features // net.hidden_size
    lengths = as_lengths(lengths, T, B)
    state = net.initial_state(B) if state is None else check_state(net, state, B)
    layers, last = [], net.initial_state(B)
    tape = Tape(x, lengths, layers, net)
    for i in range(net.layers):
        below = layers[-1].h[1 : T + 1] if layers else x
        layer = Layer(below, np.empty((T + n_ways, B, net.features), net.dtype), [])
        for k, way in enumerate(net.ways):
            if way.layer == i:
                _forward_way(net, layer, k, way, state, lengths)
                end = 1 if way.reverse else T
                last.h[k] = layer.h[end, :, way.reverse * H : (way.reverse + 1) * H]
                if last.c is not None:
                    last.c[k] = layer.inside[-1][0][end]
        layers.append(layer)
    shown = [Layer(_read_only(a.x), _read_only(a.h), [tuple(map(_read_only, i)) for i in a.inside]) for a in layers]
    y, h = _outputs(net, tape), shown[-1].h[1 : T + 1]
    return Run(y, h, last, _read_only(x), _read_only(lengths), shown, dict(tape.settings), tape)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view


def _forward_way(net: "RNN", layer: Layer, k: int, way: Direction, state: State, lengths: np.ndarray) -> None:
    (T, B), H, cell, steps = layer.x.shape[:2], net.hidden_size, CELLS[net.cell], len(layer.h)
    first, column = T + 1 if way.reverse else 0, way.reverse * H
    c, gates = NONE[net.dtype]
    if cell >= CELLS["lstm"]:
        gates = np.empty((T, 4, B, H), net.dtype)
    layer.h[first, :, column : column + H] = state.h[k]
    if cell == CELLS["lstm"]:
        c = np.empty((steps, B, H), net.dtype)
        c[first] = state.c[k]
    weights = [net.parameters[f"{way.name}.{kind}"] for kind in ("W_xh", "W_hh", "b_h")]
    forward_layer(layer.x, *weights, cell, (layer.h, c, gates), (column, way.reverse, lengths))
    layer.inside.append((c, gates))


def _outputs(net: "RNN", tape: Tape) -> np.ndarray:
    """Return y: of every step, or of the last states alone; 0 beyond a row's length, and for a row of none."""
    features, counts = _features(net, tape), counted(net, tape)
    y = features.copy() if net.output_size is None else readout_forward(features, *_readout(net))
    if counts is not None:
        y = np.where(counts[..., None], y, 0).astype(net.dtype)
    return y[0] if net.output == "last" else y


def _readout(net: "RNN") -> tuple[np.ndarray, np.ndarray]:
    return net.parameters["W_hy"], net.parameters["b_y"]


def _features(net: "RNN", tape: Tape) -> np.ndarray:
    """Return what enters the readout: the last layer's states, (T, B, features), or the last of them, (1, B, ...)."""
    h, T, H = tape.layers[-1].h, len(tape.x), net.hidden_size
    if net.output == "every":
        return h[1 : T + 1]
    ways = range(net.features // H)
    return np.concatenate([h[1 if k else T, :, k * H : (k + 1) * H] for k in ways], axis=1)[None]


def counted(net: "RNN", tape: Tape) -> np.ndarray | None:
    """Return (T, B) or (1, B), True where an output is one: within a row's length; None where all are."""
    if not tape.lengths.size:
        return None
    return within(tape.lengths, len(tape.x) if net.output == "every" else 1)


def within(lengths: np.ndarray, T: int) -> np.ndarray:
    """Return (T, B), True at steps within a row's length."""
    return np.arange(T)[:, None] < lengths


def backward(
    net: "RNN",
    run: Run,
    dy: np.ndarray | None,
    dstate: State | None,
    truncation: tuple[int, int] | None,
    hidden: bool,
) -> Gradients:
    """Do `RNN.backward`: the readout once, then each window from the last layer down."""
    tape = run.tape
    (T, B), flat = tape.x.shape[:2], np.empty_like(net.flat)
    check_dy(net, tape, dy)
    check_dstate(net, dstate, B)
    check_truncation(net, tape, dstate, truncation)
    parameters, carry_in = views(flat, net.shapes), _zero_carry(net, B)
    for j, part in enumerate(dstate or ()):
        if part is not None:
            carry_in[:, j] = part
    dh = _readout_back(net, tape, dy, parameters, carry_in)
    sums = [zero_sums(tape.layers[w.layer].x, *_weights(net, w), CELLS[net.cell]) for w in net.ways]
    back = _Back(net, tape, dh, carry_in, sums, np.zeros(_dx_shape(tape.x), net.dtype), _zero_carry(net, B), {})
    if hidden:
        n = carry_in.shape[1]
        back.hidden.update({w.name: np.zeros((n, T, B, net.hidden_size), net.dtype) for w in net.ways})
    for window in [Window(0, 0, T)] if truncation is None else windows(T, *truncation):
        _window_back(back, window)
    for way, parts in zip(net.ways, sums, strict=True):
        sum_parts(parts, *(parameters[f"{way.name}.{kind}"] for kind in ("W_xh", "W_hh", "b_h")))
    return Gradients(parameters, back.dx, _as_state(back.carry_out), _as_hidden(back), flat)


class _Back(NamedTuple):
    """What the windows of one backward pass read, and what they add to."""

    net: "RNN"
    tape: Tape
    dh: np.ndarray
    carry_in: np.ndarray
    sums: list[tuple]
    dx: np.ndarray
    carry_out: np.ndarray
    hidden: dict[str, np.ndarray]


def _window_back(back: _Back, window: Window) -> None:
    """Take the losses of a window back through its steps, from the last layer down."""
    net, T = back.net, len(back.tape.x)
    dh = back.dh[max(window.first_loss - T + len(back.dh), 0) : max(window.end - T + len(back.dh), 0)]
    for i in reversed(range(net.layers)):
        x = back.tape.layers[i].x[window.start : window.end]
        in_place = i == 0 and window == (0, 0, T)  # the only window: no copy
        dx = back.dx if in_place else np.empty(_dx_shape(x), net.dtype)
        for k, way in enumerate(net.ways):
            if way.layer == i:
                _way_back(back, window, k, way, dh, x, dx)
        dh = dx
    if not in_place:
        back.dx[window.start : window.end] += dx


def _way_back(
    back: _Back, window: Window, k: int, way: Direction, dh: np.ndarray, x: np.ndarray, dx: np.ndarray
) -> None:
    net, tape, (start, _, end) = back.net, back.tape, window
    layer, n_steps, cell, T = tape.layers[way.layer], end - start, CELLS[net.cell], len(tape.x)
    c, gates = layer.inside[way.reverse]
    states = layer.h[start : len(layer.h) - T + end], c[start : len(c) - T + end], gates[start:end]
    place = way.reverse * net.hidden_size, way.reverse, tape.lengths - start
    carry = back.carry_in[k].copy() if end == T else np.zeros_like(back.carry_in[k])
    states = states if cell >= CELLS["lstm"] else (states[0], *NONE[net.dtype])
    found = np.empty((len(carry), n_steps if back.hidden else 0, *carry.shape[1:]), net.dtype)
    backward_layer(dh, x, *_weights(net, way), cell, states, place, dx, carry, back.sums[k], found)
    if start == 0:
        back.carry_out[k] += carry
    if back.hidden:
        inside = within(tape.lengths - start, n_steps)[..., None] if tape.lengths.size else True
        back.hidden[way.name][:, start:end] += np.where(inside, found, 0)


def _readout_back(
    net: "RNN", tape: Tape, dy: np.ndarray | None, parameters: dict[str, np.ndarray], carry_in: np.ndarray
) -> np.ndarray:
    """Return dL/dh (n, B, features) of the last n steps, n = 0 where dy enters by the last states (in carry_in)."""
    none = np.empty((0, tape.x.shape[1], net.features), net.dtype)
    if dy is None:
        for name in {"W_hy", "b_y"} & parameters.keys():
            parameters[name][:] = 0
        return none
    dy, features, counts = dy[None] if net.output == "last" else dy, _features(net, tape), counted(net, tape)
    if counts is not None:
        dy = np.where(counts[..., None], dy, 0).astype(net.dtype)
        if tape.lengths.min() == 0:  # such a row's state is the caller's, and may be nan: 0 nan is not 0
            features = np.where(tape.lengths[:, None] > 0, features, 0).astype(net.dtype)
    if net.output_size is None:
        dh = dy
    else:
        dh, *found = readout_backward(np.ascontiguousarray(dy), features, net.parameters["W_hy"])
        for name, value in zip(("W_hy", "b_y"), found, strict=True):
            parameters[name][:] = value
    if net.output == "every":
        return np.ascontiguousarray(dh)
    of_ways = np.split(dh[0], net.features // net.hidden_size, axis=1)
    for k, part in zip([k for k, way in enumerate(net.ways) if way.layer == net.layers - 1], of_ways, strict=True):
        carry_in[k, 0] += part
    return none


def _weights(net: "RNN", way: Direction) -> tuple[np.ndarray, np.ndarray]:
    return net.parameters[f"{way.name}.W_xh"], net.parameters[f"{way.name}.W_hh"]


def _dx_shape(x: np.ndarray) -> tuple[int, ...]:
    return x.shape if x.ndim == 3 else (*x.shape, 0)


def _zero_carry(net: "RNN", B: int) -> np.ndarray:
    """Return (directions of all layers, states, B, H) of zeros; states: h, and of an LSTM c."""
    return np.zeros((len(net.ways), 2 if net.cell == "lstm" else 1, B, net.hidden_size), net.dtype)


def _as_state(carry: np.ndarray) -> State:
    return State(carry[:, 0].copy(), carry[:, 1].copy() if carry.shape[1] == 2 else None)


def _as_hidden(back: _Back) -> dict[str, Hidden]:
    return {name: Hidden(a[0], a[1] if len(a) == 2 else None) for name, a in back.hidden.items()}
