"""Matrix products for recurrent nets: one factor is packed once, then used at every step.

A BLAS call packs W again at every step, which costs as much as its product with a small batch. Float32 GFLOP/s of one
core (AVX-512) for 10 or 64 rows times an H x H matrix, `np.dot` in compiled code and `product`, in turns, best of 15:

| H   | dot, 10 | here, 10 | dot, 64 | here, 64 |
|-----|---------|----------|---------|----------|
| 16  | 29      | 35       | 65      | 55       |
| 64  | 100     | 116      | 129     | 125      |
| 128 | 74      | 120      | 74      | 123      |
| 512 | 26      | 119      | 73      | 112      |

Packed, a matrix W (K, N) is P (vectors, K, lanes) with P[v, k, l] = W[k, v lanes + l], zero beyond N.
"""

import numpy as np

from rnnkit._compile.jit import jit, jit_inlined
from rnnkit._compile.simd.rows import move_rows
from rnnkit._compile.simd.tile import MAX_ROWS, MAX_VECTORS, SUMS, tile_product
from rnnkit._compile.simd.transpose import transpose_blocks
from rnnkit._compile.simd.vectors import VECTOR_BYTES, WIDE

LINE = 64  # bytes


@jit
def _ceil(n, d):
    return (n + d - 1) // d


@jit
def padded(n, itemsize):
    """Return n rounded up to whole vectors: the least row length of results that `product` can write."""
    lanes = VECTOR_BYTES // itemsize
    return _ceil(n, lanes) * lanes


@jit
def spread_rows(n, itemsize):
    """Return a row length of at least n elements and an odd number of cache lines.

    Rows a power of two apart fall into few sets of the L1 cache: at H = 512 the sums over 120 of them ran at 49
    GFLOP/s, at 62 with the rows of D spread (best of 60 runs, in turns).
    """
    lines = _ceil(padded(n, itemsize) * itemsize, LINE)
    return (lines | 1) * LINE // itemsize


@jit
def aligned(rows, columns, dtype):
    """Return an array (rows, columns) that begins at a cache line: vectors that lie across two load at half the rate.

    What it holds is not set; nor are the columns that pad the results of a product, which nobody reads.
    """
    size = rows * columns
    room = np.empty(size + LINE, dtype)  # more than a line: how long an element is, compiled code asks of an array
    start = (-room.ctypes.data) % LINE // room.itemsize
    return room[start : start + size].reshape(rows, columns)


@jit
def empty_pack(K, N, dtype):
    """Return room for a packed matrix (K, N)."""
    lanes = VECTOR_BYTES // np.empty(1, dtype).itemsize
    vectors = _ceil(N, lanes)
    return aligned(vectors * K, lanes, dtype).reshape(vectors, K, lanes)


@jit
def pack_rows(W, column, N, P, first):
    """Pack N columns of W (n, .), from `column` on, into rows first .. first + n - 1 of P.

    By `move_rows`: as plain loops W (512, 512) took 165 us for 35.
    """
    (_, K, lanes), n = P.shape, W.shape[0]
    for v in range(P.shape[0]):
        used, to = min(lanes, N - v * lanes), (v * K + first) * lanes
        move_rows(P, to, lanes, W, column + v * lanes, W.shape[1], n, used, 0)
        if used < lanes:
            for k in range(first, first + n):
                for lane in range(used, lanes):
                    P[v, k, lane] = 0


@jit
def pack_columns(W, column, P, first):
    """Pack K columns of W (n, .), from `column` on, as rows: into columns first .. first + n - 1 of P (., K, lanes).

    Columns of P after them become zero.
    """
    n, (_, K, lanes) = W.shape[0], P.shape
    for v in range(first // lanes, P.shape[0]):
        row = v * lanes - first
        if row >= 0 and row + lanes <= n:
            blocks = K // lanes
            transpose_blocks(P, v * K * lanes, W, row * W.shape[1] + column, W.shape[1], blocks)
            for k in range(blocks * lanes, K):
                for lane in range(lanes):
                    P[v, k, lane] = W[row + lane, column + k]
        else:
            for lane in range(max(0, -row), lanes):
                for k in range(K):
                    P[v, k, lane] = W[row + lane, column + k] if row + lane < n else 0


@jit
def tile_for(rows, vectors):
    """Return (rows, vectors) of the tiles that cover a product of that size: equal ones, as nearly as they come.

    Asked once for many products: the divisions took 50 ns, as long as a product of 10 rows at H = 16.
    """
    widest = MAX_VECTORS if rows * MAX_VECTORS <= SUMS else 4 if WIDE or rows * 4 <= SUMS else 2
    width = _ceil(vectors, _ceil(vectors, widest))
    tallest = min(MAX_ROWS, SUMS // width)
    return _ceil(rows, _ceil(rows, tallest)), width


@jit
def product(C, c, A, a, rows, P, tile, keep):
    """C = A W, or C += A W to keep what C holds, for some rows.

    P: W packed, (vectors, K, lanes). A, C: C-contiguous matrices; a, c: the element where the K columns of the first
    row of A begin, and the padded N columns of the first row of C. tile: from `tile_for(rows, vectors of P)`.
    """
    vectors, K, lanes = P.shape
    cover(C, c, C.shape[1], lanes, A, a, A.shape[1], 1, P, 0, K * lanes, lanes, rows, vectors, K, tile, keep)


@jit
def add_outer_products(C, c, K, vectors, A, a, D, d, n, tile):
    """C += A^T D over n rows; C (K, vectors of columns), C-contiguous, begins at element c of an array.

    A, D: C-contiguous matrices; a, d: the element where the K columns of the first row of A begin, and the padded N
    columns of the first row of D. tile: from `tile_for(K, vectors)`.
    """
    lanes = VECTOR_BYTES // C.itemsize
    cover(C, c, vectors * lanes, lanes, A, a, 1, A.shape[1], D, d, lanes, D.shape[1], K, vectors, n, tile, 1)


@jit_inlined
def cover(C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep):
    """Cover C by tiles: a strip of columns at a time, whose part of P stays in the nearest cache for all rows.

    By `while`: a range with a step begins with a division, at every step of a net.
    """
    (height, width), v = tile, 0
    while v < vectors:
        w, strip, row = min(width, vectors - v), p + v * p_vector, 0
        while row < rows:
            to, n = c + row * c_row + v * c_vector, min(height, rows - row)
            tile_product(C, to, c_row, A, a + row * a_row, a_row, a_k, P, strip, p_vector, p_k, K, n, w, keep)
            row += height
        v += width
