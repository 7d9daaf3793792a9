"""One step of some rows of a layer, forward and back, for every kind of cell: what `shards.py` repeats.

t: the step; before, after: where the states before and after it stand in h and c. first, n_rows: the rows of the batch.
Where a function takes an array and then a number, that is the element it begins at. No tuples: to unpack one counts
references, and with four of them a step of 16 units took twice as long.
"""

from rnnkit._jit import jit
from rnnkit._simd.rows import move_rows
from rnnkit._simd.vectors import VECTOR_BYTES
from rnnkit.kernels.activations import times_derivative
from rnnkit.kernels.cells import GRU, LSTM
from rnnkit.kernels.gru_step import gru_step, gru_step_back
from rnnkit.kernels.lstm_step import lstm_step, lstm_step_back
from rnnkit.kernels.products import add_outer_products, product, tile_for
from rnnkit.kernels.rows import copy_columns, move_symbol_rows


@jit
def element(a, t, first):
    """Return the element of a (., B, columns) where row `first` of a[t] begins."""
    return (t * a.shape[1] + first) * a.shape[2]


@jit
def enter_x(u, row, x, t, first, n_rows, H, cell):
    """Write x_t and 1 behind the H states in the rows of u from `row` on; for a GRU 1 and x_t."""
    n_x, gru = 0, cell == GRU
    if x.ndim == 3:  # known when compiled: the branch that is not taken is not in the code
        n_x = x.shape[2]
        copy_columns(u, row * u.shape[1] + (H + 1 if gru else H), x, element(x, t, first), n_rows, n_x)
    one = H if gru else H + n_x
    for r in range(row, row + n_rows):
        u[r, one] = 1


@jit
def enter_gates(a, u_t, x, t, first, n_rows, W_xh, P, P_x, tile, H, cell):
    """Set a to what the gates are made of: u_t W, with the rows of W_xh that symbols pick."""
    if cell == GRU:  # h first: what pads its product lies where n comes to stand, and may be nan where h is not finite
        product(a, 0, u_t, 0, n_rows, P, tile, 0)
        for r in range(n_rows):
            for j in range(3 * H, 4 * H):
                a[r, j] = 0
        move_symbol_rows(a, H, W_xh, x, t, first, n_rows, 1)
        product(a, H, u_t, H, n_rows, P_x, tile, 1)
    else:
        move_symbol_rows(a, 0, W_xh, x, t, first, n_rows, 0)
        product(a, 0, u_t, 0, n_rows, P, tile, 1 if x.ndim == 2 else 0)


@jit
def gated_step(t, before, after, first, n_rows, a, state, c, g, cell):
    """Write the gates g and an LSTM's c_t, and take state (rows, H) from h_{t-1} to h_t."""
    B, H = g.shape[2], g.shape[3]
    g_0, of_gate, n_all = (4 * t * B + first) * H, B * H, n_rows * H
    g_1, g_2, g_3 = g_0 + of_gate, g_0 + 2 * of_gate, g_0 + 3 * of_gate
    for k in range(4):  # i, f, g, o; r, z, n, q from blocks q, r, z, n
        copy_columns(g, g_0 + k * of_gate, a, ((k + 1) % 4 if cell == GRU else k) * H, n_rows, H)
    if cell == LSTM:
        c_0, c_1 = element(c, before, first), element(c, after, first)
        lstm_step(g, g_0, g, g_1, g, g_2, g, g_3, c, c_0, c, c_1, state, 0, n_all)
    else:
        gru_step(g, g_0, g, g_1, g, g_2, g, g_3, state, 0, n_all)


@jit
def elman_step_back(after, first, n_rows, dh_dx, delta, row, h, column, H, activation):
    """Take dL/dh_t to dL/da_t, in the rows of delta from `row` on."""
    W, width, row_of_d = h.shape[2], delta.shape[1], dh_dx.shape[1]
    h_t = element(h, after, first) + column
    times_derivative(dh_dx, 0, row_of_d, h, h_t, W, delta, row * width, width, n_rows, H, activation)


@jit
def gated_step_back(t, before, after, first, n_rows, dh_dx, d, u, delta, row, c, g, cell):
    """Take dL/dh_t, and an LSTM's dL/dc_t, to dL/da_t; leave there what reaches the state before by other ways.

    d: (7, rows, H): dc, all of dL/dc_t, room for a state, and delta by gates, before it is put in rows.
    """
    B, H, n_all = g.shape[2], g.shape[3], n_rows * g.shape[3]
    g_0, of_gate, dc, total, dh = (4 * t * B + first) * H, B * H, 0, n_all, 2 * n_all
    g_1, g_2, g_3 = g_0 + of_gate, g_0 + 2 * of_gate, g_0 + 3 * of_gate
    d_0, d_1, d_2, d_3 = 3 * n_all, 4 * n_all, 5 * n_all, 6 * n_all
    copy_columns(d, dh, dh_dx, 0, n_rows, H)
    if cell == LSTM:
        c_0, c_1 = element(c, before, first), element(c, after, first)
        lstm_step_back(
            d, dh, d, dc, g, g_0, g, g_1, g, g_2, g, g_3, c, c_0, c, c_1,
            d, total, d, d_0, d, d_1, d, d_2, d, d_3, n_all,
        )  # fmt: skip
    else:
        copy_columns(d, total, u, row * u.shape[1], n_rows, H)  # h_{t-1}
        gru_step_back(d, dh, d, total, g, g_0, g, g_1, g, g_2, g, g_3, d, d_1, d, d_2, d, d_3, d, d_0, n_all)
        copy_columns(dh_dx, 0, d, dh, n_rows, H)
    for k in range(4):
        copy_columns(delta, row * delta.shape[1] + k * H, d, d_0 + k * n_all, n_rows, H)


@jit
def take_back(dh_dx, dx_t, delta, row, n_rows, P, P_x, tile, H, cell):
    """Turn delta into [dL/dh_{t-1}, dL/dx_t]; a GRU's x has a product and a place of its own."""
    at = row * delta.shape[1]
    product(dh_dx, 0, delta, at, n_rows, P, tile, 1 if cell == GRU else 0)
    if P_x.shape[0] > 0:
        product(dx_t, 0, delta, at + H, n_rows, P_x, tile_for(n_rows, P_x.shape[0]), 0)


@jit
def write_dx(dx, t, first, n_rows, source, at, add):
    """Write dL/dx_t, or add to it."""
    move_rows(dx, element(dx, t, first), dx.shape[2], source, at, source.shape[1], n_rows, dx.shape[2], add)


@jit
def add_to_sums(of_W, of_x, u, delta, n, H):
    """Add what n rows contribute to dL/dW: u^T delta; a GRU's [1, x] meets its last three blocks alone."""
    vectors = of_W.shape[1] * of_W.itemsize // VECTOR_BYTES
    add_outer_products(of_W, u, 0, delta, 0, n, tile_for(of_W.shape[0], vectors))
    if of_x.shape[0] > 0:
        add_outer_products(of_x, u, H, delta, H, n, tile_for(of_x.shape[0], vectors))
