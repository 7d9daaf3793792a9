"""Rows of different lengths, one from the other: either may be padded, and the columns that both have are meant."""

from rnnkit._jit import jit
from rnnkit._simd.rows import move_rows


@jit
def copy_columns(out, a):
    """Copy the rows that out has from a."""
    move_rows(out, 0, out.shape[1], a, 0, a.shape[1], out.shape[0], min(out.shape[1], a.shape[1]), 0)


@jit
def add_columns(out, a):
    """Add the rows of out."""
    move_rows(out, 0, out.shape[1], a, 0, a.shape[1], out.shape[0], min(out.shape[1], a.shape[1]), 1)


@jit
def copy_columns_from(out, a, first):
    """Copy all of out from a, where it begins at column `first`."""
    move_rows(out, 0, out.shape[1], a, first, a.shape[1], out.shape[0], out.shape[1], 0)


@jit
def copy_columns_to(out, first, a):
    """Copy all of a into out, where it begins at column `first`."""
    move_rows(out, first, out.shape[1], a, 0, a.shape[1], a.shape[0], a.shape[1], 0)


@jit
def copy_symbol_rows(out, W_xh, symbols):
    """out[r] = W_xh[symbols[r]]: the product with one-hot rows."""
    for r in range(out.shape[0]):
        move_rows(out[r], 0, 0, W_xh[symbols[r]], 0, 0, 1, W_xh.shape[1], 0)


@jit
def add_to_symbol_rows(dW_xh, symbols, delta):
    """dW_xh[symbols[t, r]] += row of delta, for every t and r in order."""
    for t in range(symbols.shape[0]):
        for r in range(symbols.shape[1]):
            row = delta[t * symbols.shape[1] + r]
            move_rows(dW_xh[symbols[t, r]], 0, 0, row, 0, 0, 1, dW_xh.shape[1], 1)
