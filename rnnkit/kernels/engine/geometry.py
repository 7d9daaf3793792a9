"""Where everything of a layer lies, from a cell's words and the sizes of the layer: computed once for a call.

    head       U_LENGTH: numbers in a row of u; OUT_LENGTH: in a row of what a product back makes; PACKED, PACKED_BACK:
               numbers of all packed matrices; PARTS: of the sums of a shard
    products   PRODUCT words for each, named below
    entries    for each input of a product the column in u where it begins

A product makes columns COLUMN ... COLUMN + COLUMNS of the pre-activations of the ROWS numbers of u from column U on, of
which the one at ONE is 1. Where KEEP is 1 it adds to what they hold, columns from CLEAR to COLUMN + COLUMNS being zero
first. Results of products end in whole vectors, and overwrite what lies behind: nothing does yet, since products stand
in the order of their ends.
"""

import numpy as np
from numba import types

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.outlined import outlined
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import ENTRY, ENTRY_WORDS, GROUP, GROUP_WORDS, GROUPS
from rnnkit.kernels.engine.types import WORDS
from rnnkit.kernels.engine.words import words
from rnnkit.kernels.products import padded, spread_rows, tile_for

U_LENGTH, OUT_LENGTH, PACKED, PACKED_BACK, PARTS, HEAD = range(6)
U, ONE, ROWS, COLUMN, COLUMNS, VECTORS, KEEP, CLEAR, PACK, PART, INPUTS, BACK_VECTORS, BACK_PACK, HAS_X, PRODUCT = (
    range(15)
)


@jit
def width_of_x(x):
    """Return how many columns x takes in u: none for symbols."""
    return x.shape[2] if x.ndim == 3 else 0


@jit
def geometry(cell, H, n_x, bytes_):
    """Return the words above for a layer of H units and n_x columns of x in u."""
    d = words(cell)
    last = d[GROUP] + (d[GROUPS] - 1) * GROUP_WORDS
    g = np.zeros(HEAD + d[GROUPS] * PRODUCT + d[last + 4] + d[last + 5], np.int64)
    fill_geometry(cell, H, n_x, bytes_, g)
    return g


@outlined("rnnkit_geometry", [(types.intp, types.intp, types.intp, types.intp, WORDS)])
def fill_geometry(cell, H, n_x, bytes_, g):
    """Set g, of zeros, to these words."""
    d = words(cell)
    n, lanes = d[GROUPS], VECTOR_BYTES // bytes_
    column, made, out = 0, 0, 0
    for k in range(n):
        w, p = d[GROUP] + k * GROUP_WORDS, HEAD + k * PRODUCT
        first, count, inputs = d[w], d[w + 1], d[w + 2] * H + d[w + 3] * n_x
        begin = column if k == 0 else column + 1
        for i in range(d[w + 5]):
            g[HEAD + n * PRODUCT + d[w + 4] + i] = begin + i * H  # x comes last
        g[p + U], g[p + ONE], g[p + ROWS] = column, begin + inputs if k == 0 else column, inputs + 1
        g[p + COLUMN], g[p + COLUMNS], g[p + VECTORS] = first * H, count * H, padded(count * H, bytes_) // lanes
        g[p + KEEP], g[p + CLEAR] = 0 if k == 0 and first == 0 else 1, made * H
        g[p + PACK], g[p + PART], g[p + INPUTS] = g[PACKED], g[PARTS], inputs
        g[p + BACK_VECTORS], g[p + BACK_PACK], g[p + HAS_X] = padded(inputs, bytes_) // lanes, g[PACKED_BACK], d[w + 3]
        g[PACKED] += g[p + VECTORS] * lanes * (inputs + 1)
        width = tile_for(inputs + 1, g[p + VECTORS])[1]  # of a strip: see `sums.py`
        g[PARTS] += (g[p + VECTORS] + width - 1) // width * width * lanes * (inputs + 1)
        g[PACKED_BACK] += g[p + BACK_VECTORS] * lanes * count * H
        column, made, out = column + inputs + 1, max(made, first + count), max(out, padded(inputs, bytes_))
    g[U_LENGTH], g[OUT_LENGTH] = spread_rows(max(column, padded(H, bytes_)), bytes_), out


@jit
def of_product(d, g, k):
    """Return where the words of product k begin: in d and in g."""
    return d[GROUP] + k * GROUP_WORDS, HEAD + k * PRODUCT


@jit
def of_entry(d, g, e):
    """Return where the words of an entry begin in d, and the column of u where it begins."""
    return d[ENTRY] + e * ENTRY_WORDS, g[HEAD + d[GROUPS] * PRODUCT + e]
