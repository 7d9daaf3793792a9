"""The kernels' equations in plain NumPy, step by step and without cleverness: what tests compare them with.

    a_t = x_t W_xh + h_{t-1} W_hh + b_h,    h_t = phi(a_t)                                  (row vectors)
    delta_t = (d+L/dh_t + delta_{t+1} W_hh^T) * phi'(a_t)

Arguments, returns and shapes are those of the kernel of the same name; nothing is checked. Goodfellow,
Bengio, Courville, Deep Learning (2016), section 10.2.2; Pascanu, Mikolov, Bengio (2013), eqs. 3-5 and
algorithm 1.
"""

import numpy as np
import scipy  # its parts load on first use: importing rnnkit stays quick

from rnnkit.kernels.activations import IDENTITY, RELU, SIGMOID, TANH
from rnnkit.kernels.cell import CellGradients
from rnnkit.kernels.regularizer import BOUND, SQUARED, Omega
from rnnkit.kernels.sequence import SequenceGradients


def activate(a: np.ndarray, activation: int) -> np.ndarray:
    """Return phi(a), same shape as a (...)."""
    functions = {TANH: np.tanh, SIGMOID: scipy.special.expit, RELU: lambda a: np.maximum(a, 0), IDENTITY: lambda a: a}
    return functions[activation](a)


def derivative(h: np.ndarray, activation: int) -> np.ndarray:
    """Return phi'(a) from the state h = phi(a), same shape as h (...); 0 at the kink of relu."""
    if activation == TANH:
        return 1 - h**2
    if activation == SIGMOID:
        return h * (1 - h)
    return (h > 0).astype(h.dtype) if activation == RELU else np.ones_like(h)


def rnn_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return h_t (B, H) from x_t (B, I), h_prev (B, H), W_xh (I, H), W_hh (H, H), b_h (H,)."""
    return activate(x_t @ W_xh + h_prev @ W_hh + b_h, activation)


def rnn_cell_backward(
    dh_t: np.ndarray,
    x_t: np.ndarray,
    h_prev: np.ndarray,
    h_t: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    activation: int,
) -> CellGradients:
    """Return (dx_t, dh_prev, dW_xh, dW_hh, db_h) of one step, given dL/dh_t = dh_t (B, H)."""
    delta = dh_t * derivative(h_t, activation)
    return CellGradients(delta @ W_xh.T, delta @ W_hh.T, x_t.T @ delta, h_prev.T @ delta, delta.sum(axis=0))


def rnn_forward(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return all states h (T+1, B, H) from x (T, B, I); h[0] is h_0 (B, H)."""
    states = [h_0]
    for x_t in x:
        states.append(rnn_cell_forward(x_t, states[-1], W_xh, W_hh, b_h, activation))
    return np.stack(states)


def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Return (dx, dh_0, dW_xh, dW_hh, db_h); dh: (T, B, H) at h[1..T], or (B, H) at h[T] alone."""
    T = len(x)
    if dh.ndim == 2:
        dh = np.stack([np.zeros_like(dh)] * (T - 1) + [dh])
    dx, dh_next = np.zeros_like(x), np.zeros_like(h[0])
    dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(W_hh[0])
    for t in reversed(range(T)):
        step = rnn_cell_backward(dh[t] + dh_next, x[t], h[t], h[t + 1], W_xh, W_hh, activation)
        dx[t], dh_next = step.dx_t, step.dh_prev
        dW_xh, dW_hh, db_h = dW_xh + step.dW_xh, dW_hh + step.dW_hh, db_h + step.db_h
    return SequenceGradients(dx, dh_next, dW_xh, dW_hh, db_h)


def clip_by_norm(gradients: tuple[np.ndarray, ...], max_norm: float) -> tuple[np.ndarray, ...]:
    """Return copies of finite gradients, any shapes, scaled to a joint norm of at most max_norm."""
    norm = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients))
    scale = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return tuple((g * scale).astype(g.dtype) for g in gradients)


def omega(dh: np.ndarray, h: np.ndarray, W_hh: np.ndarray, activation: int, form: int) -> Omega:
    """Return (value, dW_hh, n_steps) of Pascanu's regularizer; dh (T, B, H), h (T+1, B, H), both held constant."""
    value, dW_hh, n_steps = 0.0, np.zeros_like(W_hh), 0
    for d, h_t in zip(dh.reshape(-1, len(W_hh)), h[1:].reshape(-1, len(W_hh)), strict=True):
        if d @ d < BOUND:
            continue
        v = d * derivative(h_t, activation)
        u = v @ W_hh.T
        q = (u @ u) / (d @ d)
        if form == SQUARED:
            term, of_q = (q - 1) ** 2, 2 * (q - 1)  # d term / d q
        else:
            term, of_q = (np.sqrt(q) - 1) ** 2, 1 - 1 / np.sqrt(q) if q > 0 else 0.0
        value, n_steps = value + term, n_steps + 1
        dW_hh += of_q * 2 * np.outer(u, v) / (d @ d)
    share = 1 / max(n_steps, 1) if form == SQUARED else 1 / dh.shape[1]
    return Omega(value * share, dW_hh * share, n_steps)
