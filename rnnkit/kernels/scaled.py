"""BPTT of one direction of a layer whose numbers neither overflow nor vanish, and the norms of the gradients it meets.

Row b of what goes back stands for v 2^e[b]. Before each segment of steps the rows that have gone far from 1 are brought
back to it, by a power of 2: no digit changes. Everything is in float64.

`kept` says whether floats were enough. What a saturated unit's derivative loses when its state rounds is some 1e-16 of
the step's gradient: it does not show while norms stay above SHRINKS of those they come from. Where one does not, or is
zero, the norms are to be computed from derivatives as logarithms (`rnnkit.gradients.log_norms_back`).
"""

import math

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.kernels.engine.backward import backward_shard
from rnnkit.kernels.engine.team import no_team
from rnnkit.kernels.engine.weights import empty_dx, pack_backward, sum_parts, zero_sums
from rnnkit.kernels.partition import count_shards

SEGMENT = 16  # steps: from 2^RANGE, 1e60, each may grow by 1e5 until squares leave float64
RANGE = 200  # binary orders from 1
SHRINKS = 1e-4  # of a step: its result errs by 1e-16 of what it comes from, times a norm of weights below 100
LEAST = 1e-140  # a norm below has lost squares
NOTHING = -(1 << 40)  # the exponent of zero
LN_2 = math.log(2.0)


@jit
def scaled_backward_layer(dh, of_dh, x, W_xh, W_h, units, cell, states, apart, layout, carry, of_carry, total, with_x):
    """Take carry, times 2^of_carry, from after the last step to before the first; all numbers but exponents float64.

    dh (n, B, columns), of_dh (n, B): the loss at the last n steps, dh 2^of_dh; 0 beyond a row's length; n may be 0.
    x, W_xh, W_h, units, cell, states, layout: see `layer.py`. apart: 0, or how many rows of the states each step has to
    itself, as a layer of that one step would. carry (S, B, H), of_carry (B,) int64: changed.
    total: (weights of W_xh, W_h, b_h, units, in one row), their gradients, added up with one exponent for all rows;
    (0,) where nobody asks, and each row has its own. with_x: whether dx is used, and must keep its digits.
    Returns (dx (T, B, I), of_dx (T, B), log norms (S, T+1, B) with row t+1 of the states after step t, of_total, kept).
    """
    (T, B), (column, reverse, lengths), (S, _, H) = x.shape[:2], layout, carry.shape
    (h, inner, saved), more, before = states, states[0].shape[0] - T, T - dh.shape[0]
    packed, team, parts = pack_backward(x, W_xh, W_h, units, cell), no_team(), zero_sums(x, W_xh, cell)
    sums = np.empty_like(total)
    dx, of_dx, moved = empty_dx(x, W_xh.dtype), np.zeros((T, B), np.int64), np.zeros(B, np.int64)
    log_norms, above, kept, of_total = np.empty((S, T + 1, B)), np.zeros(B), True, NOTHING
    dx.fill(0)
    log_norms.fill(-np.inf)
    for done in range(0, T, 1 if apart else SEGMENT):
        n = 1 if apart else min(SEGMENT, T - done)
        start = done if reverse else T - done - n
        end = start + n
        first, last = max(start - before, 0), max(end - before, 0)
        if _far(carry, of_carry, dh, of_dh, first, last, column, total.size > 0, moved):
            of_total = _flush(parts, cell, W_xh, W_h, units, sums, total, of_total, of_carry[0])
            _move(carry, of_carry, above, moved)
        rows = slice(start * apart, end * apart) if apart else slice(start, end + more)
        own, lay = (h[rows], inner[:, rows].copy(), saved[start:end]), (column, reverse, _from(lengths, start))
        loss, hidden = _rescaled(dh[first:last], of_dh[first:last], of_carry), np.empty((S, n, B, H))
        for shard in range(count_shards(B)):
            back = carry, parts, hidden, team
            backward_shard(shard, loss, x[start:end], packed, cell, own, lay, dx[start:end], *back)
        for i in range(n):
            t = i if reverse else n - 1 - i
            kept &= _norms(hidden, t, dx, start + t, with_x, lay[2], of_carry, above, log_norms, start + t + 1)
            for b in range(B):
                of_dx[start + t, b] = of_carry[b]
    kept &= _norms(carry.reshape(S, 1, B, H), 0, dx, 0, False, lengths[:0], of_carry, above, log_norms, 0)
    of_total = _flush(parts, cell, W_xh, W_h, units, sums, total, of_total, of_carry[0])
    return dx, of_dx, log_norms, of_total, kept


@jit
def _from(lengths, start):
    """Return lengths that count from step `start`."""
    found = np.empty_like(lengths)
    for b in range(lengths.size):
        found[b] = lengths[b] - start
    return found


@jit
def _order(v, exponent):
    """Return the binary order of the largest of v times 2^exponent; that of what is no number does not matter."""
    largest = 0.0
    for a in v:
        largest = max(largest, abs(a))
    return math.frexp(largest)[1] + exponent if largest > 0 else NOTHING


@jit
def _far(carry, of_carry, dh, of_dh, first, last, column, common, moved):
    """Set moved (B,) to the binary orders by which rows have left 1, 0 for those near it; return whether any has.

    common: all rows go together, with the largest.
    """
    (S, B, H), largest, found = carry.shape, NOTHING, False
    for b in range(B):
        top = NOTHING
        for s in range(S):
            top = max(top, _order(carry[s, b], of_carry[b]))
        for t in range(first, last):
            top = max(top, _order(dh[t, b, column : column + H], of_dh[t, b]))
        largest = max(largest, top)
        moved[b] = top
    for b in range(B):
        top = largest if common else moved[b]
        moved[b] = top - of_carry[b] if top > NOTHING and abs(top - of_carry[b]) > RANGE else 0
        found |= moved[b] != 0
    return found


@jit
def _move(carry, of_carry, above, moved):
    """Divide each row by 2^moved."""
    for b in range(moved.size):
        of_carry[b] += moved[b]
        above[b] = math.ldexp(above[b], -moved[b])
        for s in range(carry.shape[0]):
            for j in range(carry.shape[2]):
                carry[s, b, j] = math.ldexp(carry[s, b, j], -moved[b])


@jit
def _rescaled(dh, of_dh, of_carry):
    """Return dh 2^(of_dh - of_carry)."""
    loss = np.empty_like(dh)
    for t in range(dh.shape[0]):
        for b in range(dh.shape[1]):
            by = max(of_dh[t, b] - of_carry[b], -3000)
            for j in range(dh.shape[2]):
                loss[t, b, j] = math.ldexp(dh[t, b, j], by) if by != 0 else dh[t, b, j]
    return loss


@jit
def _norms(hidden, i, dx, t, with_x, lengths, exponents, above, log_norms, row):
    """Write the log norms of hidden[:, i], and to above (B,) the largest; return whether all keep their digits."""
    S, B, kept = hidden.shape[0], hidden.shape[2], True
    norms = np.empty(S)
    for b in range(B):
        if lengths.size > 0 and i >= lengths[b]:
            continue
        here = 0.0
        for s in range(S):
            norms[s] = _norm(hidden[s, i, b])
            here = here if norms[s] <= here else norms[s]  # nan stays
            log_norms[s, row, b] = math.log(norms[s]) + exponents[b] * LN_2 if norms[s] > 0 else -np.inf
        come_from = above[b] if here < above[b] else here
        for s in range(S):
            kept &= come_from == 0 or (LEAST < norms[s] < np.inf and norms[s] >= SHRINKS * come_from)
        kept &= not with_x or here == 0 or SHRINKS * here <= _norm(dx[t, b]) < np.inf
        above[b] = here
    return kept


@jit
def _norm(v):
    """Return the Euclidean norm, of float64."""
    squares = 0.0
    for a in v:
        squares += a * a
    return math.sqrt(squares)


@jit
def _flush(parts, cell, W_xh, W_h, units, sums, total, of_total, exponent):
    """Add what has been summed of the weights, times 2^exponent, to total 2^of_total; return the new of_total."""
    if total.size == 0:
        return of_total
    xh, hh, u = W_xh.size, W_h.size, units.size
    b = total.size - xh - hh - u
    dW_xh = sums[:xh].reshape(W_xh.shape)
    sum_parts(parts, cell, dW_xh, sums[xh : xh + hh], sums[xh + hh : xh + hh + b], sums[xh + hh + b :])
    for part in parts[0], parts[2]:
        part.fill(0)
    parts[1].fill(0)
    if _order(sums, 0) == NOTHING and not np.isnan(_norm(sums)):
        return of_total
    top = max(of_total, exponent)
    for i in range(total.size):
        total[i] = math.ldexp(total[i], max(of_total - top, -3000)) + math.ldexp(sums[i], max(exponent - top, -3000))
    return top
