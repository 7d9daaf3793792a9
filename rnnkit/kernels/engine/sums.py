"""The gradients of a layer's weights: summed by each shard of the batch, a chunk of steps at a time, added up after it.

    dL/dW = sum_t u_t^T delta_t,    product by product

The sums of a product stand in strips as wide as the tiles that make them, (strips, its rows of W, columns of a strip),
and of a large product a strip of delta is copied together before its tiles are made. In rows of all 2048 columns of an
LSTM of 512 units what a tile reads and writes lay 8 KB apart, each row on a page of its own. Float32 GFLOP/s of a core
(AVX-512) over 128 rows, in turns: 85 in such rows, 94 with delta copied, 115 in strips too; of a W (519, 512) 113, 130
and 136. Of a W of 107 rows copying costs more than it gains.
"""

import numpy as np
from numba import types

from rnnkit._compile.jit import jit, jit_inlined
from rnnkit._compile.simd.outlined import outlined
from rnnkit._compile.simd.rows import move_rows
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import BIAS, GROUPS, UNITS
from rnnkit.kernels.engine.geometry import (
    COLUMN,
    ONE,
    PART,
    PARTS,
    ROWS,
    VECTORS,
    U,
    geometry,
    of_entry,
    of_product,
    width_of_x,
)
from rnnkit.kernels.engine.team import share_outer_products
from rnnkit.kernels.engine.weights import FLOATS, INT, units_of, weights_of
from rnnkit.kernels.engine.words import words
from rnnkit.kernels.partition import count_shards
from rnnkit.kernels.products import aligned, cover, spread_rows, tile_for

SUMS = [(types.Tuple([f[:, ::1], f[:, :, ::1], f[:, ::1]]), INT, f[:, ::1], f[::1], f[::1], f[::1]) for f in FLOATS]
LEAST_GATHERED = 192  # rows of W from which on a strip of delta is copied together: it is used for each of their tiles


@jit
def zero_sums(x, W_xh, cell):
    """Return what the shards add to: the sums of all products, those of symbols (shards, I, G), and of units."""
    n, (I, G), d, n_x = count_shards(x.shape[1]), W_xh.shape, words(cell), width_of_x(x)  # noqa: E741
    H = units_of(d, W_xh)
    of_products = aligned(n, geometry(cell, H, n_x, W_xh.itemsize)[PARTS], W_xh.dtype)
    of_products.fill(0)
    of_symbols = np.zeros((n, I if x.ndim == 2 else 0, G), W_xh.dtype)
    return of_products, of_symbols, np.zeros((n, d[UNITS] * H), W_xh.dtype)


@jit_inlined
def add_to_sums(sums, shard, u, delta, row, n, n_rows, n_steps, tiles, d, g, team):
    """Add what a shard contributes in n_steps steps: n rows from `row` on of each step's n_rows in u and delta."""
    for k in range(d[GROUPS]):
        _, p = of_product(d, g, k)
        to, K, vectors = shard * sums.shape[1] + g[p + PART], g[p + ROWS], g[p + VECTORS]
        tile, of_u, of_delta = (tiles[k, 4], tiles[k, 5]), g[p + U], g[p + COLUMN]
        if n < n_rows:
            add_gathered(sums, to, K, vectors, u, of_u, delta, of_delta, row, n, n_rows, n_steps, tile)
        elif K >= LEAST_GATHERED and team.size == 0:
            add_strips(sums, to, K, vectors, u, of_u, delta, of_delta, 0, n * n_steps, n * n_steps, 1, tile)
        else:
            share_outer_products(team, sums, to, K, vectors, u, of_u, delta, of_delta, n * n_steps, tile)


@jit
def gather(out, a, column, columns, row, n, n_rows, n_steps):
    """Copy columns of n rows from `row` on of each step's n_rows, one step after the other."""
    for step in range(n_steps):
        at = (step * n_rows + row) * a.shape[1] + column
        move_rows(out, step * n * out.shape[1], out.shape[1], a, at, a.shape[1], n, columns, 0)


@jit
def add_gathered(sums, to, K, vectors, u, of_u, delta, of_delta, row, n, n_rows, n_steps, tile):
    """Add u^T delta over rows that do not follow one another."""
    of_shard = aligned(n * n_steps, spread_rows(K, sums.itemsize), sums.dtype)
    gather(of_shard, u, of_u, K, row, n, n_rows, n_steps)
    add_strips(sums, to, K, vectors, of_shard, 0, delta, of_delta, row, n, n_rows, n_steps, tile)


@jit
def add_strips(sums, to, K, vectors, u, of_u, delta, of_delta, row, n, n_rows, n_steps, tile):
    """Add u^T delta, each strip of delta copied together before its tiles; all rows of u, in order, are summed over."""
    (height, width), lanes, v = tile, VECTOR_BYTES // sums.itemsize, 0
    strip = aligned(n * n_steps, width * lanes, sums.dtype)
    while v < vectors:
        w, at, columns = min(width, vectors - v), to + v * K * lanes, width * lanes
        gather(strip, delta, of_delta + v * lanes, w * lanes, row, n, n_rows, n_steps)
        cover(sums, at, columns, 0, u, of_u, 1, u.shape[1], strip, 0, lanes, columns, K, w, n * n_steps, (height, w), 1)
        v += width


@outlined("rnnkit_sum_parts", SUMS)
def add_parts(parts, cell, dW_xh, dW_h, db_h, dunits):
    """Write the gradients of the weights: the shards' parts added in order."""
    (of_products, of_symbols, of_units), d, (I, G) = parts, words(cell), dW_xh.shape  # noqa: E741
    H, n_x = units_of(d, dW_xh), I - of_symbols.shape[1]
    g = geometry(cell, H, n_x, dW_xh.itemsize)
    for s in range(of_products.shape[0]):
        keep = 1 if s > 0 else 0
        for k in range(d[GROUPS]):
            sum_product(of_products, s, d, g, k, dW_xh, dW_h, db_h, n_x, H, keep)
        move_rows(dW_xh, 0, G, of_symbols, s * (I - n_x) * G, G, I - n_x, G, keep)
        move_rows(dunits, 0, 0, of_units, s * dunits.size, 0, 1, dunits.size, keep)


@jit
def sum_parts(parts, cell, dW_xh, dW_h, db_h, dunits):
    """Do `add_parts`, compiled, from Python too."""
    add_parts(parts, cell, dW_xh, dW_h, db_h, dunits)


@jit
def sum_product(of_products, s, d, g, k, dW_xh, dW_h, db_h, n_x, H, keep):
    """Add what shard s has summed of product k to what is there, or write it."""
    w, p = of_product(d, g, k)
    at, K = s * of_products.shape[1] + g[p + PART], g[p + ROWS]
    width = tile_for(K, g[p + VECTORS])[1] * (VECTOR_BYTES // of_products.itemsize)
    for e in range(d[w + 4], d[w + 4] + d[w + 5]):
        entry, column = of_entry(d, g, e)
        dW = weights_of(d, entry, dW_xh, dW_h, n_x, H)
        for i in range(d[w + 1]):
            of_block, row = d[d[entry + 3] + i] * H, column - g[p + U]
            move_from_strips(dW, of_block, dW.shape[1], of_products, at, K, width, row, i * H, dW.shape[0], H, keep)
    for i in range(d[w + 1]):
        block = d[BIAS] + 2 * (d[w] + i)
        if d[block] == k:
            row = g[p + ONE] - g[p + U]
            move_from_strips(db_h, d[block + 1] * H, 0, of_products, at, K, width, row, i * H, 1, H, keep)


@jit
def move_from_strips(out, o, out_row, sums, at, K, width, row, column, rows, columns, keep):
    """Copy columns of some rows of a matrix in strips, K rows of `width` columns each, or add them to what is there."""
    done = 0
    while done < columns:
        strip, first = divmod(column + done, width)
        n = min(width - first, columns - done)
        move_rows(out, o + done, out_row, sums, at + (strip * K + row) * width + first, width, rows, n, keep)
        done += n
