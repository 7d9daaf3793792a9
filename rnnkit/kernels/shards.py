"""Some rows of a batch through a run of steps, forward and back: what every form of the sequence kernels is made of.

Written with one matrix, W = [W_hh; W_xh; b_h] (H+I+1 rows), and one row for all that enters a step:

    u_t = [h_{t-1}, x_t, 1],    h_t = phi(u_t W)
    delta_t = (d+L/dh_t + dL/dh_t of the steps after) * phi'(a_t)
    [dL/dh_{t-1}, dL/dx_t] = delta_t [W_hh; W_xh]^T,    dL/dW = sum_t u_t^T delta_t

With symbols for x a step begins with their rows of W_xh, and u_t = [h_{t-1}, 1].

The rows of a batch meet only in the sum over dL/dW. A batch is cut into shards, each runs its whole sequence by itself
(on its own core in `rnnkit.parallel`), and the shards' sums are added in order.

dL/dW is summed from chunks of steps whose u and delta are still in cache.
"""

from rnnkit._jit import jit
from rnnkit._simd.denormals import flush_denormals, restore_denormals
from rnnkit.kernels.activations import activate, times_derivative
from rnnkit.kernels.cut import chunk_steps, shard_bounds
from rnnkit.kernels.products import add_outer_products, aligned, padded, product, spread_rows, tile_for
from rnnkit.kernels.rows import (
    add_columns,
    add_to_symbol_rows,
    copy_columns,
    copy_columns_from,
    copy_columns_to,
    copy_symbol_rows,
)
from rnnkit.kernels.weights import width_of_x


@jit
def enter_x(u, x_t, H):
    """Write x_t and 1 behind the H states of each row of u."""
    if x_t.ndim == 2:  # known when compiled: the branch that is not taken is not in the code
        copy_columns_to(u, H, x_t)
        H += x_t.shape[1]
    for r in range(u.shape[0]):
        u[r, H] = 1


@jit
def forward_shard(shard, x, weights, activation, h):
    """Fill the rows of a shard in h[1:] from h[0] and x."""
    (W_xh, P), (first, n_rows), H = weights, shard_bounds(shard, h.shape[1]), h.shape[2]
    rows, width = slice(first, first + n_rows), padded(H, h.itemsize)
    ld = spread_rows(max(width, P.shape[1]), h.itemsize)
    u_t, u_next = aligned(n_rows, ld, h.dtype), aligned(n_rows, ld, h.dtype)
    mode = flush_denormals()
    tile = tile_for(n_rows, P.shape[0])
    copy_columns(u_t, h[0, rows])
    for t in range(x.shape[0]):
        x_t = x[t, rows]
        enter_x(u_t, x_t, H)
        if x.ndim == 2:
            copy_symbol_rows(u_next, W_xh, x_t)
        product(u_next, u_t, P, tile, 1 if x.ndim == 2 else 0)
        activate(u_next, width, activation)  # whole vectors: what pads them is overwritten, or nobody reads it
        copy_columns(h[t + 1, rows], u_next)
        u_t, u_next = u_next, u_t
    restore_denormals(mode)


@jit
def backward_shard(shard, dh, x, h, P, activation, dx, carry, parts):
    """Take the rows of a shard in carry (B, H), dL/dh, from the last step to before the first; write their dx.

    dh: (n, B, H), immediate gradient at the last n states, added on the way; n may be 0.
    P: [W_hh; W_xh]^T packed. parts: the shards' sums of dL/dW and, for symbols, of dL/dW_xh, added to at [shard].
    """
    (first, n_rows), (T, B), H, n_x = shard_bounds(shard, h.shape[1]), x.shape[:2], h.shape[2], width_of_x(x)
    rows, n_steps, no_dh = slice(first, first + n_rows), chunk_steps(B), T - dh.shape[0]
    u = aligned(n_steps * n_rows, spread_rows(H + n_x + 1, h.itemsize), h.dtype)
    delta = aligned(n_steps * n_rows, spread_rows(H, h.itemsize), h.dtype)
    dh_dx = aligned(n_rows, padded(H + n_x, h.itemsize), h.dtype)  # of its own: cores that share lines wait
    dW = parts[0][shard]
    tile, tile_of_dW = tile_for(n_rows, P.shape[0]), tile_for(dW.shape[0], dW.shape[1] // P.shape[2])
    copy_columns(dh_dx, carry[rows])
    mode = flush_denormals()
    for end in range(T, 0, -n_steps):
        start = max(0, end - n_steps)
        for t in range(end - 1, start - 1, -1):
            place = slice((t - start) * n_rows, (t - start + 1) * n_rows)
            copy_columns(u[place], h[t, rows])
            enter_x(u[place], x[t, rows], H)
            if t >= no_dh:
                add_columns(dh_dx, dh[t - no_dh, rows])
            times_derivative(dh_dx, h[t + 1, rows], activation, delta[place])
            product(dh_dx, delta[place], P, tile, 0)
            copy_columns_from(dx[t, rows], dh_dx, H)
        n = (end - start) * n_rows
        add_outer_products(dW, u[:n], delta[:n], tile_of_dW)
        if x.ndim == 2:
            add_to_symbol_rows(parts[1][shard], x[start:end, rows], delta)
    copy_columns(carry[rows], dh_dx)
    restore_denormals(mode)
