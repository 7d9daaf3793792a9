"""Some rows of a batch through a run of steps, forward and back: what every form of the sequence kernels is made of.

    h_t = phi(x_t W_xh + h_{t-1} W_hh + b_h)
    delta_t = (d+L/dh_t + delta_{t+1} W_hh^T) * phi'(a_t),    dL/dW_hh = sum_t h_{t-1}^T delta_t,   and so on

The rows of a batch meet only in the sums of the weight gradients. A batch is cut into shards, each runs its whole
sequence by itself (on its own core in `rnnkit.parallel`), and the shards' sums are added in order. The cut depends on
the size of the batch alone, so every form and every number of threads gives the same bytes.

The weight gradients are summed from chunks of steps whose states and deltas are still in cache.
"""

import numpy as np

from rnnkit._jit import jit
from rnnkit.kernels.activations import activate, times_derivative
from rnnkit.kernels.products import add_outer_products, add_product, pack, padded, spread_rows

SHARD_ROWS, MAX_SHARDS = 8, 8  # at least 8 rows: fewer leave the registers of a tile empty
CHUNK_ROWS = 128  # rows of a chunk: 64 to 256 were alike, above that it leaves the L2 cache at H = 512


@jit
def count_shards(B):
    """Return how many shards a batch of B rows is cut into."""
    return max(1, min(B // SHARD_ROWS, MAX_SHARDS))


@jit
def shard_bounds(shard, B):
    """Return the first row of a shard and the number of its rows."""
    n = count_shards(B)
    first = shard * B // n
    return first, (shard + 1) * B // n - first


@jit
def chunk_steps(B):
    """Return the steps of one chunk; the same for all shards of a batch of B rows."""
    return max(1, CHUNK_ROWS * count_shards(B) // B)


@jit
def pack_forward(W_xh, W_hh, b_h):
    """Return W_xh as it is (a row for each symbol), W_xh and W_hh packed, b_h with zeros to whole vectors."""
    b = np.zeros(padded(b_h.size, b_h.itemsize), b_h.dtype)
    for j in range(b_h.size):
        b[j] = b_h[j]
    return W_xh, pack(W_xh), pack(W_hh), b


@jit
def forward_shard(shard, x, weights, activation, h):
    """Fill the rows of a shard in h[1:] from h[0] and x."""
    W_xh, P_xh, P_hh, b = weights
    first, n_rows = shard_bounds(shard, h.shape[1])
    H, rows = h.shape[2], slice(first, first + n_rows)
    h_t, h_prev = np.zeros((1, n_rows, b.size), h.dtype), np.zeros((1, n_rows, b.size), h.dtype)
    copy_columns(h_t[0], h[0, rows])
    for t in range(x.shape[0]):
        h_prev, h_t = h_t, h_prev
        set_rows(h_t[0], b)
        if x.ndim == 3:  # known when compiled: the branch that is not taken is not in the code
            add_product(h_t[0], x[t : t + 1, rows], P_xh)
        else:
            add_symbol_rows(h_t[0], W_xh, x[t, rows])
        add_product(h_t[0], h_prev[:, :, :H], P_hh)
        activate(h_t, activation)
        copy_columns(h[t + 1, rows], h_t[0])


@jit
def backward_shard(shard, dh, x, h, transposed, activation, dx, carry, parts):
    """Take the rows of a shard in carry (B, padded H), dL/dh, from the last step to before the first; write their dx.

    dh: (n, B, H), immediate gradient at the last n states, added on the way; n may be 0.
    transposed: W_xh^T and W_hh^T packed. parts: sums of the weight gradients, added to at [shard].
    """
    (PT_xh, PT_hh), (first, n_rows) = transposed, shard_bounds(shard, h.shape[1])
    dW_xh, dW_hh, db_h = parts[0][shard], parts[1][shard], parts[2][shard]
    (T, B), H, rows = x.shape[:2], h.shape[2], slice(first, first + n_rows)
    delta = np.zeros((n_rows, carry.shape[1]), h.dtype)  # of its own: cores that write to the same lines wait
    copy_columns(delta, carry[rows])
    dz = np.zeros((chunk_steps(B), n_rows, spread_rows(H, h.itemsize)), h.dtype)
    no_dh = T - dh.shape[0]
    for end in range(T, 0, -dz.shape[0]):
        start = max(0, end - dz.shape[0])
        for t in range(end - 1, start - 1, -1):
            if t >= no_dh:
                add_columns(delta, dh[t - no_dh, rows])
            dz_t = dz[t - start : t - start + 1]
            times_derivative(delta, h[t + 1, rows], activation, dz_t[0])
            set_zero(delta)
            add_product(delta, dz_t[:, :, :H], PT_hh)
            add_rows(db_h, dz_t[0])
        steps, dz_chunk = slice(start, end), dz[: end - start]
        add_outer_products(dW_hh, h[steps, rows], dz_chunk)
        input_gradients(x, steps, rows, dz_chunk, PT_xh, dx, dW_xh)
    copy_columns(carry[rows], delta)


@jit
def input_gradients(x, steps, rows, dz_chunk, PT_xh, dx, dW_xh):
    """Write dx of a chunk of steps and add to dW_xh."""
    if x.ndim == 2:
        add_to_symbol_rows(dW_xh, x[steps, rows], dz_chunk)
        return
    add_outer_products(dW_xh, x[steps, rows], dz_chunk)
    n, n_rows, H = dz_chunk.shape[0], dz_chunk.shape[1], PT_xh.shape[1]
    dx_chunk = np.zeros((n * n_rows, PT_xh.shape[0] * PT_xh.shape[2]), dx.dtype)  # cores write apart, then copy
    add_product(dx_chunk, dz_chunk.reshape(1, n * n_rows, -1)[:, :, :H], PT_xh)
    for t in range(n):
        copy_columns(dx[steps.start + t, rows], dx_chunk[t * n_rows :])


@jit
def last_states(dh):
    """Return dh (n, B, H): the gradients at the last n states, n = 1 where it came as (B, H)."""
    if dh.ndim == 2:
        return dh.reshape(1, dh.shape[0], dh.shape[1])
    return dh


@jit
def empty_dx(x, dtype):
    """Return an array for dx: like x, or (T, B, 0) for symbols, which have no gradient."""
    if x.ndim == 3:
        return np.empty(x.shape, dtype)
    return np.empty((x.shape[0], x.shape[1], 0), dtype)


@jit
def zero_sums(B, W_xh, W_hh):
    """Return carry (B, padded H), and what each shard adds to: (shards, I, padded H), (shards, H, padded H), ..."""
    n, (I, H), dtype = count_shards(B), W_xh.shape, W_hh.dtype  # noqa: E741
    ld = padded(H, W_hh.itemsize)
    parts = np.zeros((n, I, ld), dtype), np.zeros((n, H, ld), dtype), np.zeros((n, 1, ld), dtype)
    return np.zeros((B, ld), dtype), parts


@jit
def sum_parts(carry, parts, dh_0, dW_xh, dW_hh, db_h):
    """Write the gradients: those of the weights are the shards' parts added in order."""
    copy_columns(dh_0, carry)
    _sum_part(parts[0], dW_xh)
    _sum_part(parts[1], dW_hh)
    _sum_part(parts[2], db_h.reshape(1, -1))


@jit
def _sum_part(part, out):
    copy_columns(out, part[0])
    for shard in range(1, part.shape[0]):
        add_columns(out, part[shard])


# Rows of different lengths: `out` or `a` may be padded. Written as loops, which compile to a few vector instructions a
# row; NumPy's assignment of slices costs some 50 ns a call.


@jit
def set_zero(a):
    """Set a (rows, columns) to 0."""
    for r in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[r, j] = 0


@jit
def set_rows(z, row):
    """Set every row of z to `row`."""
    for r in range(z.shape[0]):
        for j in range(row.size):
            z[r, j] = row[j]


@jit
def copy_columns(out, a):
    """Copy the rows and columns that out has from a, as far as a has them."""
    for r in range(out.shape[0]):
        for j in range(min(out.shape[1], a.shape[1])):
            out[r, j] = a[r, j]


@jit
def add_columns(out, a):
    """Add the columns that both have."""
    for r in range(out.shape[0]):
        for j in range(min(out.shape[1], a.shape[1])):
            out[r, j] += a[r, j]


@jit
def add_rows(total, a):
    """Total (1, ...) += the sum of the rows of a."""
    for r in range(a.shape[0]):
        for j in range(total.shape[1]):
            total[0, j] += a[r, j]


@jit
def add_symbol_rows(z, W_xh, symbols):
    """z[r] += W_xh[symbols[r]]: the product with one-hot rows."""
    for r in range(z.shape[0]):
        for j in range(W_xh.shape[1]):
            z[r, j] += W_xh[symbols[r], j]


@jit
def add_to_symbol_rows(dW_xh, symbols, dz):
    """dW_xh[symbols[t, r]] += dz[t, r]."""
    for t in range(dz.shape[0]):
        for r in range(dz.shape[1]):
            for j in range(dW_xh.shape[1]):
                dW_xh[symbols[t, r], j] += dz[t, r, j]
