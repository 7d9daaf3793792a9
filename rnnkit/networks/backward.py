"""Backward through the layers of a network (`rnnkit.RNN`), on all cores: whole, in windows, or segment by segment."""

from typing import NamedTuple

import numpy as np

from rnnkit.cells.descriptor import BACKWARD
from rnnkit.cells.handles import provide
from rnnkit.kernels.engine.sums import sum_parts, zero_sums
from rnnkit.kernels.gradient_checkpointing import segments
from rnnkit.kernels.readout import readout_backward
from rnnkit.networks.by_state import Hidden, State
from rnnkit.networks.checks import check_dstate, check_dy, check_truncation
from rnnkit.networks.forward import counted, features_of, run, segment_of, within
from rnnkit.networks.network import Network
from rnnkit.networks.parameters import Direction, layer_weights, views
from rnnkit.networks.trace import Gradients, Tape, Trace
from rnnkit.networks.truncation import Window, windows
from rnnkit.parallel import backward_layer


def backward(
    net: Network,
    trace: Trace,
    dy: np.ndarray | None,
    dstate: State | None,
    truncation: tuple[int, int] | None,
    hidden: bool,
) -> Gradients:
    """Do `RNN.backward`: the readout once, then each window from the last layer down; or so each segment."""
    tape = trace.tape
    (T, B), flat = tape.x.shape[:2], np.empty_like(net.flat)
    check_dy(net, tape, dy)
    check_dstate(net, dstate, B)
    check_truncation(net, tape, dstate, truncation)
    provide(net.handle, BACKWARD, net.dtype)
    parameters, carry_in = views(flat, net.shapes), zero_carry(net, B)
    for j, part in enumerate(dstate or ()):
        carry_in[:, j] = part
    sums = [zero_sums(x, w.W_xh, net.handle) for x, w in zip(inputs_of(net, tape), tape.effective, strict=True)]
    n, dx = carry_in.shape[1], np.zeros(_dx_shape(tape.x), net.dtype)
    kept = {w.name: np.zeros((n, T, B, net.hidden_size), net.dtype) for w in net.directions} if hidden else {}
    if tape.checkpoints:
        back = _segments_back(net, tape, dy, parameters, carry_in, (sums, dx, kept))
    else:
        dh = readout_back(net, tape, dy, parameters, carry_in)
        back = Back(net, tape, dh, carry_in, sums, dx, zero_carry(net, B), kept)
        for window in [Window(0, 0, T)] if truncation is None else windows(T, *truncation):
            window_back(back, window)
    for of_direction, parts in zip(layer_weights(flat, net.layout), sums, strict=True):
        sum_parts(parts, net.handle, *of_direction)
    if net.parametrization is not None:
        for name in filter(net.is_recurrent, parameters):
            parameters[name][:] = net.parametrization.back(net.parameters[name], parameters[name])
    names, found = net.cell.states, {name: Hidden.of(net.cell.states, a) for name, a in kept.items()}
    first = State.of(names, [back.carry_out[:, i].copy() for i in range(n)])
    return Gradients(parameters, dx, first, found, flat)


def inputs_of(net: Network, tape: Tape) -> list[np.ndarray]:
    """Return what enters each direction: x, or an array of the dtype and the features that lie above."""
    above = np.empty((0, tape.x.shape[1], net.features), net.dtype)
    return [above if direction.layer else tape.x for direction in net.directions]


class Back(NamedTuple):
    """What the windows of one backward pass read, and what they add to."""

    net: Network
    tape: Tape
    dh: np.ndarray
    carry_in: np.ndarray
    sums: list[tuple]
    dx: np.ndarray
    carry_out: np.ndarray
    hidden: dict[str, np.ndarray]


def _segments_back(
    net: Network,
    tape: Tape,
    dy: np.ndarray | None,
    parameters: dict[str, np.ndarray],
    carry: np.ndarray,
    found: tuple[list[tuple], np.ndarray, dict[str, np.ndarray]],
) -> Back:
    """Run each segment forward again, the last one first, and take its losses back; return what is left of the first.

    The sums over steps are those of the whole sequence, in the same order: a segment is a whole number of chunks. But
    the gradients of the readout and of per_unit weights are sums over the segments.
    """
    sums, dx, kept = found
    of_readout = {name: np.empty_like(a) for name, a in parameters.items() if name in ("W_hy", "b_y")}
    for name in of_readout:
        parameters[name][:] = 0
    for state, steps in reversed(list(zip(tape.checkpoints, segments(*tape.x.shape[:2]), strict=True))):
        part, is_last = segment_of(net, tape, steps), steps.stop == len(tape.x)
        run(net, part, state)
        has_loss = dy is not None and (net.output == "every" or is_last)
        of_part = None if not has_loss else dy[steps] if net.output == "every" else dy
        dh = readout_back(net, part, of_part, of_readout, carry)
        for name, value in of_readout.items():
            parameters[name] += value
        hidden = {name: a[:, steps] for name, a in kept.items()}
        back = Back(net, part, dh, carry, sums, dx[steps], zero_carry(net, carry.shape[2]), hidden)
        window_back(back, Window(0, 0, len(part.x)))
        carry = back.carry_out
    return back


def window_back(back: Back, window: Window) -> None:
    """Take the losses of a window back through its steps, from the last layer down."""
    net, T = back.net, len(back.tape.x)
    dh = back.dh[max(window.first_loss - T + len(back.dh), 0) : max(window.end - T + len(back.dh), 0)]
    for i in reversed(range(net.layers)):
        x = back.tape.layers[i].x[window.start : window.end]
        in_place = i == 0 and window == (0, 0, T)  # the only window: no copy
        dx = back.dx if in_place else np.empty(_dx_shape(x), net.dtype)
        for k, direction in enumerate(net.directions):
            if direction.layer == i:
                _direction_back(back, window, k, direction, dh, x, dx)
        dh = dx
    if not in_place:
        back.dx[window.start : window.end] += dx


def _direction_back(
    back: Back, window: Window, k: int, direction: Direction, dh: np.ndarray, x: np.ndarray, dx: np.ndarray
) -> None:
    net, tape, (start, _, end) = back.net, back.tape, window
    layer, n_steps, T = tape.layers[direction.layer], end - start, len(tape.x)
    (inner, saved), last = layer.inside[direction.reverse], len(layer.h) - T + end
    states = layer.h[start:last], np.ascontiguousarray(inner[:, start:last]), saved[start:end]
    lengths = tape.lengths - tape.first_step - start
    layout = direction.reverse * net.hidden_size, direction.reverse, lengths
    carry = back.carry_in[k].copy() if end == T else np.zeros_like(back.carry_in[k])
    found = np.empty((len(carry), n_steps if back.hidden else 0, *carry.shape[1:]), net.dtype)
    W_xh, W_h, _, units = tape.effective[k]
    backward_layer(dh, x, W_xh, W_h, units, net.handle, states, layout, dx, carry, back.sums[k], found)
    if start == 0:
        back.carry_out[k] += carry
    if back.hidden:
        inside = within(lengths, n_steps)[..., None] if tape.lengths.size else True
        back.hidden[direction.name][:, start:end] += np.where(inside, found, 0)


def readout_back(
    net: Network, tape: Tape, dy: np.ndarray | None, parameters: dict[str, np.ndarray], carry_in: np.ndarray
) -> np.ndarray:
    """Return dL/dh (n, B, features) of the last n steps, n = 0 where dy enters by the last states (in carry_in)."""
    none = np.empty((0, tape.x.shape[1], net.features), net.dtype)
    if dy is None:
        for name in {"W_hy", "b_y"} & parameters.keys():
            parameters[name][:] = 0
        return none
    dy, features, counts = dy[None] if net.output == "last" else dy, features_of(net, tape), counted(net, tape)
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
    of_directions = np.split(dh[0], net.features // net.hidden_size, axis=1)
    for k, part in zip(
        [k for k, direction in enumerate(net.directions) if direction.layer == net.layers - 1],
        of_directions,
        strict=True,
    ):
        carry_in[k, 0] += part
    return none


def _dx_shape(x: np.ndarray) -> tuple[int, ...]:
    return x.shape if x.ndim == 3 else (*x.shape, 0)


def zero_carry(net: Network, B: int) -> np.ndarray:
    """Return (directions of all layers, states, B, H) of zeros."""
    return np.zeros((len(net.directions), len(net.cell.states), B, net.hidden_size), net.dtype)
