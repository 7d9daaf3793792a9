"""The derivatives of one step of a layer, in float64: what gradients of states and Jacobians are made of.

A step's pre-activations a are made of h_{t-1} and x_t by one matrix M, blocks of H rows and H + I columns, which is
[W_hh^T | W_xh^T]; and a unit's new state depends on its own pre-activations alone, by slopes. So of row gradients

    Elman   [dh', dx] = (dh k) M,                                            k = phi'(a)
    LSTM    dc' = dc + dh p,  [dh', dx] = (dc' k_i, dc' k_f, dc' k_g, dh k_o) M,  back to c_{t-1}: dc' f
    GRU     [dh', dx] = (dh k_r, dh k_z, dh k_n, dh k_q) M + [dh z, 0]

where p = o (1 - tanh^2 c). Equations: `rnnkit.reference`, `rnnkit.reference_gated`.
"""

from typing import TYPE_CHECKING

import numpy as np

from rnnkit.parameters import Direction
from rnnkit.passes import within

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run

ALL = slice(None)
ELMAN = {
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: (h > 0).astype(np.float64),
    "sigmoid": lambda h: h * (1 - h),
    "identity": np.ones_like,
}


def step_matrix(net: "RNN", way: Direction, with_x: bool) -> np.ndarray:
    """Return M (blocks H, H + I), or (blocks H, H) without x; blocks i, f, g, o of an LSTM, r, z, n, q of a GRU."""
    W_xh, W_hh = (net.parameters[f"{way.name}.{kind}"].astype(np.float64).T for kind in ("W_xh", "W_hh"))
    if net.cell == "gru":  # x enters n, and h its share q
        r_and_z, of_h = np.split(W_hh, [2 * net.hidden_size])
        W_hh = np.vstack([r_and_z, np.zeros_like(of_h), of_h])
        W_xh = np.vstack([W_xh, np.zeros((net.hidden_size, way.inputs))])
    return np.hstack([W_hh, W_xh]) if with_x else np.ascontiguousarray(W_hh)


def slopes(net: "RNN", run: "Run", way: Direction, steps: slice = ALL, rows: slice = ALL) -> tuple[np.ndarray, ...]:
    """Return the slopes of these steps and rows of the batch, each (steps, rows, H); 0 beyond a row's length.

    Elman: k. LSTM: k_i, k_f, k_g, k_o, p, f. GRU: k_r, k_z, k_n, k_q, z. Steps count from 0 as those of x do.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # beyond a row's length x may hold anything
        found = _of_all_rows(net, run, way, steps, rows)
    if not run.lengths.size:
        return found
    inside = within(run.lengths, len(run.x))[steps, rows, None]
    return tuple(np.where(inside, part, 0) for part in found)


def _of_all_rows(net: "RNN", run: "Run", way: Direction, steps: slice, rows: slice) -> tuple[np.ndarray, ...]:
    layer, T, H = run.layers[way.layer], len(run.x), net.hidden_size
    columns, before = slice(way.reverse * H, (way.reverse + 1) * H), 2 if way.reverse else 0

    def states(array: np.ndarray, first: int) -> np.ndarray:
        return array[first : first + T][steps, rows].astype(np.float64)

    if net.cell in ELMAN:
        return (ELMAN[net.cell](states(layer.h[..., columns], 1)),)
    c, gates = layer.inside[way.reverse]
    inside = np.moveaxis(gates[steps][:, :, rows], 1, 0).astype(np.float64)
    if net.cell == "lstm":
        return _lstm(*inside, states(c, before), np.tanh(states(c, 1)))
    return _gru(*inside, states(layer.h[..., columns], before))


def _lstm(
    i: np.ndarray, f: np.ndarray, g: np.ndarray, o: np.ndarray, c_prev: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return k_i, k_f, k_g, k_o, p, f; u = tanh c."""
    return g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g**2), u * o * (1 - o), o * (1 - u**2), f


def _gru(r: np.ndarray, z: np.ndarray, n: np.ndarray, q: np.ndarray, h_prev: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return k_r, k_z, k_n, k_q, z."""
    k_n = (1 - z) * (1 - n**2)
    return k_n * q * r * (1 - r), (h_prev - n) * z * (1 - z), k_n, k_n * r, z
