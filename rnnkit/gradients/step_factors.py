"""Jacobians of one step of a network of one direction, from one state of all its layers to the next, in float64.

The state is that of all layers side by side, (S,): the states of the first layer, of an LSTM h and then c, those of the
second layer, ... J[i, j] = d state_t[i] / d state_{t-1}[j]: a change goes on as J v, a row gradient back as g J. Of one
Elman layer J = diag(phi'(a_t)) W_hh^T.

Where local derivatives are far apart, J as floats has lost what the small ones say: sums of rows round. So a step is
also a list of factors whose product is J, layer by layer:

    diag(f)  of states that enter no block, as an LSTM's c, their largest derivatives; else 1
    A        the rows of new states from these, each divided by its largest number, all else as it is
    diag(d)  these numbers
    P        what a new state is made of another new one: of an LSTM [h + p c; c], p = dh_t/dc_t

Of a state that one block alone makes, A has the rows of M, and d the derivatives. Without diag(f) a c that is forgotten
to e^-200 would be lost beside h. Equations: `rnnkit.gradients.local_derivatives`.
"""

from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import chain
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import integer, is_integer, shown
from rnnkit.cells import Cell
from rnnkit.gradients.local_derivatives import Locals, cell_of, local_derivatives, order_of_states, step_matrix
from rnnkit.gradients.scaled import DEEP, Scaled, floats, graded, plus
from rnnkit.networks.checks import check_trace
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace


class Step(NamedTuple):
    """J (S, S) as floats, the same as factors, and whether J has lost derivatives that are below float64.

    factors(): the first to act first; (S, S), or (S, 1), a diagonal.
    """

    J: np.ndarray
    factors: Callable[[], list[Scaled]]
    deep: bool


def steps(net: RNN, trace: Trace, first: int, last: int, b: int) -> Iterator[Step]:
    """Yield steps first .. last of sample b; nothing is checked."""
    S, H, n = state_size(net), net.hidden_size, states_of(net)
    matrices = [step_matrix(net, direction, direction.layer > 0) for direction in net.directions]
    matrices = [M.reshape(len(net.cell.blocks), H, M.shape[1]) for M in matrices]
    which = slice(first, last + 1), slice(b, b + 1)
    of_layers = [_of_sample(local_derivatives(net, trace, direction, *which)) for direction in net.directions]
    plain = [{key: floats(k) for key, k in of_layer.items()} for of_layer in of_layers]
    all_ = [k for of_layer in of_layers for k in of_layer.values()]
    least = np.min([k.log.min(axis=1, where=k.v != 0, initial=0.0) for k in all_], axis=0)
    deep = least < DEEP / (2 * net.layers)  # J has products of two derivatives of each layer
    for t in range(last + 1 - first):
        J = np.zeros((S, S))
        for layer, (k, M) in enumerate(zip(plain, matrices, strict=True)):
            own = slice(layer * n * H, (layer + 1) * n * H)
            part = _layer_jacobian(cell_of(net), {key: of_key[t] for key, of_key in k.items()}, M)
            J[own, own] = part[:, : n * H]
            if layer:
                below = slice((layer - 1) * n * H, (layer - 1) * n * H + H)  # h_t of the layer below is x_t
                J[own] += part[:, n * H :] @ J[below]
        yield Step(J, partial(_factors, net, of_layers, matrices, t), bool(deep[t]))


def _of_sample(k: Locals) -> Locals:
    """Return the derivatives (steps, H) of the one sample that these (steps, 1, H) are of."""
    return {key: Scaled(part.v[:, 0], part.log[:, 0]) for key, part in k.items()}


def _factors(net: RNN, of_layers: list[Locals], matrices: list[np.ndarray], t: int) -> list[Scaled]:
    of_step = [{key: Scaled(k.v[t], k.log[t]) for key, k in of_layer.items()} for of_layer in of_layers]
    of_layers = enumerate(zip(of_step, matrices, strict=True))
    return list(chain.from_iterable(_layer_factors(net, layer, k, M) for layer, (k, M) in of_layers))


def _layer_factors(net: RNN, layer: int, k: Locals, M: np.ndarray) -> list[Scaled]:
    """Return the factors of one layer's step, (S, S) or (S, 1); M (blocks, H, H + I)."""
    S, H, cls, n = state_size(net), net.hidden_size, cell_of(net), states_of(net)
    first = layer * n * H
    place = {name: slice(first + i * H, first + (i + 1) * H) for i, name in enumerate(cls.states)}
    of_states = [first + cls.states.index(name) * H for name in cls.recurrent()]
    below = [first - n * H] if layer else []  # what the layer before gives on
    read = np.concatenate([np.arange(at, at + H) for at in (*of_states, *below)] or [np.arange(0)])
    A, d, f = _identity(S, but=slice(first, first + n * H)), _diagonal(S), _diagonal(S)
    for state in [name for name in cls.states if not any(name in inputs for inputs in cls.blocks.values())]:
        k, (f.v[place[state], 0], f.log[place[state], 0]) = _without_largest(k, state, H)
    for name in cls.states:
        rows, top = _rows_of(cls, name, k, M, S, place, read)
        _set(A, place[name], np.arange(S), rows)
        d.v[place[name], 0], d.log[place[name], 0] = top
    return [f, A, d, *(_from_new(S, name, k, place) for name in order_of_states(cls) if _made_of_new(cls, name, k))]


def _rows_of(
    cls: type[Cell], name: str, k: Locals, M: np.ndarray, S: int, place: dict[str, slice], read: np.ndarray
) -> tuple[Scaled, Scaled]:
    """Return a new state's rows (H, S) from the states before, graded, and what they are to be multiplied by (H,)."""
    H = M.shape[1]
    terms = [(M[i], read, k[name, block]) for i, block in enumerate(cls.blocks) if (name, block) in k]
    terms += [(np.eye(H), place[state], k[name, state]) for state in cls.states if (name, state) in k]
    rows = [(np.zeros((H, S)), of) for _, _, of in terms]
    for (row, _), (block, columns, _) in zip(rows, terms, strict=True):
        row[:, columns] = block
    if not rows:  # made of other new states alone
        return graded(Scaled(np.zeros((H, S)), np.zeros((1, 1)))), Scaled(np.ones(H), np.zeros(H))
    if len(rows) == 1:
        return graded(Scaled(rows[0][0], np.zeros((1, 1)))), rows[0][1]
    both = graded(reduce(plus, [Scaled(v * of.v[:, None], of.log[:, None]) for v, of in rows]))
    top = both.log.max(axis=1)
    alive = top > -np.inf
    return Scaled(both.v, both.log - np.where(alive, top, 0)[:, None]), Scaled(alive.astype(np.float64), top)


def _without_largest(k: Locals, state: str, H: int) -> tuple[Locals, Scaled]:
    """Return the derivatives with those to one state before divided by their largest sizes (H,), and these; 1 for 0."""
    to_state = {key: of for key, of in k.items() if key[1] == state}
    top = np.max([np.where(of.v == 0, -np.inf, of.log) for of in to_state.values()], axis=0, initial=-np.inf)
    alive = top > -np.inf
    less = {key: Scaled(of.v, of.log - np.where(alive, top, 0)) for key, of in to_state.items()}
    return k | less, Scaled(np.ones(H), np.where(alive, top, 0.0) * np.ones(H))


def _made_of_new(cls: type[Cell], name: str, k: Locals) -> bool:
    return any((name, f"new_{other}") in k for other in cls.states)


def _from_new(S: int, name: str, k: Locals, place: dict[str, slice]) -> Scaled:
    """Return the identity (S, S) with what a new state is made of others in its rows."""
    P = _identity(S)
    for other in place:
        if (name, f"new_{other}") in k:
            of, H = k[name, f"new_{other}"], len(k[name, f"new_{other}"].v)
            P.v[place[name], place[other]] = np.diag(of.v)
            P.log[place[name], place[other]] = np.where(np.eye(H, dtype=bool), of.log, -np.inf)
    return P


def _identity(S: int, but: slice = slice(0)) -> Scaled:
    """Return the identity (S, S) with zeros in these rows."""
    v = np.eye(S)
    v[but] = 0
    return graded(Scaled(v, np.zeros((1, 1))))


def _diagonal(S: int) -> Scaled:
    """Return (S, 1) of 1."""
    return Scaled(np.ones((S, 1)), np.zeros((S, 1)))


def _set(A: Scaled, rows: slice, columns: np.ndarray, block: Scaled) -> None:
    A.v[rows, columns], A.log[rows, columns] = block


def _layer_jacobian(cls: type[Cell], k: dict[tuple[str, str], np.ndarray], M: np.ndarray) -> np.ndarray:
    """Return d states_t / d (states_{t-1}, x_t) of one layer; M (blocks, H, states that enter blocks H + I)."""
    H, found, unit = M.shape[1], {}, np.arange(M.shape[1])
    place = {name: slice(i * H, (i + 1) * H) for i, name in enumerate(cls.states)}
    for name in order_of_states(cls):
        parts = [k[name, block][:, None] * M[i] for i, block in enumerate(cls.blocks) if (name, block) in k]
        of_inputs = reduce(np.add, parts) if parts else np.zeros(M.shape[1:])
        row = np.zeros((H, M.shape[2] + (len(cls.states) - len(cls.recurrent())) * H))
        row[:, len(cls.states) * H :] = of_inputs[:, len(cls.recurrent()) * H :]
        for i, state in enumerate(cls.recurrent()):
            row[:, place[state]] = of_inputs[:, i * H : (i + 1) * H]
        for state, at in place.items():
            if (name, state) in k:
                row[unit, at.start + unit] += k[name, state]
        for state, of_state in found.items():
            if (name, f"new_{state}") in k:
                row += k[name, f"new_{state}"][:, None] * of_state
        found[name] = row
    return np.vstack([found[name] for name in cls.states])


def states_of(net: RNN) -> int:
    """Return how many states a unit has."""
    return len(cell_of(net).states)


def state_size(net: RNN) -> int:
    """Return S."""
    return net.layers * net.hidden_size * states_of(net)


def count_steps(trace: Trace, b: int) -> int:
    """Return the length of sample b."""
    return int(trace.lengths[b]) if trace.lengths.size else len(trace.x)


def check_place(net: RNN, trace: Trace, b: int, **steps: int) -> None:
    """Raise ValueError naming what is no trace of the net, no sample or step of it, or no net of one direction."""
    check_trace(net, trace)
    if net.bidirectional:
        raise ValueError("net must have one direction, got bidirectional=True: no state goes through all its steps")
    last = count_steps(trace, integer("b", b, 0, trace.x.shape[1] - 1)) - 1
    if last < 0:
        raise ValueError(f"b must be a sample with a step, got b = {b}, of length 0")
    for name, t in steps.items():
        if not is_integer(t) or not 0 <= t <= last:
            raise ValueError(f"{name} must be an integer in 0..{last}, the last step of sample {b}, got {shown(t)}")
