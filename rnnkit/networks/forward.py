"""Forward through the layers of a network (`rnnkit.RNN`), on all cores; whole, or segment by segment.

A layer's states are one array, h (T+1, B, H), or (T+2, B, 2 H) with both directions side by side; the layer above reads
it where it is. So layers and directions need no copies.
"""

from collections.abc import Sequence

import numpy as np

from rnnkit.cells.descriptor import FORWARD
from rnnkit.cells.handles import provide
from rnnkit.kernels.gradient_checkpointing import segments
from rnnkit.kernels.layer import empty_states
from rnnkit.kernels.readout import readout_forward
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import as_lengths, as_x, check_checkpointing, check_state
from rnnkit.networks.network import Network
from rnnkit.networks.parameters import Direction, LayerWeights
from rnnkit.networks.trace import Layer, Tape, Trace
from rnnkit.parallel import forward_layer


def forward(net: Network, x: np.ndarray, state: State | None, lengths: np.ndarray | None, checkpointing: bool) -> Trace:
    """Do `RNN.forward`."""
    x = as_x(net, x)
    T, B = x.shape[:2]
    lengths = as_lengths(lengths, T, B)
    state = zero_states(net, B) if state is None else check_state(net, state, B)
    provide(net.handle, FORWARD, net.dtype)
    tape = Tape(x, lengths, net, net.effective_by_direction())
    if checkpointing:
        check_checkpointing(net)
        y, last = _forward_segments(net, tape, state)
        return _trace(net, tape, y, np.empty((0, B, net.features), net.dtype), last, [])
    last = run(net, tape, state)
    shown = [
        Layer(_read_only(a.x), _read_only(a.h), [tuple(map(_read_only, i)) for i in a.inside]) for a in tape.layers
    ]
    return _trace(net, tape, _outputs(net, tape), shown[-1].h[1 : T + 1], last, shown)


def _trace(
    net: Network, tape: Tape, y: np.ndarray, h: np.ndarray, last: list[np.ndarray], layers: list[Layer]
) -> Trace:
    x = layers[0].x if layers else _read_only(tape.x)
    return Trace(y, h, State.of(net.cell.states, last), x, _read_only(tape.lengths), layers, dict(tape.arguments), tape)


def zero_states(net: Network, B: int) -> list[np.ndarray]:
    """Return an array of zeros for each state, (directions of all layers, B, H)."""
    return [np.zeros((len(net.directions), B, net.hidden_size), net.dtype) for _ in net.cell.states]


def _forward_segments(net: Network, tape: Tape, state: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return (y, the last states) of all segments in turn; the tape keeps the states before each."""
    outputs, state = [], [array.copy() for array in state]  # the first is the caller's
    for steps in segments(*tape.x.shape[:2]):
        tape.checkpoints.append(state)
        part = segment_of(net, tape, steps)
        state = run(net, part, state)
        if net.output == "every" or steps.stop == len(tape.x):
            outputs.append(_outputs(net, part))
    return np.concatenate(outputs) if net.output == "every" else outputs[0], state


def segment_of(net: Network, tape: Tape, steps: slice) -> Tape:
    """Return a tape of some steps alone, of a tape of all."""
    return Tape(tape.x[steps], tape.lengths, net, tape.effective, steps.start)


def run(net: Network, tape: Tape, state: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run all layers forward from some states and leave theirs on the tape; return the last ones."""
    (T, B), H, n_directions = tape.x.shape[:2], net.hidden_size, net.features // net.hidden_size
    layers, last, weights = tape.layers, zero_states(net, B), tape.effective
    lengths = tape.lengths - tape.first_step if tape.first_step else tape.lengths
    for i in range(net.layers):
        below = layers[-1].h[1 : T + 1] if layers else tape.x
        layer = Layer(below, np.empty((T + n_directions, B, net.features), net.dtype), [])
        for k, direction in enumerate(net.directions):
            if direction.layer == i:
                _forward_direction(net, layer, weights[k], direction, [a[k] for a in state], lengths)
                end = 1 if direction.reverse else T
                last[0][k] = layer.h[end, :, direction.reverse * H : (direction.reverse + 1) * H]
                for of_last, of_layer in zip(last[1:], layer.inside[-1][0], strict=True):
                    of_last[k] = of_layer[end]
        layers.append(layer)
    return last


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view


def _forward_direction(
    net: Network,
    layer: Layer,
    weights: LayerWeights,
    direction: Direction,
    state: list[np.ndarray],
    lengths: np.ndarray,
) -> None:
    (T, B), H, n_directions = layer.x.shape[:2], net.hidden_size, len(layer.h) - len(layer.x)
    first, column = T + 1 if direction.reverse else 0, direction.reverse * H
    inner, saved = empty_states(net.handle, T, B, H, n_directions, net.dtype)
    layer.h[first, :, column : column + H] = state[0]
    for of_layer, given in zip(inner, state[1:], strict=True):
        of_layer[first] = given
    forward_layer(layer.x, *weights, net.handle, (layer.h, inner, saved), (column, direction.reverse, lengths))
    layer.inside.append((inner, saved))


def _outputs(net: Network, tape: Tape) -> np.ndarray:
    """Return y: of every step, or of the last states alone; 0 beyond a row's length, and for a row of none."""
    features, counts = features_of(net, tape), counted(net, tape)
    named = net.parameters
    y = features.copy() if net.output_size is None else readout_forward(features, named["W_hy"], named["b_y"])
    if counts is not None:
        y = np.where(counts[..., None], y, 0).astype(net.dtype)
    return y[0] if net.output == "last" else y


def features_of(net: Network, tape: Tape) -> np.ndarray:
    """Return what enters the readout: the last layer's states, (T, B, features), or the last of them, (1, B, ...)."""
    h, T, H = tape.layers[-1].h, len(tape.x), net.hidden_size
    if net.output == "every":
        return h[1 : T + 1]
    directions = range(net.features // H)
    return np.concatenate([h[1 if k else T, :, k * H : (k + 1) * H] for k in directions], axis=1)[None]


def counted(net: Network, tape: Tape) -> np.ndarray | None:
    """Return (T, B) or (1, B), True where an output is one: within a row's length; None where all are."""
    if not tape.lengths.size:
        return None
    return within(tape.lengths - tape.first_step, len(tape.x)) if net.output == "every" else within(tape.lengths, 1)


def within(lengths: np.ndarray, T: int) -> np.ndarray:
    """Return (T, B), True at steps within a row's length."""
    return np.arange(T)[:, None] < lengths
