"""One step of an LSTM between its products: gates and cell, forward and back.

    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o),    g = tanh(a_g)
    c_t = f c_{t-1} + i g,    h_t = o tanh(c_t)

Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber, Cummins (2000).

Arrays are flat, the numbers of some rows of a batch, n_all = rows H; a caller hands over an array and where to begin
in it for each. A loop over each row of 32 units took three times as long. And a loop has few arrays: where LLVM must
check that many lie apart, it does not vectorise.
"""

from rnnkit._simd.apart import of_pointers
from rnnkit.cells.functions import sigmoid, tanh


@of_pointers("rnnkit_lstm_step", "PPPPPPPI")
def lstm_step(i, f, g, o, c_prev, c_t, h_t, n_all):
    """Turn pre-activations into gates in place, and write c_t and h_t."""
    for j in range(n_all):
        i[j] = sigmoid(i[j])
    for j in range(n_all):
        f[j] = sigmoid(f[j])
    for j in range(n_all):
        g[j] = tanh(g[j])
    for j in range(n_all):
        o[j] = sigmoid(o[j])
    for j in range(n_all):
        c_t[j] = f[j] * c_prev[j] + i[j] * g[j]
    for j in range(n_all):
        h_t[j] = o[j] * tanh(c_t[j])


@of_pointers("rnnkit_lstm_step_back", "PPPPPPPPPPPPPI")
def lstm_step_back(dh, dc, i, f, g, o, c_prev, c_t, total, di, df, dg, do, n_all):
    """Take dL/dh_t and dL/dc_t, as c_{t+1} hands it back, to dL/d(a_i, a_f, a_g, a_o) and dL/dc_{t-1} (in dc).

    total: dL/dc_t with the way through h_t, written.
    """
    one = type(c_t[0])(1)
    for j in range(n_all):
        tanh_c = tanh(c_t[j])
        do[j] = dh[j] * tanh_c * (o[j] * (one - o[j]))
        total[j] = dc[j] + dh[j] * o[j] * (one - tanh_c * tanh_c)
    for j in range(n_all):
        di[j] = total[j] * g[j] * (i[j] * (one - i[j]))
    for j in range(n_all):
        df[j] = total[j] * c_prev[j] * (f[j] * (one - f[j]))
    for j in range(n_all):
        dg[j] = total[j] * i[j] * (one - g[j] * g[j])
    for j in range(n_all):
        dc[j] = total[j] * f[j]
