"""The weights of a layer: packed before a sequence, their gradients added up and taken apart after it.

Elman and LSTM: one matrix W = [W_hh; W_xh; b_h], H+I+1 rows, that [h, x, 1] enters. For symbols [W_hh; b_h], since x
picks rows of W_xh. GRU: two, [W_hh; b_hn] that [h, 1] enters and [b; W_xh] that [1, x] enters; see `cells.py`.
"""

import numpy as np

from rnnkit._jit import jit
from rnnkit.kernels.cells import GRU
from rnnkit.kernels.cut import count_shards
from rnnkit.kernels.products import aligned, empty_pack, pack_columns, pack_rows, padded
from rnnkit.kernels.rows import add_columns, copy_columns


@jit
def width_of_x(x):
    """Return how many columns x takes in u: none for symbols."""
    return x.shape[2] if x.ndim == 3 else 0


@jit
def candidate_first(W_hh):
    """Return a GRU's W_hh with its gates in the order n, r, z."""
    H, ordered = W_hh.shape[0], np.empty_like(W_hh)
    copy_columns(ordered, 0, W_hh, 2 * H, H, H)
    copy_columns(ordered, H, W_hh, 0, H, 2 * H)
    return ordered


@jit
def pack_forward(x, W_xh, W_hh, b_h, cell):
    """Return W_xh as it is (a row for each symbol), W packed, and for a GRU what [1, x] enters."""
    (H, G), n_x, dtype = W_hh.shape, width_of_x(x), W_hh.dtype
    if cell == GRU:
        P, P_x, b_hn = empty_pack(H + 1, G, dtype), empty_pack(1 + n_x, G, dtype), np.zeros((1, G), dtype)
        copy_columns(b_hn, 0, b_h, G, 1, H)
        pack_rows(candidate_first(W_hh), P, 0)
        pack_rows(b_hn, P, H)
        pack_rows(b_h[:G].reshape(1, G), P_x, 0)
        pack_rows(W_xh[:n_x], P_x, 1)
    else:
        P, P_x = empty_pack(H + n_x + 1, G, dtype), empty_pack(0, G, dtype)
        pack_rows(W_hh, P, 0)
        pack_rows(W_xh[:n_x], P, H)
        pack_rows(b_h.reshape(1, G), P, H + n_x)
    return W_xh, P, P_x


@jit
def pack_backward(x, W_xh, W_hh, cell):
    """Return [W_hh; W_xh]^T packed; for a GRU W_hh^T, in the order n, r, z, and W_xh^T."""
    (H, G), n_x, dtype = W_hh.shape, width_of_x(x), W_hh.dtype
    gru = cell == GRU
    P, P_x = empty_pack(G, H if gru else H + n_x, dtype), empty_pack(G, n_x if gru else 0, dtype)
    pack_columns(candidate_first(W_hh) if gru else W_hh, P, 0)
    pack_columns(W_xh[:n_x], P_x if gru else P, 0 if gru else H)
    return P, P_x


@jit
def bias_size(W_hh):
    """Return the entries of b_h for W_hh (H, G): H, or 4 H of gated cells; a GRU's candidate has two."""
    H, G = W_hh.shape
    return H if G == H else 4 * H


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
def zero_sums(x, W_xh, W_hh, cell):
    """Return what the shards add to: (shards, rows of W, padded columns), the same for a GRU's x, (shards, I, G).

    The last is for symbols; what is not needed has no rows.
    """
    n, (I, G), H, n_x = count_shards(x.shape[1]), W_xh.shape, W_hh.shape[0], width_of_x(x)  # noqa: E741
    width = padded(G, W_hh.itemsize)
    K, K_x = (H + 1, 1 + n_x) if cell == GRU else (H + n_x + 1, 0)
    of_W, of_x = aligned(n * K, width, W_hh.dtype), aligned(n * K_x, width, W_hh.dtype)
    of_W.fill(0)
    of_x.fill(0)
    of_symbols = np.zeros((n, I if x.ndim == 2 else 0, G), W_hh.dtype)
    return of_W.reshape(n, K, width), of_x.reshape(n, K_x, width), of_symbols


@jit
def sum_parts(parts, dW_xh, dW_hh, db_h):
    """Write the gradients of the weights: the shards' parts added in order."""
    (of_W, of_x, of_symbols), H, (I, G) = parts, dW_hh.shape[0], dW_xh.shape  # noqa: E741
    (shards, K, width), K_x, n_x = of_W.shape, of_x.shape[1], I - of_symbols.shape[1]
    for out in (dW_xh, dW_hh):
        out.fill(0)
    db_h.fill(0)
    for s in range(shards):
        W, W_x = s * K * width, s * K_x * width
        if K_x > 0:  # a GRU: blocks q, r, z and r, z, n
            add_columns(dW_hh, 2 * H, of_W, W, H, H)
            add_columns(dW_hh, 0, of_W, W + H, H, 2 * H)
            add_columns(db_h, 3 * H, of_W, W + H * width, 1, H)
            add_columns(db_h, 0, of_x, W_x, 1, G)
            add_columns(dW_xh, 0, of_x, W_x + width, n_x, G)
        else:
            add_columns(dW_hh, 0, of_W, W, H, G)
            add_columns(dW_xh, 0, of_W, W + H * width, n_x, G)
            add_columns(db_h, 0, of_W, W + (H + n_x) * width, 1, G)
        add_columns(dW_xh, 0, of_symbols, s * (I - n_x) * G, I - n_x, G)
