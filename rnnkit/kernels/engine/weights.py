"""The weights of a layer, packed before a sequence; `sums.py` has their gradients.

W_xh (I, blocks of x times H), the recurrent weights, of each state that enters blocks W_<state>h (H, its blocks times
H), one after the other in one flat array, b_h and the numbers of units, flat too. Each product has one matrix of what
enters it, and a row for its biases. For symbols, which pick rows of W_xh, x enters no product.
"""

import numpy as np
from numba import types

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.outlined import outlined
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import BIAS, GROUPS, OF_X
from rnnkit.kernels.engine.geometry import (
    BACK_PACK,
    BACK_VECTORS,
    COLUMNS,
    ONE,
    PACK,
    PACKED,
    PACKED_BACK,
    ROWS,
    VECTORS,
    U,
    geometry,
    of_entry,
    of_product,
    width_of_x,
)
from rnnkit.kernels.engine.types import WORDS
from rnnkit.kernels.engine.words import words
from rnnkit.kernels.products import aligned, pack_columns, pack_rows
from rnnkit.kernels.rows import copy_columns

FLOATS, INT = (types.float32, types.float64), types.intp


@jit
def units_of(d, W_xh):
    """Return H."""
    return W_xh.shape[1] // d[OF_X]


@jit
def weights_of(d, entry, W_xh, W_h, n_x, H):
    """Return the matrix of an entry: rows of W_xh or of the recurrent weights, all its columns."""
    state, offset, columns = d[entry], d[entry + 1], d[entry + 2]
    if state < 0:
        return W_xh[:n_x]
    return W_h[offset * H * H : (offset + columns) * H * H].reshape(H, columns * H)


@jit
def of_blocks(d, entry, count, W, H):
    """Return (W, column): a matrix that has the columns for these blocks side by side from `column` on."""
    at = d[entry + 3]
    for i in range(1, count):
        if d[at + i] != d[at] + i:
            ordered = np.empty((W.shape[0], count * H), W.dtype)
            for j in range(count):
                copy_columns(ordered, j * H, W, d[at + j] * H, W.shape[0], H)
            return ordered, 0
    return W, d[at] * H


@jit
def biases_of(d, k, first, count, b_h, H):
    """Return (1, count H): the biases that product k adds."""
    row = np.zeros((1, count * H), b_h.dtype)
    for i in range(count):
        at = d[BIAS] + 2 * (first + i)
        if d[at] == k:
            copy_columns(row, i * H, b_h, d[at + 1] * H, 1, H)
    return row


@jit
def pack_of(packed, start, vectors, K, bytes_):
    """Return a packed matrix (vectors, K, lanes), a view."""
    lanes = VECTOR_BYTES // bytes_
    return packed[0, start : start + vectors * K * lanes].reshape(vectors, K, lanes)


@jit
def pack_forward(x, W_xh, W_h, b_h, units, cell):
    """Return (W_xh, the matrices of all products packed in one row, units, geometry)."""
    n_x = width_of_x(x)
    g = geometry(cell, units_of(words(cell), W_xh), n_x, W_xh.itemsize)
    packed = aligned(1, g[PACKED], W_xh.dtype)
    fill_forward(W_xh, W_h, b_h, cell, n_x, g, packed)
    return W_xh, packed, units, g


@outlined("rnnkit_pack_forward", [(f[:, ::1], f[::1], f[::1], INT, INT, WORDS, f[:, ::1]) for f in FLOATS])
def fill_forward(W_xh, W_h, b_h, cell, n_x, g, packed):
    """Pack the matrices of all products."""
    d, bytes_ = words(cell), W_xh.itemsize
    H = units_of(d, W_xh)
    for k in range(d[GROUPS]):
        w, p = of_product(d, g, k)
        P = pack_of(packed, g[p + PACK], g[p + VECTORS], g[p + ROWS], bytes_)
        for e in range(d[w + 4], d[w + 4] + d[w + 5]):
            entry, column = of_entry(d, g, e)
            W, start = of_blocks(d, entry, d[w + 1], weights_of(d, entry, W_xh, W_h, n_x, H), H)
            pack_rows(W, start, g[p + COLUMNS], P, column - g[p + U])
        row = biases_of(d, k, d[w], d[w + 1], b_h, H)
        pack_rows(row, 0, g[p + COLUMNS], P, g[p + ONE] - g[p + U])


@jit
def pack_backward(x, W_xh, W_h, units, cell):
    """Return (the transposed matrices of all products packed in one row, units, geometry)."""
    n_x = width_of_x(x)
    g = geometry(cell, units_of(words(cell), W_xh), n_x, W_xh.itemsize)
    packed = aligned(1, g[PACKED_BACK], W_xh.dtype)
    fill_backward(W_xh, W_h, cell, n_x, g, packed)
    return packed, units, g


@outlined("rnnkit_pack_backward", [(f[:, ::1], f[::1], INT, INT, WORDS, f[:, ::1]) for f in FLOATS])
def fill_backward(W_xh, W_h, cell, n_x, g, packed):
    """Pack the transposed matrices of all products."""
    d, bytes_ = words(cell), W_xh.itemsize
    H = units_of(d, W_xh)
    for k in range(d[GROUPS]):
        w, p = of_product(d, g, k)
        P, first = pack_of(packed, g[p + BACK_PACK], g[p + BACK_VECTORS], g[p + COLUMNS], bytes_), 0
        for e in range(d[w + 4], d[w + 4] + d[w + 5]):
            entry, _ = of_entry(d, g, e)
            W, start = of_blocks(d, entry, d[w + 1], weights_of(d, entry, W_xh, W_h, n_x, H), H)
            pack_columns(W, start, P, first)
            first += W.shape[0]


@jit
def last_states(dh):
    """Return dh (n, B, H): the gradients at the last n states, n = 1 where it came as (B, H)."""
    if dh.ndim == 2:
        return dh.reshape(1, dh.shape[0], dh.shape[1])
    return dh


@jit
def empty_dx(x, dtype):
    """Return an array for dx: like x, or (T, B, 0) for symbols, which have no gradient."""
    return np.empty((x.shape[0], x.shape[1], width_of_x(x)), dtype)
