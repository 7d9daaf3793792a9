"""Gradients of a batch taken back through one step, where phi' may leave the dtype: rows of numbers, or of logarithms.

A row of delta stands for delta[b] e^total[b]. Where some of its numbers would be lost beside the largest, by
derivatives of e^-20000 or by many small ones in a row, the row is graded: delta[b] holds signs, and logs[b] a logarithm
for each.

phi' is taken from the state while that tells it well, else from the pre-activation, computed again
(`rnnkit.cells.elman_derivatives`).
"""

import math

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.cells.elman_derivatives import is_saturated, log_derivative, times_derivatives
from rnnkit.kernels.engine.words import rows_back, words


@jit
def lost_below(a):
    """Return what beside 1 may be lost in products of arrays like a: far above the least number of the dtype."""
    return 1e-20 if a.itemsize == 4 else 1e-150


@jit
def pre_activations(x, h, t, W_xh, W_hh, b_h, a, z):
    """Set a to x[t] W_xh + h[t] W_hh + b_h; z: workspace."""
    np.dot(h[t], W_hh, a)
    if x.ndim == 3:  # known when compiled: the branch that is not taken is not in the code
        np.dot(x[t], W_xh, z)
        a += z
    else:
        for b in range(a.shape[0]):
            a[b] += W_xh[x[t, b]]
    a += b_h


@jit
def _log_of(v):
    return math.log(v) if v > 0 else -np.inf if v == 0 else np.nan if v != v else np.inf


@jit
def _loses_some(delta, z, saturated):
    """Return whether numbers of z come near the end of the dtype that are no zeros; no saturated derivative is 0."""
    least, lost = lost_below(z), False
    for j in range(z.size):
        lost |= abs(z[j]) < least and delta[j] != 0 and (saturated or z[j] != 0)
    return lost


@jit
def through_activation(delta, logs, graded, total, x, h, t, W_xh, W_hh, b_h, activation, a, z):
    """Take gradients at h[t + 1] (delta) to those at a_{t + 1}: z e^total by rows, and in logs where graded.

    delta becomes the signs of a graded row. a: workspace. total: of each row, moved where it is graded.
    """
    B, H = delta.shape
    saturated = is_saturated(h[t + 1], activation)
    if saturated:
        pre_activations(x, h, t, W_xh, W_hh, b_h, a, z)
        times_derivatives(delta, a, z, activation)
    else:
        rows_back(words(activation), delta, 0, H, h, (t + 1) * B * H, H, z, 0, H, B, H)
    for b in range(B):
        if not graded[b] and not _loses_some(delta[b], z[b], saturated):
            continue
        top = -np.inf
        for j in range(H):
            before = logs[b, j] if graded[b] else _log_of(np.float64(abs(delta[b, j]))) if saturated else 0.0
            derivative = (
                log_derivative(np.float64(a[b, j]), activation) if saturated else _log_of(np.float64(abs(z[b, j])))
            )
            logs[b, j] = before + derivative
            top = max(top, logs[b, j])
            delta[b, j] = np.sign(delta[b, j])
        graded[b], total[b] = True, total[b] + top
        for j in range(H):
            logs[b, j] = logs[b, j] - top if top > -np.inf else -np.inf
            z[b, j] = delta[b, j] * math.exp(logs[b, j]) if delta[b, j] != 0 else 0


@jit
def _sum_in_logs(signs, logs, w, out):
    """Set out to (sum of signs * e^logs * w divided by its largest term, the logarithm of that)."""
    top = -np.inf
    for j in range(w.size):
        if signs[j] != 0 and w[j] != 0:
            top = max(top, logs[j] + math.log(abs(np.float64(w[j]))))
    out[0], out[1] = 0.0, top
    if top > -np.inf:
        for j in range(w.size):
            if signs[j] != 0 and w[j] != 0:
                out[0] += signs[j] * np.sign(w[j]) * math.exp(logs[j] + math.log(abs(np.float64(w[j]))) - top)


@jit
def through_weights(z, W_hh, delta, logs, graded, total):
    """Take gradients at a_{t+1} to those at h[t]: delta = z W_hh^T; rows become graded no more where they can.

    A number of a graded row that comes out far below the row's largest is summed again in logarithms.
    """
    (B, H), least, pair = delta.shape, lost_below(z), np.empty(2)
    signs, found = np.empty(H), np.empty(H)
    kept = delta.copy() if graded.any() else delta
    np.dot(z, W_hh.T, delta)
    for b in range(B):
        if not graded[b]:
            continue
        signs[:] = kept[b]
        top, bottom = -np.inf, np.inf
        for k in range(H):
            pair[0], pair[1] = delta[b, k], 0.0
            if abs(pair[0]) < least:
                _sum_in_logs(signs, logs[b], W_hh[k], pair)
            found[k] = pair[1] + _log_of(abs(pair[0]))
            delta[b, k] = np.sign(pair[0])
            top = max(top, found[k])
            bottom = min(bottom, found[k]) if found[k] > -np.inf else bottom
        graded[b] = bottom - top < math.log(least) / 2
        total[b] += top
        for k in range(H):
            logs[b, k] = found[k] - top if top > -np.inf else -np.inf
            if not graded[b]:
                delta[b, k] = delta[b, k] * math.exp(logs[b, k]) if delta[b, k] != 0 else 0


@jit
def log_norm_of_signs(logs):
    """Return ln of the norm of numbers that have these logarithms, the largest of which is 0."""
    total = 0.0
    for log in logs:
        total += math.exp(2 * log)
    return 0.5 * math.log(total)
