"""The derivatives of one step of a layer, in float64: what gradients of states and Jacobians are made of.

A step's pre-activations a are made of h_{t-1} and x_t by one matrix M, blocks of H rows and H + I columns, which is
[W_hh^T | W_xh^T]; and a unit's new state depends on its own pre-activations alone, by slopes. So of row gradients

    Elman   [dh', dx] = (dh k) M,                                            k = phi'(a)
    LSTM    dc' = dc + dh p,  [dh', dx] = (dc' k_i, dc' k_f, dc' k_g, dh k_o) M,  back to c_{t-1}: dc' f
    GRU     [dh', dx] = (dh k_r, dh k_z, dh k_n, dh k_q) M + [dh z, 0]

where p = o (1 - tanh^2 c). Equations: `rnnkit.reference`, `rnnkit.reference_gated`.

A state rounds where its unit is saturated, so a is made anew, in float64, of x_t and the state before, and each slope
is a sign and a logarithm, the sum of those of its factors:

    ln sigmoid(a) = -ln(1 + e^-a),    1 - sigmoid(a) = sigmoid(-a),    tanh'(a) = 4 sigmoid(2 a) sigmoid(-2 a)
"""

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.parameters import Direction
from rnnkit.passes import within
from rnnkit.scaled import DEEP, Scaled, graded, plus, where

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run

ALL = slice(None)
NEAR_ONE = 0.5  # what is above it is taken as 1 less a rest
LINEAR = 1e-8  # tanh(c) is c below


def step_matrix(net: "RNN", way: Direction, with_x: bool) -> np.ndarray:
    """Return M (blocks H, H + I), or (blocks H, H) without x; blocks i, f, g, o of an LSTM, r, z, n, q of a GRU."""
    W_xh, W_hh = (net.parameters[f"{way.name}.{kind}"].astype(np.float64).T for kind in ("W_xh", "W_hh"))
    if net.cell == "gru":  # x enters n, and h its share q
        r_and_z, of_h = np.split(W_hh, [2 * net.hidden_size])
        W_hh = np.vstack([r_and_z, np.zeros_like(of_h), of_h])
        W_xh = np.vstack([W_xh, np.zeros((net.hidden_size, way.inputs))])
    return np.hstack([W_hh, W_xh]) if with_x else np.ascontiguousarray(W_hh)


def slopes(net: "RNN", run: "Run", way: Direction, steps: slice = ALL, rows: slice = ALL) -> list[Scaled]:
    """Return the slopes of these steps and rows of the batch, each (steps, rows, H), graded; 0 beyond a row's length.

    Elman: k. LSTM: k_i, k_f, k_g, k_o, p, f. GRU: k_r, k_z, k_n, k_q, z. Steps count from 0 as those of x do.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # beyond a row's length x may hold anything
        found = _of_all_rows(net, run, way, steps, rows)
    if not run.lengths.size:
        return found
    inside = within(run.lengths, len(run.x))[steps, rows, None]
    return [Scaled(np.where(inside, k.v, 0), np.where(inside, k.log, -np.inf)) for k in found]


def by_steps(of_steps: list[Scaled]) -> list[list[Scaled]]:
    """Return the slopes of each step, (rows, H): as floats (log 0) where none of it is so small that they lose it."""
    with np.errstate(invalid="ignore"):
        deep = np.any([((k.log < DEEP) & (k.v != 0)).any(axis=(1, 2)) for k in of_steps], axis=0)
        plain = [np.where(k.v == 0, 0, k.v * np.exp(k.log)) for k in of_steps]
    no_log = np.zeros((of_steps[0].v.shape[1], 1))
    return [
        [Scaled(k.v[t], k.log[t]) if deep[t] else Scaled(floats[t], no_log)
         for k, floats in zip(of_steps, plain, strict=True)]
        for t in range(len(deep))
    ]  # fmt: skip


def _of_all_rows(net: "RNN", run: "Run", way: Direction, steps: slice, rows: slice) -> list[Scaled]:
    layer, T, H = run.layers[way.layer], len(run.x), net.hidden_size
    columns, before = slice(way.reverse * H, (way.reverse + 1) * H), 2 if way.reverse else 0
    W_xh, W_hh, b_h = (net.parameters[f"{way.name}.{kind}"].astype(np.float64) for kind in ("W_xh", "W_hh", "b_h"))

    def states(array: np.ndarray, first: int) -> np.ndarray:
        return array[first : first + T][steps, rows].astype(np.float64)

    if net.cell in ("relu", "identity"):
        h = states(layer.h[..., columns], 1)
        return [_signed(np.ones_like(h) if net.cell == "identity" else (h > 0).astype(np.float64))]
    x, h_prev = layer.x[steps, rows], states(layer.h[..., columns], before)
    of_x = W_xh[x] if x.ndim == 2 else x.astype(np.float64) @ W_xh
    if net.cell == "lstm":
        return _lstm(*np.split(of_x + h_prev @ W_hh + b_h, 4, axis=-1), states(layer.inside[way.reverse][0], before))
    if net.cell == "gru":
        return _gru(*np.split(of_x, 3, axis=-1), *np.split(h_prev @ W_hh, 3, axis=-1), *np.split(b_h, 4), h_prev)
    a = of_x + h_prev @ W_hh + b_h
    return [_tanh_slope(a) if net.cell == "tanh" else _sigmoid_slope(a)]


def _lstm(a_i: np.ndarray, a_f: np.ndarray, a_g: np.ndarray, a_o: np.ndarray, c_prev: np.ndarray) -> list[Scaled]:
    """Return k_i, k_f, k_g, k_o, p, f."""
    i, f, o, g = _sigmoid(a_i), _sigmoid(a_f), _sigmoid(a_o), _signed(np.tanh(a_g))
    cell = _cell(a_i, a_f, a_g, c_prev)
    c = cell.v * np.exp(cell.log)
    tanh_c = Scaled(cell.v, np.where(np.abs(c) < LINEAR, cell.log, _signed(np.tanh(c)).log))
    return [
        _times(g, _sigmoid_slope(a_i)),
        _times(_signed(c_prev), _sigmoid_slope(a_f)),
        _times(i, _tanh_slope(a_g)),
        _times(tanh_c, _sigmoid_slope(a_o)),
        _times(o, _tanh_slope(c)),
        f,
    ]


def _gru(
    x_r: np.ndarray, x_z: np.ndarray, x_n: np.ndarray, h_r: np.ndarray, h_z: np.ndarray, h_n: np.ndarray,
    b_r: np.ndarray, b_z: np.ndarray, b_n: np.ndarray, b_hn: np.ndarray, h_prev: np.ndarray,
) -> list[Scaled]:  # fmt: skip
    """Return k_r, k_z, k_n, k_q, z."""
    a_r, a_z, q = x_r + h_r + b_r, x_z + h_z + b_z, h_n + b_hn
    r = _sigmoid(a_r)
    a_n = x_n + b_n + np.exp(r.log) * q
    k_n = _times(_sigmoid(-a_z), _tanh_slope(a_n))
    return [
        _times(k_n, _signed(q), _sigmoid_slope(a_r)),
        _times(_less_tanh(h_prev, a_n), _sigmoid_slope(a_z)),
        k_n,
        _times(k_n, r),
        _sigmoid(a_z),
    ]


def _signed(v: np.ndarray) -> Scaled:
    with np.errstate(divide="ignore"):
        return Scaled(np.sign(v), np.log(np.abs(v)))


def _times(*factors: Scaled) -> Scaled:
    return Scaled(np.prod([k.v for k in factors], axis=0), np.sum([k.log for k in factors], axis=0))


def _sigmoid(a: np.ndarray) -> Scaled:
    return Scaled(np.where(np.isnan(a), a, 1.0), -np.logaddexp(0, -a))


def _sigmoid_slope(a: np.ndarray) -> Scaled:
    size = np.abs(a)
    return Scaled(np.where(np.isnan(a), a, 1.0), -size - 2 * np.log1p(np.exp(-size)))


def _tanh_slope(a: np.ndarray) -> Scaled:
    k = _sigmoid_slope(2 * a)
    return Scaled(k.v, np.log(4) + k.log)


def _less_tanh(h: np.ndarray, a: np.ndarray) -> Scaled:
    """Return h - tanh(a): near |tanh a| = 1, h - sign(a) with what tanh lacks to 1."""
    n, sign = np.tanh(a), np.sign(a)
    near = graded(plus(_signed(h - sign), _times(_signed(sign), _rest_of_tanh(a))))
    return where(np.abs(n) > NEAR_ONE, near, _signed(h - n))


def _cell(a_i: np.ndarray, a_f: np.ndarray, a_g: np.ndarray, c_prev: np.ndarray) -> Scaled:
    """Return c = f c_{t-1} + i g: near |i g| = 1, c_{t-1} + sign(g) less what f, i and |g| lack to 1, which adds up.

    Else a cell that is emptied, by c_{t-1} = 1 and a g of -1, say, would be left to rounding.
    """
    sign, i_g = np.sign(a_g), _times(_sigmoid(a_i), _signed(np.tanh(a_g)))
    no_f = _times(_signed(-c_prev), _sigmoid(-a_f))
    no_i = _times(_signed(-sign), _sigmoid(-a_i))
    no_g = _times(_signed(-sign), _sigmoid(a_i), _rest_of_tanh(a_g))
    near = graded(reduce(plus, (_signed(c_prev + sign), no_f, no_i, no_g)))
    return where(i_g.log > np.log(NEAR_ONE), near, graded(plus(_times(_signed(c_prev), _sigmoid(a_f)), i_g)))


def _rest_of_tanh(a: np.ndarray) -> Scaled:
    """Return 1 - tanh |a|."""
    return Scaled(np.where(np.isnan(a), a, 1.0), np.log(2) - np.logaddexp(0, 2 * np.abs(a)))
