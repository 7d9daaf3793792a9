"""Columns of some rows of one array into those of another; the last axis of each is a row.

No views: to count the references to one took as long as to copy a row.
"""

from rnnkit._jit import jit
from rnnkit._simd.rows import move_rows


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

    That is the product with one-hot rows. o: where the first begins in out. Nothing where x is numbers.
    """
    if x.ndim == 2:  # known when compiled: the branch that is not taken is not in the code
        G, row = W_xh.shape[1], out.shape[1]
        for r in range(rows):
            move_rows(out, o + r * row, row, W_xh, x[t, first + r] * G, G, 1, G, keep)


@jit
def add_to_symbol_rows(dW_xh, shard, x, t, first, rows, delta, d):
    """Add each row of delta, the first from element d on, to the row of dW_xh[shard] of its symbol, in order."""
    if x.ndim == 2:
        (_, I, G), row = dW_xh.shape, delta.shape[1]  # noqa: E741
        for r in range(rows):
            add_columns(dW_xh, (shard * I + x[t, first + r]) * G, delta, d + r * row, 1, G)
