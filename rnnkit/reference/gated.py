"""The gated kernels' equations in plain NumPy, step by step and without cleverness: what tests compare them with.

    LSTM    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of x_t W_xh + h_{t-1} W_hh + b_h, split in four
            c_t = f c_{t-1} + i g,    h_t = o tanh(c_t)
    GRU     r = sigmoid(x_t W_xr + h_{t-1} W_hr + b_r),    z = sigmoid(x_t W_xz + h_{t-1} W_hz + b_z)
            q = h_{t-1} W_hn + b_hn,    n = tanh(x_t W_xn + b_n + r q),    h_t = (1 - z) n + z h_{t-1}

Arguments, order of returns and shapes are those of the kernel of the same name; nothing is checked. Row vectors, with
the equations and the order of gates of PyTorch's LSTM and GRU. Hochreiter and Schmidhuber, Long short-term memory
(1997); Gers, Schmidhuber, Cummins, Learning to forget (2000); Cho et al. (2014), arXiv:1406.1078, with the reset gate
applied after the product as in version 1.
"""

import numpy as np
import scipy  # its parts load on first use: importing rnnkit stays quick

Arrays = tuple[np.ndarray, ...]


def lstm_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, c_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> Arrays:
    """Return h_t (B, H), c_t (B, H), gates_t (4, B, H) from x_t (B, I), W_xh (I, 4H), W_hh (H, 4H), b_h (4H,)."""
    a_i, a_f, a_g, a_o = np.split(x_t @ W_xh + h_prev @ W_hh + b_h, 4, axis=1)
    i, f, g, o = scipy.special.expit(a_i), scipy.special.expit(a_f), np.tanh(a_g), scipy.special.expit(a_o)
    c_t = f * c_prev + i * g
    return o * np.tanh(c_t), c_t, np.stack([i, f, g, o])


def lstm_cell_backward(
    dh_t: np.ndarray,
    dc_t: np.ndarray,
    x_t: np.ndarray,
    h_prev: np.ndarray,
    c_prev: np.ndarray,
    c_t: np.ndarray,
    gates_t: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> Arrays:
    """Return (dx_t, dh_prev, dc_prev, dW_xh, dW_hh, db_h); dh_t and dc_t (B, H) do not contain each other."""
    i, f, g, o = gates_t
    dc = dc_t + dh_t * o * (1 - np.tanh(c_t) ** 2)
    da_i = dc * g * i * (1 - i)
    da_f = dc * c_prev * f * (1 - f)
    da_g = dc * i * (1 - g**2)
    da_o = dh_t * np.tanh(c_t) * o * (1 - o)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)
    return da @ W_xh.T, da @ W_hh.T, dc * f, x_t.T @ da, h_prev.T @ da, da.sum(axis=0)


def lstm_forward(
    x: np.ndarray, h_0: np.ndarray, c_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> Arrays:
    """Return h (T+1, B, H), c (T+1, B, H), gates (T, 4, B, H) from x (T, B, I); h[0] is h_0, c[0] is c_0."""
    h, c, gates = [h_0], [c_0], []
    for x_t in x:
        h_t, c_t, gates_t = lstm_cell_forward(x_t, h[-1], c[-1], W_xh, W_hh, b_h)
        h, c, gates = [*h, h_t], [*c, c_t], [*gates, gates_t]
    return np.stack(h), np.stack(c), np.stack(gates)


def lstm_backward(
    dh: np.ndarray,
    dc_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> Arrays:
    """Return (dx, dh_0, dc_0, dW_xh, dW_hh, db_h); dh: (T, B, H) at h[1..T], or (B, H) at h[T] alone; dc_T (B, H)."""
    dh = _at_every_step(dh, len(x))
    dx, dh_next, dc_next = np.zeros_like(x), np.zeros_like(h[0]), dc_T
    weights = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(W_hh[0])
    for t in reversed(range(len(x))):
        step = lstm_cell_backward(dh[t] + dh_next, dc_next, x[t], h[t], c[t], c[t + 1], gates[t], W_xh, W_hh)
        dx[t], dh_next, dc_next, *more = step
        weights = tuple(total + d for total, d in zip(weights, more, strict=True))
    return dx, dh_next, dc_next, *weights


def gru_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> Arrays:
    """Return h_t (B, H), gates_t (4, B, H) from x_t (B, I), W_xh (I, 3H), W_hh (H, 3H), b_h (4H,)."""
    x_r, x_z, x_n = np.split(x_t @ W_xh, 3, axis=1)
    h_r, h_z, h_n = np.split(h_prev @ W_hh, 3, axis=1)
    b_r, b_z, b_n, b_hn = np.split(b_h, 4)
    r, z = scipy.special.expit(x_r + h_r + b_r), scipy.special.expit(x_z + h_z + b_z)
    q = h_n + b_hn
    n = np.tanh(x_n + b_n + r * q)
    return (1 - z) * n + z * h_prev, np.stack([r, z, n, q])


def gru_cell_backward(
    dh_t: np.ndarray, x_t: np.ndarray, h_prev: np.ndarray, gates_t: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> Arrays:
    """Return (dx_t, dh_prev, dW_xh, dW_hh, db_h) of one step, given dL/dh_t = dh_t (B, H)."""
    r, z, n, q = gates_t
    da_n = dh_t * (1 - z) * (1 - n**2)
    da_z = dh_t * (h_prev - n) * z * (1 - z)
    da_r = da_n * q * r * (1 - r)
    dq = da_n * r
    da_x, da_h = (np.concatenate([da_r, da_z, last], axis=1) for last in (da_n, dq))
    dh_prev = dh_t * z + da_h @ W_hh.T
    db_h = np.concatenate([da_r, da_z, da_n, dq], axis=1).sum(axis=0)
    return da_x @ W_xh.T, dh_prev, x_t.T @ da_x, h_prev.T @ da_h, db_h


def gru_forward(x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray) -> Arrays:
    """Return h (T+1, B, H), gates (T, 4, B, H) from x (T, B, I); h[0] is h_0."""
    h, gates = [h_0], []
    for x_t in x:
        h_t, gates_t = gru_cell_forward(x_t, h[-1], W_xh, W_hh, b_h)
        h, gates = [*h, h_t], [*gates, gates_t]
    return np.stack(h), np.stack(gates)


def gru_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, gates: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> Arrays:
    """Return (dx, dh_0, dW_xh, dW_hh, db_h); dh: (T, B, H) at h[1..T], or (B, H) at h[T] alone."""
    dh = _at_every_step(dh, len(x))
    dx, dh_next = np.zeros_like(x), np.zeros_like(h[0])
    weights = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros((4 * len(W_hh),), W_hh.dtype)
    for t in reversed(range(len(x))):
        dx[t], dh_next, *more = gru_cell_backward(dh[t] + dh_next, x[t], h[t], gates[t], W_xh, W_hh)
        weights = tuple(total + d for total, d in zip(weights, more, strict=True))
    return dx, dh_next, *weights


def _at_every_step(dh: np.ndarray, T: int) -> np.ndarray:
    """Return dh (T, B, H); dh of (B, H) is at the last step alone."""
    return dh if dh.ndim == 3 else np.stack([np.zeros_like(dh)] * (T - 1) + [dh])
