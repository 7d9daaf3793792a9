"""Matrix products for recurrent nets: one factor is packed once, then used at every step.

A BLAS call packs W again at every step, which costs as much as its product with a small batch. Float32 GFLOP/s of one
core (AVX2, peak about 100) for a batch of 10 or 64 rows times an H x H matrix, `np.dot` in compiled code and
`add_product`, best of 15 runs:

| H   | dot, 10 | here, 10 | dot, 64 | here, 64 |
|-----|---------|----------|---------|----------|
| 16  | 12      | 59       | 35      | 71       |
| 64  | 21      | 91       | 52      | 75       |
| 128 | 22      | 76       | 66      | 97       |
| 512 | 23      | 92       | 67      | 95       |

Packed, a matrix W (K, N) is P (vectors, K, lanes) with P[v, k, l] = W[k, v lanes + l], zero beyond N.
"""

import numpy as np

from rnnkit._jit import jit
from rnnkit._tile import MAX_ROWS, VECTOR_BYTES, add_tile


@jit
def padded(n, itemsize):
    """Return n rounded up to whole vectors: the row length of results that `add_product` can write."""
    lanes = VECTOR_BYTES // itemsize
    return (n + lanes - 1) // lanes * lanes


@jit
def spread_rows(n, itemsize):
    """Return a row length of at least n elements and an odd number of 64-byte lines.

    Rows a power of two apart fall into few sets of the L1 cache: at H = 512 the sums over 120 of them ran at 49
    GFLOP/s, at 62 with the rows of D spread (best of 60 runs, in turns).
    """
    lines = (n * itemsize + 63) // 64
    return (lines | 1) * 64 // itemsize


@jit
def pack(W):
    """Return W (K, N) packed."""
    (K, N), lanes = W.shape, VECTOR_BYTES // W.itemsize
    P = np.zeros((padded(N, W.itemsize) // lanes, K, lanes), W.dtype)
    for v in range(P.shape[0]):
        used = min(lanes, N - v * lanes)
        for k in range(K):
            for lane in range(used):
                P[v, k, lane] = W[k, v * lanes + lane]
    return P


@jit
def pack_transposed(W):
    """Return W^T packed, for W (N, K)."""
    (N, K), lanes = W.shape, VECTOR_BYTES // W.itemsize
    P = np.zeros((padded(N, W.itemsize) // lanes, K, lanes), W.dtype)
    for v in range(P.shape[0]):
        used = min(lanes, N - v * lanes)
        for k in range(K):
            for lane in range(used):
                P[v, k, lane] = W[v * lanes + lane, k]
    return P


@jit
def add_product(C, A, P):
    """C += A[0] W. A: (1, rows, K), one step, last axis contiguous. P: W packed. C: (rows, padded N), C-contiguous."""
    (_, rows, K), lanes = A.shape, P.shape[2]
    a_row = A.strides[1] // A.itemsize
    _add_tiles(C, A, a_row, 0, 1, P, K * lanes, 0, lanes, rows, P.shape[0], 1, K)


@jit
def add_outer_products(C, A, D):
    """C += sum over t of A[t]^T D[t].

    A: (T, rows, K), last axis contiguous. D: (T, rows, >= padded N), C-contiguous. C: (K, padded N), C-contiguous.
    """
    (T, rows, K), d_row, lanes = A.shape, D.shape[2], VECTOR_BYTES // D.itemsize
    a_t, a_row, d_t = A.strides[0] // A.itemsize, A.strides[1] // A.itemsize, D.shape[1] * d_row
    if rows == 1:  # one long inner loop over t instead of T of one row
        T, rows, a_row, d_row = 1, T, a_t, d_t
    _add_tiles(C, A, 1, a_t, a_row, D, lanes, d_t, d_row, K, C.shape[1] // lanes, T, rows)


@jit
def _add_tiles(C, A, a_row, a_t, a_k, P, p_vector, p_t, p_k, rows, vectors, T, K):
    """Cover C by tiles: a strip of columns at a time, whose part of P stays in the nearest cache for all rows."""
    lanes, c_row = VECTOR_BYTES // C.itemsize, C.shape[1]
    n_tiles = (rows + MAX_ROWS - 1) // MAX_ROWS
    v = 0
    while v < vectors:
        width = _widest(rows, vectors - v)
        row = 0
        for left in range(n_tiles, 0, -1):
            n = (rows - row + left - 1) // left  # tiles of nearly equal height
            c = row * c_row + v * lanes
            add_tile(C, c, c_row, A, row * a_row, a_row, a_t, a_k, P, v * p_vector, p_vector, p_t, p_k, T, K, n, width)
            row += n
        v += width


@jit
def _widest(rows, vectors):
    """Return the vectors of the widest tile of WIDTHS that fits, for tiles of these rows or, above 6, of 3 to 6."""
    width = 8 if rows == 1 else 4 if rows <= 3 else 2
    while width > vectors:
        width //= 2
    return width
