"""Forward and backward through the layers of a network (`rnnkit.RNN`), on all cores.

A layer's states are one array, h (T+1, B, H), or (T+2, B, 2 H) with both directions side by side; the layer above reads
it where it is. So layers and directions need no copies.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.by_state import Hidden, State
from rnnkit.cells.descriptor import BACKWARD, FORWARD
from rnnkit.cells.handles import provide
from rnnkit.kernels.engine.weights import sum_parts, zero_sums
from rnnkit.kernels.layer import empty_states
from rnnkit.kernels.readout import readout_backward, readout_forward
from rnnkit.network_checks import as_lengths, as_x, check_dstate, check_dy, check_state, check_truncation
from rnnkit.parallel import backward_layer, forward_layer
from rnnkit.parameters import Direction, LayerWeights, layer_weights, views
from rnnkit.truncated import Window, windows

if TYPE_CHECKING:
    from rnnkit.networks import RNN


class Layer(NamedTuple):
    """What a layer's way back needs: its inputs, its first states, and for each direction the others and what is saved.

    inside: (other states (states - 1, T+1 or T+2, B, H), saved (T, saved, B, H)); see `rnnkit.kernels.layer`.
    """

    x: np.ndarray
    h: np.ndarray
    inside: list[tuple[np.ndarray, np.ndarray]]


class Tape:
    """What backward reads of a run: arrays that no one else holds, and the weights they were made with, as bytes.

    Private. As bytes a nan equals itself, and to compare a small net's takes 0.2 us (memcmp), a million's 0.6 ms.
    """

    def __init__(
        self, x: np.ndarray, lengths: np.ndarray, layers: list[Layer], net: "RNN", effective: np.ndarray
    ) -> None:
        """Keep the arrays, to be filled, and a copy of the weights. effective: as they run."""
        self.x, self.lengths, self.layers, self.effective = x, lengths, layers, effective
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
    provide(net.handle, FORWARD, net.dtype)
    layers, last, effective = [], net.initial_state(B), net.effective()
    weights, tape = layer_weights(effective, net.places), Tape(x, lengths, layers, net, effective)
    for i in range(net.layers):
        below = layers[-1].h[1 : T + 1] if layers else x
        layer = Layer(below, np.empty((T + n_ways, B, net.features), net.dtype), [])
        for k, way in enumerate(net.ways):
            if way.layer == i:
                _forward_way(net, layer, weights[k], way, [a[k] for a in state], lengths)
                end = 1 if way.reverse else T
                last[0][k] = layer.h[end, :, way.reverse * H : (way.reverse + 1) * H]
                for of_last, of_layer in zip(last[1:], layer.inside[-1][0], strict=True):
                    of_last[k] = of_layer[end]
        layers.append(layer)
    shown = [Layer(_read_only(a.x), _read_only(a.h), [tuple(map(_read_only, i)) for i in a.inside]) for a in layers]
    y, h = _outputs(net, tape), shown[-1].h[1 : T + 1]
    return Run(y, h, last, _read_only(x), _read_only(lengths), shown, dict(tape.settings), tape)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view


def _forward_way(
    net: "RNN", layer: Layer, weights: LayerWeights, way: Direction, state: list[np.ndarray], lengths: np.ndarray
) -> None:
    (T, B), H, n_ways = layer.x.shape[:2], net.hidden_size, len(layer.h) - len(layer.x)
    first, column = T + 1 if way.reverse else 0, way.reverse * H
    inner, saved = empty_states(net.handle, T, B, H, n_ways, net.dtype)
    layer.h[first, :, column : column + H] = state[0]
    for of_layer, given in zip(inner, state[1:], strict=True):
        of_layer[first] = given
    forward_layer(layer.x, *weights, net.handle, (layer.h, inner, saved), (column, way.reverse, lengths))
    layer.inside.append((inner, saved))


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
    provide(net.handle, BACKWARD, net.dtype)
    parameters, carry_in = views(flat, net.shapes), _zero_carry(net, B)
    for j, part in enumerate(dstate or ()):
        carry_in[:, j] = part
    dh = _readout_back(net, tape, dy, parameters, carry_in)
    weights = layer_weights(tape.effective, net.places)
    sums = [zero_sums(tape.layers[way.layer].x, w.W_xh, net.handle) for way, w in zip(net.ways, weights, strict=True)]
    dx, carry_out = np.zeros(_dx_shape(tape.x), net.dtype), _zero_carry(net, B)
    back = _Back(net, tape, weights, dh, carry_in, sums, dx, carry_out, {})
    if hidden:
        n = carry_in.shape[1]
        back.hidden.update({w.name: np.zeros((n, T, B, net.hidden_size), net.dtype) for w in net.ways})
    for window in [Window(0, 0, T)] if truncation is None else windows(T, *truncation):
        _window_back(back, window)
    for of_way, parts in zip(layer_weights(flat, net.places), sums, strict=True):
        sum_parts(parts, net.handle, *of_way)
    if net.parametrization is not None:
        for name in filter(net.is_recurrent, parameters):
            parameters[name][:] = net.parametrization.back(net.parameters[name], parameters[name])
    names, found = net.cell.states, {name: Hidden(**_by_name(net, a)) for name, a in back.hidden.items()}
    first = State(**{name: back.carry_out[:, i].copy() for i, name in enumerate(names)})
    return Gradients(parameters, back.dx, first, found, flat)


def _by_name(net: "RNN", arrays: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(net.cell.states, arrays, strict=True))


class _Back(NamedTuple):
    """What the windows of one backward pass read, and what they add to."""

    net: "RNN"
    tape: Tape
    weights: list[LayerWeights]
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
    layer, n_steps, T = tape.layers[way.layer], end - start, len(tape.x)
    (inner, saved), last = layer.inside[way.reverse], len(layer.h) - T + end
    states = layer.h[start:last], np.ascontiguousarray(inner[:, start:last]), saved[start:end]
    place = way.reverse * net.hidden_size, way.reverse, tape.lengths - start
    carry = back.carry_in[k].copy() if end == T else np.zeros_like(back.carry_in[k])
    found = np.empty((len(carry), n_steps if back.hidden else 0, *carry.shape[1:]), net.dtype)
    W_xh, W_h, _, units = back.weights[k]
    run = net.handle, states, place, dx, carry, back.sums[k], found
    backward_layer(dh, x, W_xh, W_h, units, *run)
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


def _dx_shape(x: np.ndarray) -> tuple[int, ...]:
    return x.shape if x.ndim == 3 else (*x.shape, 0)


def _zero_carry(net: "RNN", B: int) -> np.ndarray:
    """Return (directions of all layers, states, B, H) of zeros."""
    return np.zeros((len(net.ways), len(net.cell.states), B, net.hidden_size), net.dtype)
