"""One step of a GRU between its products, forward and back; q = h_{t-1} W_hn + b_hn.

    r, z = sigmoid(a_r), sigmoid(a_z),    n = tanh(a_n + r q),    h_t = (1 - z) n + z h_{t-1}

Cho et al. (2014), with the reset gate inside the candidate and z for what is kept, as in cuDNN and PyTorch. Like
theirs, the sum is n + z (h_{t-1} - n): at z = 1 the state is kept to rounding. Arguments as in `lstm_step`.
"""

from rnnkit._simd.apart import of_pointers
from rnnkit.cells.functions import sigmoid, tanh


@of_pointers("rnnkit_gru_step", "PPPPPI")
def gru_step(r, z, n, q, h, n_all):
    """Turn pre-activations into gates in place, and h_{t-1} into h_t."""
    for j in range(n_all):
        r[j] = sigmoid(r[j])
    for j in range(n_all):
        z[j] = sigmoid(z[j])
    for j in range(n_all):
        n[j] = tanh(n[j] + r[j] * q[j])
    for j in range(n_all):
        h[j] = n[j] + z[j] * (h[j] - n[j])


@of_pointers("rnnkit_gru_step_back", "PPPPPPPPPPI")
def gru_step_back(dh, h_prev, r, z, n, q, dr, dz, dn, dq, n_all):
    """Take dL/dh_t to dL/d(a_r, a_z, a_n, q), and dh to the part of dL/dh_{t-1} that z passes on."""
    one = type(dh[0])(1)
    for j in range(n_all):
        dn[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(n_all):
        dz[j] = dh[j] * (h_prev[j] - n[j]) * (z[j] * (one - z[j]))
    for j in range(n_all):
        dr[j] = dn[j] * q[j] * (r[j] * (one - r[j]))
    for j in range(n_all):
        dq[j] = dn[j] * r[j]
    for j in range(n_all):
        dh[j] = dh[j] * z[j]
