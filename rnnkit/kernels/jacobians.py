"""Gradients of hidden states and weights over lags of any length, as logarithms.

A loss on the last state gives dL/dh_{t-1} = (dL/dh_t * phi'(a_t)) W_hh^T. Its norm leaves float32 after some twenty
steps of a saturated sigmoid net, so the direction is kept at norm 1 and the logarithm of what was divided out is
carried in float64.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays
from rnnkit.kernels.activations import times_derivative


class ScaledGradients(NamedTuple):
    """Weight gradients (I, H), (H, H), (H,) divided by exp(log_scale); log_scale is -inf for dh_T = 0."""

    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray
    log_scale: float


@jit
def _flat(a):
    """(T, B, N) -> (T B, N), the same memory."""
    return a.reshape(a.shape[0] * a.shape[1], a.shape[2])


@jit
def _normalise(v):
    """Divide v by its Euclidean norm and return the norm's logarithm: -inf for zeros, nan or inf if v holds one."""
    largest = 0.0
    for i in range(v.size):
        size = abs(v.flat[i])
        if not size <= largest:  # also true for nan, which then stays the largest
            largest = size
            if size != size:
                break
    if largest == 0.0 or not np.isfinite(largest):
        return np.log(largest)
    total = 0.0
    for i in range(v.size):
        v.flat[i] = v.flat[i] / largest
        total += np.float64(v.flat[i]) * np.float64(v.flat[i])
    norm = np.sqrt(total)
    for i in range(v.size):
        v.flat[i] = v.flat[i] / norm
    return np.log(np.float64(largest)) + np.log(norm)


@jit
def _hidden_gradient_log_norms(dh_T, h, W_hh, activation):
    T, (B, H) = h.shape[0] - 1, dh_T.shape
    log_norms = np.empty((T + 1, B), h.dtype)
    total = np.zeros(B)
    delta, z = dh_T.copy(), np.empty_like(dh_T)
    for lag in range(T + 1):
        if lag > 0:
            times_derivative(delta, 0, H, h, (T + 1 - lag) * B * H, H, z, 0, H, B, H, activation)
            np.dot(z, W_hh.T, delta)
        for b in range(B):
            total[b] += _normalise(delta[b])
            log_norms[lag, b] = total[b]
    return log_norms


@jit
def _rnn_backward_scaled(dh_T, x, h, W_xh, W_hh, activation):
    T, (B, H) = x.shape[0], dh_T.shape
    dz, log_scales = np.empty_like(h[1:]), np.empty(T)
    delta, total = dh_T.copy(), 0.0
    for t in range(T - 1, -1, -1):
        total += _normalise(delta)  # one scale for the batch: what is lost beside the largest sample is below rounding
        log_scales[t] = total
        times_derivative(delta, 0, H, h, (t + 1) * B * H, H, dz, t * B * H, H, B, H, activation)
        np.dot(dz[t], W_hh.T, delta)
    log_scale = log_scales.max()
    for t in range(T):
        if log_scale > -np.inf:
            dz[t] *= np.exp(log_scales[t] - log_scale)
    dW_xh = np.dot(_flat(x).T, _flat(dz))
    dW_hh = np.dot(_flat(h[:-1]).T, _flat(dz))
    return ScaledGradients(dW_xh, dW_hh, _flat(dz).sum(axis=0), log_scale)


@checked_border(_hidden_gradient_log_norms)
def hidden_gradient_log_norms(dh_T: np.ndarray, h: np.ndarray, W_hh: np.ndarray, activation: int) -> np.ndarray:
    """Return (T+1, B) natural logs: row k is ln ||dL/dh_{T-k}|| of each sample, for a loss on the last state alone.

    dh_T: (B, H) gradient at h[T]. h: (T+1, B, H) from `rnn_forward`. W_hh: (H, H).
    An exactly zero gradient gives -inf from its lag on; a non-finite one gives nan or inf: look before you average.
    Sums are carried in float64 and rounded to the dtype once per row. Raises ValueError naming a bad argument.
    Pascanu, Mikolov, Bengio (2013), eq. 5.
    """
    check_arrays(dh_T=dh_T, h=h, W_hh=W_hh)
    check_activation(activation)
    return _hidden_gradient_log_norms(dh_T, h, W_hh, activation)


@checked_border(_rnn_backward_scaled)
def rnn_backward_scaled(
    dh_T: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> ScaledGradients:
    """Return (dW_xh, dW_hh, db_h, log_scale) of BPTT; the true gradients are exp(log_scale) times these.

    For a loss on the last state alone, of any length: nothing overflows in float32, and a step is lost only where its
    delta is below rounding beside the largest one.
    dh_T: (B, H) gradient at h[T]. x: (T, B, I). h: (T+1, B, H) from `rnn_forward`. W_xh: (I, H). W_hh: (H, H).
    Raises ValueError naming a bad argument.
    """
    check_arrays(dh_T=dh_T, x=x, h=h, W_xh=W_xh, W_hh=W_hh)
    if x.ndim == 2:
        raise ValueError(f"x must be float32 or float64 (T, B, I), got symbols {x.shape}")
    check_activation(activation)
    return _rnn_backward_scaled(dh_T, x, h, W_xh, W_hh, activation)
