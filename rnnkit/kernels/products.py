"""Matrix products for recurrent nets: one factor is packed once, then used at every step.

A BLAS call packs W again at every step, which costs as much as its product with a small batch.

Packed, a matrix W (K, N) is P (vectors, K, lanes) with P[v, k, l] = W[k, v lanes + l], zero beyond N.
"""

import numpy as np

from rnnkit._jit import jit
from rnnkit._tile import MAX_ROWS, MAX_VECTORS, SUMS, VECTOR_BYTES, tile_product

LINE = 64  # bytes


@jit
def padded(n, itemsize):
    """Return n rounded up to whole vectors: the least row length of results that `product` can write."""
    lanes = VECTOR_BYTES // itemsize
    return (n + lanes - 1) // lanes * lanes


@jit
def spread_rows(n, itemsize):
    """Return a row length of at least n elements and an odd number of cache lines.

    Rows a power of two apart fall into few sets of the L1 cache: at H = 512 the sums over 120 of them ran at 49
    GFLOP/s, at 62 with the rows of D spread (best of 60 runs, in turns).
    """
    lines = (padded(n, itemsize) * itemsize + LINE - 1) // LINE
    return (lines | 1) * LINE // itemsize


@jit
def aligned(rows, columns, dtype):
    """Return an array (rows, columns) that begins at a cache line: a vector that lies across two loads at half the rate.

    What it holds is not set; nor are the columns that pad the results of a product, which nobody reads.
    """
    size, line = rows * columns, LINE // np.empty(1, dtype).itemsize
    room = np.empty(size + line, dtype)
    start = (-room.ctypes.data) % LINE // room.itemsize
    return room[start : start + size].reshape(rows, columns)


@jit
def empty_pack(K, N, dtype):
    """Return room for a packed matrix (K, N)."""
    lanes = VECTOR_BYTES // np.empty(1, dtype).itemsize
    vectors = _ceil(N, lanes)
    return aligned(vectors * K, lanes, dtype).reshape(vectors, K, lanes)


@jit
def pack_rows(W, P, first):
    """Pack W (n, N) into rows first .. first + n - 1 of P."""
    lanes = P.shape[2]
    for v in range(P.shape[0]):
        used = min(lanes, W.shape[1] - v * lanes)
        for k in range(W.shape[0]):
            for lane in range(lanes):
                P[v, first + k, lane] = W[k, v * lanes + lane] if lane < used else 0


@jit
def pack_columns(W, P, first):
    """Pack W^T, for W (n, K), into columns first .. first + n - 1 of P, and zero into those after them."""
    lanes = P.shape[2]
    for column in range(first, P.shape[0] * lanes):
        v, lane, n = column // lanes, column % lanes, column - first
        for k in range(P.shape[1]):
            P[v, k, lane] = W[n, k] if n < W.shape[0] else 0


@jit
def product(C, A, P, keep):
    """C = A W, or C += A W to keep what C holds. A: (rows, >= K). P: W packed. C: (rows, >= padded N), C-contiguous."""
    K, lanes = P.shape[1], P.shape[2]
    _cover(C, A, A.strides[0] // A.itemsize, 1, P, K * lanes, lanes, A.shape[0], P.shape[0], K, keep)


@jit
def add_outer_products(C, A, D):
    """C += A^T D. A: (n, >= K), D: (n, >= padded N), last axes contiguous. C: (K, padded N), C-contiguous."""
    n, lanes = A.shape[0], VECTOR_BYTES // C.itemsize
    a_k, p_k = A.strides[0] // A.itemsize, D.strides[0] // D.itemsize
    _cover(C, A, 1, a_k, D, lanes, p_k, C.shape[0], C.shape[1] // lanes, n, 1)


@jit
def _cover(C, A, a_row, a_k, P, p_vector, p_k, rows, vectors, K, keep):
    """Cover C by tiles: a strip of columns at a time, whose part of P stays in the nearest cache for all rows."""
    lanes, c_row = VECTOR_BYTES // C.itemsize, C.shape[1]
    v = 0
    for strips in range(_strips(rows, vectors), 0, -1):
        width = (vectors - v) // strips  # widths and heights differ by one at most
        row = 0
        for left in range(_ceil(rows, min(MAX_ROWS, SUMS // width)), 0, -1):
            n = (rows - row) // left
            c = row * c_row + v * lanes
            tile_product(C, c, c_row, A, row * a_row, a_row, a_k, P, v * p_vector, p_vector, p_k, K, n, width, keep)
            row += n
        v += width


@jit
def _strips(rows, vectors):
    """Return how many strips to cut: of up to 8 vectors for few rows, up to 4 for more; of 2 or 3 with few registers."""
    if rows * MAX_VECTORS <= SUMS:
        return _ceil(vectors, MAX_VECTORS)
    if rows * 4 <= SUMS or SUMS >= 24:
        return _ceil(vectors, 4)
    return max(1, vectors // 2)


@jit
def _ceil(n, d):
    return (n + d - 1) // d
