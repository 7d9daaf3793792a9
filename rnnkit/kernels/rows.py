"""Rows of different lengths, one from the other: either may be padded, and the columns that both have are meant.

Written as loops, which compile to a few vector instructions a row; NumPy's assignment of slices costs some 50 ns.
"""

from rnnkit._jit import jit


@jit
def copy_columns(out, a):
    """Copy the rows that out has from a."""
    for r in range(out.shape[0]):
        for j in range(min(out.shape[1], a.shape[1])):
            out[r, j] = a[r, j]


@jit
def copy_columns_from(out, a, first):
    """Copy the rows and columns that out has from a, where they begin at column `first`."""
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[r, j] = a[r, first + j]


@jit
def add_columns(out, a):
    """Add the rows of out."""
    for r in range(out.shape[0]):
        for j in range(min(out.shape[1], a.shape[1])):
            out[r, j] += a[r, j]


@jit
def copy_symbol_rows(out, W_xh, symbols):
    """out[r] = W_xh[symbols[r]]: the product with one-hot rows."""
    for r in range(out.shape[0]):
        for j in range(W_xh.shape[1]):
            out[r, j] = W_xh[symbols[r], j]


@jit
def add_to_symbol_rows(dW_xh, symbols, delta):
    """dW_xh[symbols[t, r]] += row of delta, for every t and r in order."""
    for t in range(symbols.shape[0]):
        for r in range(symbols.shape[1]):
            for j in range(dW_xh.shape[1]):
                dW_xh[symbols[t, r], j] += delta[t * symbols.shape[1] + r, j]
