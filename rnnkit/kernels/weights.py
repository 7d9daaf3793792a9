"""The weights of a net as one matrix: packed before a sequence, their gradients added up and taken apart after it.

W = [W_hh; W_xh; b_h], H+I+1 rows; for symbols [W_hh; b_h], since x picks rows of W_xh.
"""

import numpy as np

from rnnkit._jit import jit
from rnnkit.kernels.cut import count_shards
from rnnkit.kernels.products import aligned, empty_pack, pack_columns, pack_rows, padded
from rnnkit.kernels.rows import add_columns, copy_columns


@jit
def width_of_x(x):
    """Return how many columns x takes in u: none for symbols."""
    return x.shape[2] if x.ndim == 3 else 0


@jit
def pack_forward(x, W_xh, W_hh, b_h):
    """Return W_xh as it is (a row for each symbol), and W packed."""
    H, n_x = W_hh.shape[0], width_of_x(x)
    P = empty_pack(H + n_x + 1, H, W_hh.dtype)
    pack_rows(W_hh, P, 0)
    pack_rows(W_xh[:n_x], P, H)
    pack_rows(b_h.reshape(1, H), P, H + n_x)
    return W_xh, P


@jit
def pack_backward(x, W_xh, W_hh):
    """Return [W_hh; W_xh]^T packed."""
    H, n_x = W_hh.shape[0], width_of_x(x)
    P = empty_pack(H, H + n_x, W_hh.dtype)
    pack_columns(W_hh, P, 0)
    pack_columns(W_xh[:n_x], P, H)
    return P


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


@jit
def zero_sums(x, W_xh, W_hh):
    """Return carry (B, H), and what the shards add to: (shards, H+I+1, padded H), and for symbols (shards, I, H)."""
    n, (I, H), n_x = count_shards(x.shape[1]), W_xh.shape, width_of_x(x)  # noqa: E741
    of_W = aligned(n * (H + n_x + 1), padded(H, W_hh.itemsize), W_hh.dtype)
    of_symbols = np.zeros((n, I if x.ndim == 2 else 0, H), W_hh.dtype)
    of_W.fill(0)
    return np.zeros((x.shape[1], H), W_hh.dtype), (of_W.reshape(n, H + n_x + 1, of_W.shape[1]), of_symbols)


@jit
def sum_parts(carry, parts, dh_0, dW_xh, dW_hh, db_h):
    """Write the gradients: those of the weights are the shards' parts added in order."""
    of_W, of_symbols = parts
    H, n_x, I = dW_hh.shape[0], of_W.shape[1] - dW_hh.shape[0] - 1, dW_xh.shape[0]  # noqa: E741
    copy_columns(dh_0, carry)
    dW_xh.fill(0)
    dW_hh.fill(0)
    db_h.fill(0)
    for shard in range(of_W.shape[0]):
        add_columns(dW_hh, of_W[shard, :H])
        add_columns(dW_xh[:n_x], of_W[shard, H : H + n_x])
        add_columns(dW_xh[: I - n_x], of_symbols[shard])
        add_columns(db_h.reshape(1, H), of_W[shard, H + n_x :])
