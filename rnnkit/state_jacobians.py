"""Jacobians of one step of a network of one direction, from one state of all its layers to the next, in float64.

The state is that of all layers side by side, (S,): h of the first layer, of an LSTM its c, h of the second layer, ...
J[i, j] = d state_t[i] / d state_{t-1}[j]: a change goes on as J v, a row gradient back as g J. Of one Elman layer
J = diag(phi'(a_t)) W_hh^T.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.kernels._arguments import integer, is_integer, shown
from rnnkit.network_checks import check_run
from rnnkit.slopes import slopes, step_matrix

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run


def jacobians(net: "RNN", run: "Run", first: int, last: int, b: int) -> Iterator[np.ndarray]:
    """Yield J_first, ..., J_last (S, S) of sample b; nothing is checked."""
    S, H, n = state_size(net), net.hidden_size, states_of(net)
    matrices = [step_matrix(net, way, way.layer > 0) for way in net.ways]
    matrices = [M.reshape(-1, H, M.shape[1]) for M in matrices]
    of_layers = [slopes(net, run, way, slice(first, last + 1), slice(b, b + 1)) for way in net.ways]
    for t in range(last + 1 - first):
        J, below = np.zeros((S, S)), None
        for layer, M in enumerate(matrices):
            own = slice(layer * n * H, (layer + 1) * n * H)
            part = _layer_jacobian(net.cell, [k[t, 0] for k in of_layers[layer]], M)
            J[own, own] = part[:, : n * H]
            if layer:
                J[own] += part[:, n * H :] @ below
            below = J[own][:H].copy()  # d h_t of this layer, the next one's x_t
        yield J


def _layer_jacobian(cell: str, k: list[np.ndarray], M: np.ndarray) -> np.ndarray:
    """Return d (h_t, c_t) / d (h_{t-1}, c_{t-1}, x_t) of one layer, of other cells without c; M (blocks, H, H + I)."""
    H = M.shape[1]
    if cell == "lstm":
        c = sum(part[:, None] * block for part, block in zip(k[:3], M[:3], strict=True))
        h = k[4][:, None] * c + k[3][:, None] * M[3]
        both, by_c = np.vstack([h, c]), np.vstack([np.diag(k[4] * k[5]), np.diag(k[5])])
        return np.hstack([both[:, :H], by_c, both[:, H:]])
    J = sum(part[:, None] * block for part, block in zip(k[: len(M)], M, strict=True))
    if cell == "gru":
        J[:, :H] += np.diag(k[4])
    return J


def states_of(net: "RNN") -> int:
    """Return how many states a unit has: 2 of an LSTM."""
    return 2 if net.cell == "lstm" else 1


def state_size(net: "RNN") -> int:
    """Return S."""
    return net.layers * net.hidden_size * states_of(net)


def count_steps(run: "Run", b: int) -> int:
    """Return the length of sample b."""
    return int(run.lengths[b]) if run.lengths.size else len(run.x)


def check_place(net: "RNN", run: "Run", b: int, **steps: int) -> None:
    """Raise ValueError naming what is no run of the net, no sample or step of it, or no net of one direction."""
    check_run(net, run)
    if net.bidirectional:
        raise ValueError("net must have one direction: a bidirectional one has no state that goes from step to step")
    last = count_steps(run, integer("b", b, 0, run.x.shape[1] - 1)) - 1
    if last < 0:
        raise ValueError(f"b must be a sample with a step, got b = {b}, of length 0")
    for name, t in steps.items():
        if not is_integer(t) or not 0 <= t <= last:
            raise ValueError(f"{name} must be an integer in 0..{last}, the last step of sample {b}, got {shown(t)}")
