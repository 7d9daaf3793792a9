"""Pascanu's regularizer: a gradient is to keep its norm from step to step. Its value and immediate gradient in W_hh.

With d_t = dL/dh_t, the total gradient of a sample, and v_t = d_t * phi'(a_t), one step back makes u_t = v_t W_hh^T:

    SQUARED   mean over (t, b) of (||u||^2 / ||d||^2 - 1)^2     trainingRNNs, the code published with the paper
    NORMS     mean over b of sum over t of (||u|| / ||d|| - 1)^2     the paper's eq. 9, a sum of ratios of norms

d_t and h_t are held constant, as in both. Steps with ||d_t||^2 < 1e-20 are left out (the code's bound). The two differ
by more than a factor: near a ratio of 1 the first is four times as steep, and its weight does not grow with T.
Pascanu, Mikolov, Bengio (2013), section 3.3.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.kernels._checks import check_activation, check_arrays, is_code
from rnnkit.kernels.activations import check_code
from rnnkit.kernels.engine.words import rows_back, words
from rnnkit.kernels.partition import CHUNK_ROWS
from rnnkit.kernels.products import add_outer_products, aligned, empty_pack, pack_columns, padded, product, tile_for
from rnnkit.kernels.rows import copy_columns

SQUARED, NORMS = 0, 1
OMEGA_FORMS = {"squared": SQUARED, "norms": NORMS}
BOUND = 1e-20


class Omega(NamedTuple):
    """value: the regularizer. dW_hh: (H, H), its immediate gradient. n_steps: (t, b) pairs that are not left out."""

    value: float
    dW_hh: np.ndarray
    n_steps: int


@jit
def _term(u_square, d_square, form):
    """Return a step's term and the factor of u^T v in its gradient."""
    if form == SQUARED:
        excess = u_square / d_square - 1
        return excess * excess, 4 * excess / d_square
    ratio = np.sqrt(u_square / d_square)
    excess = ratio - 1
    return excess * excess, 2 * excess / (ratio * d_square) if ratio > 0 else 0.0


@jit
def _scale_rows(u, v, d, first, rows, H, form):
    """Multiply each row of u by its factor; return (sum of the terms, how many); rows left out become zero."""
    total, n = 0.0, 0
    for r in range(rows):
        u_square, d_square, at = 0.0, 0.0, (first + r) * H
        for j in range(H):
            u_square += np.float64(u[r, j]) * np.float64(u[r, j])
            d_square += np.float64(d[at + j]) * np.float64(d[at + j])
        factor = 0.0
        if not d_square < BOUND:  # a nan is not left out: it reaches the value
            term, factor = _term(u_square, d_square, form)
            total += term
            n += 1
        for j in range(H):
            u[r, j] = u[r, j] * factor
    return total, n


@jit
def _omega(dh, h, W_hh, activation, form):
    (T, B, H), dtype = dh.shape, h.dtype
    width, P = padded(H, h.itemsize), empty_pack(H, H, dtype)
    pack_columns(W_hh, 0, P, 0)
    u, v, dW = aligned(CHUNK_ROWS, width, dtype), aligned(CHUNK_ROWS, width, dtype), np.zeros((H, width), dtype)
    v.fill(0)  # what pads its rows enters sums that nobody reads: those must not be slow
    total, n, flat, vectors = 0.0, 0, dh.reshape(-1), width // (VECTOR_BYTES // h.itemsize)
    for first in range(0, T * B, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, T * B - first)
        rows_back(words(activation), dh, first * H, H, h, (B + first) * H, H, v, 0, width, rows, H)
        product(u, 0, v, 0, rows, P, tile_for(rows, P.shape[0]), 0)
        terms, counted = _scale_rows(u, v, flat, first, rows, H, form)
        total, n = total + terms, n + counted
        add_outer_products(dW, 0, H, vectors, u, 0, v, 0, rows, tile_for(H, vectors))
    dW_hh, share = np.empty_like(W_hh), 1.0 / max(n, 1) if form == SQUARED else 1.0 / B
    copy_columns(dW_hh, 0, dW, 0, H, H)
    for j in range(H):
        for i in range(H):
            dW_hh[j, i] = dW_hh[j, i] * share
    return Omega(total * share, dW_hh, n)


@jit
def _omega_of_code(dh, h, W_hh, activation, form):
    check_code(activation)  # training has other cells too, which it has checked
    return _omega(dh, h, W_hh, activation, form)


@checked_border(_omega_of_code)
def omega(dh: np.ndarray, h: np.ndarray, W_hh: np.ndarray, activation: int, form: int = SQUARED) -> Omega:
    """Return (value, dW_hh, n_steps) of the regularizer.

    dh: (T, B, H), the total gradients dL/dh at h[1..T], as `RNN.backward(hidden=True)` gives them. h: (T+1, B, H), of
    which phi' is taken, as there.
    W_hh: (H, H). activation: TANH, RELU, SIGMOID or IDENTITY. form: SQUARED or NORMS.
    Raises ValueError naming a bad argument.
    """
    check_arrays(dh=dh, h=h, W_hh=W_hh)
    if dh.ndim != 3:  # elsewhere the gradient at the last step alone will do
        raise ValueError(f"dh must have shape (T, B, H), the gradients of all steps, got {dh.shape}")
    check_activation(activation)
    if not is_code(form, OMEGA_FORMS):
        raise ValueError(f"form must be one of {OMEGA_FORMS}, got {form!r}")
    return _omega(dh, h, W_hh, activation, form)
