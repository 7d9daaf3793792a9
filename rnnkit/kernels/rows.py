"""Columns of some rows of one array into those of another; the last axis of each is a row.

No views: to count the references to one took as long as to copy a row.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.rows import move_rows


@jit
def copy_columns(out, o, a, first, rows, n):
    """Copy n columns of some rows; o, first: the element of out and of a where they begin."""
    move_rows(out, o, out.shape[-1], a, first, a.shape[-1], rows, n, 0)


@jit
def add_columns(out, o, a, first, rows, n):
    """Add n columns of some rows; o, first: the element of out and of a where they begin."""
    move_rows(out, o, out.shape[-1], a, first, a.shape[-1], rows, n, 1)


@jit
def move_symbol_rows(out, o, W_xh, x, t, first, rows, keep):
    """Copy to each row, or add to keep what it holds, the row of W_xh (I, G) of its symbol, x[t, first + r].

    That is the product with one-hot rows. o: the column where they begin in out. Nothing where x is numbers. A number
    that is no symbol, of a caller that does not check or has written into x since, makes nan of its row.
    """
    if x.ndim == 2:  # known when compiled: the branch that is not taken is not in the code
        (I, G), row = W_xh.shape, out.shape[1]  # noqa: E741
        for r in range(rows):
            symbol = x[t, first + r]
            if 0 <= symbol < I:
                move_rows(out, o + r * row, row, W_xh, symbol * G, G, 1, G, keep)
            else:
                for j in range(o, o + G):
                    out[r, j] = np.nan


@jit
def add_to_symbol_rows(dW_xh, shard, x, t, first, rows, delta, d):
    """Add each row of delta, the first from element d on, to the row of dW_xh[shard] of its symbol, in order.

    A number that is no symbol makes nan of the row of symbol 0: where it is seen, and nothing else is overwritten.
    """
    if x.ndim == 2:
        (_, I, G), row = dW_xh.shape, delta.shape[1]  # noqa: E741
        for r in range(rows):
            symbol = x[t, first + r]
            if 0 <= symbol < I:
                add_columns(dW_xh, (shard * I + symbol) * G, delta, d + r * row, 1, G)
            else:
                for j in range(G):
                    dW_xh[shard, 0, j] = np.nan
