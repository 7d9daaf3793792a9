"""Jacobians of one step of a network of one direction, from one state of all its layers to the next, in float64.

The state is that of all layers side by side, (S,): h of the first layer, of an LSTM its c, h of the second layer, ...
J[i, j] = d state_t[i] / d state_{t-1}[j]: a change goes on as J v, a row gradient back as g J. Of one Elman layer
J = diag(phi'(a_t)) W_hh^T.

Where slopes are far apart, J as floats has lost what the small ones say: sums of rows round. So a step is also a list
of factors, each a diagonal of slopes or a matrix whose numbers are of the order of the weights, whose product is J:

    Elman   diag(k) M                   in the rows of the layer; all else stays
    LSTM    [h; c] <- [h; f c], <- [M_o h; C h + c], <- [k_o h; c], <- [h + p c; c],    C = k_i M_i + k_f M_f + k_g M_g
    GRU     diag(d) A,                  d the largest numbers of the rows of J
"""

from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.kernels._arguments import integer, is_integer, shown
from rnnkit.network_checks import check_run
from rnnkit.scaled import DEEP, Scaled, graded, plus
from rnnkit.slopes import slopes, step_matrix

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run


class Step(NamedTuple):
    """J (S, S) as floats, the same as factors, and whether J has lost slopes that are below float64.

    factors(): the first to act first; (S, S), or (S, 1), a diagonal.
    """

    J: np.ndarray
    factors: Callable[[], list[Scaled]]
    deep: bool


def steps(net: "RNN", run: "Run", first: int, last: int, b: int) -> Iterator[Step]:
    """Yield steps first .. last of sample b; nothing is checked."""
    S, H, n = state_size(net), net.hidden_size, states_of(net)
    matrices = [step_matrix(net, way, way.layer > 0) for way in net.ways]
    matrices = [M.reshape(-1, H, M.shape[1]) for M in matrices]
    of_layers = [_of_sample(slopes(net, run, way, slice(first, last + 1), slice(b, b + 1))) for way in net.ways]
    floats = [[_floats(k) for k in of_layer] for of_layer in of_layers]
    least = np.min([k.log.min(axis=1, where=k.v != 0, initial=0.0) for k in chain(*of_layers)], axis=0)
    deep = least < DEEP / (2 * net.layers)  # J has products of two slopes of each layer
    for t in range(last + 1 - first):
        J = np.zeros((S, S))
        for layer, (k, M) in enumerate(zip(floats, matrices, strict=True)):
            own = slice(layer * n * H, (layer + 1) * n * H)
            part = _layer_jacobian(net.cell, [of_gate[t] for of_gate in k], M)
            J[own, own] = part[:, : n * H]
            if layer:
                below = slice((layer - 1) * n * H, (layer - 1) * n * H + H)  # h_t of the layer below is x_t
                J[own] += part[:, n * H :] @ J[below]
        yield Step(J, partial(_factors, net, of_layers, matrices, t), bool(deep[t]))


def _of_sample(k: list[Scaled]) -> list[Scaled]:
    """Return the slopes (steps, H) of the one sample that these (steps, 1, H) are of."""
    return [Scaled(part.v[:, 0], part.log[:, 0]) for part in k]


def _factors(net: "RNN", of_layers: list[list[Scaled]], matrices: list[np.ndarray], t: int) -> list[Scaled]:
    of_step = [[Scaled(k.v[t], k.log[t]) for k in of_layer] for of_layer in of_layers]
    of_layers = enumerate(zip(of_step, matrices, strict=True))
    return list(chain.from_iterable(_layer_factors(net, layer, k, M) for layer, (k, M) in of_layers))


def _floats(k: Scaled) -> np.ndarray:
    return np.where(k.v == 0, 0.0, k.v * np.exp(k.log))


def _layer_factors(net: "RNN", layer: int, k: list[Scaled], M: np.ndarray) -> list[Scaled]:
    """Return the factors of one layer's step, (S, S) or (S, 1); M (blocks, H, H + I)."""
    S, H, first = state_size(net), net.hidden_size, layer * states_of(net) * net.hidden_size
    h, c = slice(first, first + H), slice(first + H, first + 2 * H)
    read = np.arange(first, first + H)  # of the state: h, and below it h of the layer before
    if layer:
        read = np.append(read, np.arange(H) + first - states_of(net) * H)
    if net.cell == "lstm":
        A, P = _identity(S, but=h), _identity(S)
        _set(A, h, read, Scaled(M[3], np.zeros((1, 1))))
        _set(A, c, read, _sum_of_blocks(k[:3], M[:3]))
        P.v[h, c], P.log[h, c] = np.diag(k[4].v), np.where(np.eye(H, dtype=bool), k[4].log, -np.inf)
        return [_diagonal(S, c, k[5]), A, _diagonal(S, h, k[3]), P]
    A, rows = _identity(S, but=h), Scaled(M[0], np.zeros((1, 1)))
    if net.cell == "gru":
        kept = Scaled(np.eye(*M[0].shape) * k[4].v[:, None], k[4].log[:, None])
        rows = graded(plus(_sum_of_blocks(k[:4], M), kept))
        top = rows.log.max(axis=1)
        k = [Scaled((top > -np.inf).astype(np.float64), top)]
        rows = Scaled(rows.v, rows.log - np.where(top > -np.inf, top, 0)[:, None])
    _set(A, h, read, rows)
    return [A, _diagonal(S, h, k[0])]


def _identity(S: int, but: slice = slice(0)) -> Scaled:
    """Return the identity (S, S) with zeros in these rows."""
    v = np.eye(S)
    v[but] = 0
    return graded(Scaled(v, np.zeros((1, 1))))


def _diagonal(S: int, which: slice, k: Scaled) -> Scaled:
    """Return (S, 1): k in these rows, 1 elsewhere."""
    v, log = np.ones((S, 1)), np.zeros((S, 1))
    v[which, 0], log[which, 0] = k
    return Scaled(v, log)


def _set(A: Scaled, rows: slice, columns: np.ndarray, block: Scaled) -> None:
    A.v[rows, columns], A.log[rows, columns] = graded(block)


def _sum_of_blocks(k: list[Scaled], M: np.ndarray) -> Scaled:
    """Return the sum of diag(k) M over blocks, (H, H + I)."""
    blocks = [Scaled(part.v[:, None] * block, part.log[:, None]) for part, block in zip(k, M, strict=True)]
    return reduce(plus, blocks)


def _layer_jacobian(cell: str, k: list[np.ndarray], M: np.ndarray) -> np.ndarray:
    """Return d (h_t, c_t) / d (h_{t-1}, c_{t-1}, x_t) of one layer, of other cells without c; M (blocks, H, H + I)."""
    H = M.shape[1]
    if cell == "lstm":
        c = sum(part[:, None] * block for part, block in zip(k[:3], M[:3], strict=True))
        h = k[4][:, None] * c + k[3][:, None] * M[3]
        both, by_c = np.vstack([h, c]), np.vstack([np.diag(k[4] * k[5]), np.diag(k[5])])
        return np.hstack([both[:, :H], by_c, both[:, H:]])
    J = reduce(np.add, (part[:, None] * block for part, block in zip(k[: len(M)], M, strict=True)))
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
