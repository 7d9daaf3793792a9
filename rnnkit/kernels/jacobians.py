"""Gradients of hidden states and weights over lags of any length, as logarithms.

A loss on the last state gives dL/dh_{t-1} = (dL/dh_t * phi'(a_t)) W_hh^T. Its norm leaves float32 after some twenty
steps of a sigmoid net, and after one where a unit is saturated, so the direction is kept at norm 1 and the logarithm of
what was divided out is carried in float64; where a direction does not fit the dtype, see `graded.py`.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays
from rnnkit.kernels.activations import check_code
from rnnkit.kernels.graded import log_norm_of_signs, lost_below, through_activation, through_weights


class ScaledGradients(NamedTuple):
    """Weight gradients (I, H), (H, H), (H,) divided by exp(log_scale), which is -inf for dh_T = 0.

    log_norms: (T+1, B), row k is ln ||dL/dh_{T-k}|| of each sample, as `hidden_gradient_log_norms` returns it.
    """

    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray
    log_scale: float
    log_norms: np.ndarray


@jit
def _flat(a):
    """(T, B, N) -> (T B, N), the same memory."""
    return a.reshape(a.shape[0] * a.shape[1], a.shape[2])


@jit
def _normalise(v):
    """Divide v by its Euclidean norm and return the norm's logarithm: -inf for zeros, nan or inf if v holds one."""
    before, squares = 0.0, np.float64(np.dot(v, v))
    if not lost_below(v) < squares < 1 / lost_below(v):  # squares may have left the dtype, or v holds nan
        largest = _largest(v)
        before = np.log(np.float64(largest))
        if largest == 0 or not np.isfinite(largest):
            return before
        v /= largest
        squares = np.float64(np.dot(v, v))
    norm = type(v[0])(np.sqrt(squares))  # what is divided out is what is told, to the last bit
    v /= norm
    return before + np.log(np.float64(norm))


@jit
def _largest(v):
    """Return the largest size of a number of v, nan where one is."""
    largest = abs(v[0])
    for a in v:
        size = abs(a)
        if not size <= largest:  # also true for nan, which then stays the largest
            largest = size
            if size != size:
                break
    return largest


@jit
def _log_norms(delta, logs, graded, total, out):
    """Set out (B,) to the log norms of the gradients; divide rows that are not graded by their norm."""
    for b in range(len(out)):
        if graded[b]:
            out[b] = total[b] + log_norm_of_signs(logs[b])
        else:
            total[b] += _normalise(delta[b])
            out[b] = total[b]


@jit
def _hidden_gradient_log_norms(dh_T, x, h, W_xh, W_hh, b_h, activation):
    check_code(activation)
    T, (B, H) = h.shape[0] - 1, dh_T.shape
    log_norms = np.empty((T + 1, B), h.dtype)
    delta, z, a = dh_T.copy(), np.empty_like(dh_T), np.empty_like(dh_T)
    logs, graded, total = np.zeros((B, H)), np.zeros(B, np.bool_), np.zeros(B)
    for lag in range(T + 1):
        if lag > 0:
            through_activation(delta, logs, graded, total, x, h, T - lag, W_xh, W_hh, b_h, activation, a, z)
            through_weights(z, W_hh, delta, logs, graded, total)
        _log_norms(delta, logs, graded, total, log_norms[lag])
    return log_norms


@jit
def add_rows(total, a):
    """Add all rows of a (T, B, N) to total (N,); `a.sum(axis=0)` would take a second to compile."""
    for t in range(a.shape[0]):
        for b in range(a.shape[1]):
            for j in range(total.size):
                total[j] += a[t, b, j]


@jit
def _rnn_backward_scaled(dh_T, x, h, W_xh, W_hh, b_h, activation):
    check_code(activation)
    T, (B, H) = x.shape[0], dh_T.shape
    dz, log_scales, log_norms = np.empty_like(h[1:]), np.empty((T, B)), np.empty((T + 1, B), h.dtype)
    delta, a = dh_T.copy(), np.empty_like(dh_T)
    logs, graded, total = np.zeros((B, H)), np.zeros(B, np.bool_), np.zeros(B)
    for t in range(T - 1, -1, -1):
        _log_norms(delta, logs, graded, total, log_norms[T - 1 - t])
        through_activation(delta, logs, graded, total, x, h, t, W_xh, W_hh, b_h, activation, a, dz[t])
        for b in range(B):
            total[b] += 0.0 if graded[b] else _normalise(dz[t, b])
            log_scales[t, b] = total[b]
        through_weights(dz[t], W_hh, delta, logs, graded, total)
    _log_norms(delta, logs, graded, total, log_norms[T])
    log_scale = log_scales.max()
    for t in range(T):
        for b in range(B):
            if log_scale > -np.inf:
                dz[t, b] *= np.exp(log_scales[t, b] - log_scale)
    dW_xh = np.dot(_flat(x).T, _flat(dz))
    dW_hh = np.dot(_flat(h[:-1]).T, _flat(dz))
    db_h = np.zeros(H, h.dtype)
    add_rows(db_h, dz)
    return ScaledGradients(dW_xh, dW_hh, db_h, log_scale, log_norms)


@checked_border(_hidden_gradient_log_norms)
def hidden_gradient_log_norms(
    dh_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> np.ndarray:
    """Return (T+1, B) natural logs: row k is ln ||dL/dh_{T-k}|| of each sample, for a loss on the last state alone.

    dh_T: (B, H) gradient at h[T]. x: (T, B, I), or int64 symbols (T, B). h: (T+1, B, H) from `rnn_forward`.
    W_xh: (I, H). W_hh: (H, H). b_h: (H,).
    phi' is taken from the pre-activation, made anew of x and h, where the state rounds: tanh and sigmoid that are
    saturated to any depth keep their logarithm, as does a unit far below the others of its sample.
    An exactly zero gradient gives -inf from its lag on; a non-finite one gives nan or inf: look before you average.
    Sums are carried in float64 and rounded to the dtype once per row. Raises ValueError naming a bad argument.
    Pascanu, Mikolov, Bengio (2013), eq. 5.
    """
    check_arrays(dh_T=dh_T, x=x, h=h, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return _hidden_gradient_log_norms(dh_T, x, h, W_xh, W_hh, b_h, activation)


@checked_border(_rnn_backward_scaled)
def rnn_backward_scaled(
    dh_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> ScaledGradients:
    """Return (dW_xh, dW_hh, db_h, log_scale, log_norms) of BPTT; the true gradients are exp(log_scale) times these.

    For a loss on the last state alone, of any length: nothing overflows in float32, and saturated units have their
    phi', as in `hidden_gradient_log_norms`. Beside the largest gradient of a pre-activation, of all steps, samples and
    units, one is 0 where it leaves the dtype: of weights whose unit is that far below the others no digit is left.
    dh_T: (B, H) gradient at h[T]. x: (T, B, I). h: (T+1, B, H) from `rnn_forward`. W_xh: (I, H). W_hh: (H, H).
    b_h: (H,). Raises ValueError naming a bad argument.
    """
    check_arrays(dh_T=dh_T, x=x, h=h, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    if x.ndim == 2:
        raise ValueError(f"x must be float32 or float64 (T, B, I), got symbols {x.shape}")
    check_activation(activation)
    return _rnn_backward_scaled(dh_T, x, h, W_xh, W_hh, b_h, activation)
