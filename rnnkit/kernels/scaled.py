"""BPTT of one direction of a layer by its local derivatives, whose numbers neither overflow nor vanish.

    g_s = dL/ds_t + sum over new states r made of s_t: g_r dr_t/ds_t             s, r: states of a unit
    delta = sum over s: g_s ds_t/da                                              a: its pre-activations
    dL/ds_{t-1} = sum over r: g_r dr_t/ds_{t-1}, and [dL/ds_{t-1}, dL/dx_t] += delta M        M: see `step_matrix`

Row r of what goes back stands for v 2^e[r], and comes back to about 1, by a power of 2, where it has gone far from it:
no digit changes. All is in float64. `kept` says whether that was enough: no number that is not zero has come near the
end of float64 beside the largest of its row, and all norms are finite. Where not, the gradients are to be computed as
logarithms (`rnnkit.gradients.log_norms_back`).
"""

import math

import numpy as np

from rnnkit._compile.jit import jit

RANGE = 200  # binary orders from 1: squares and a step's growth stay within float64
TINY = 1e-290  # floats below have fewer digits, or none
SUBNORMAL = 1e-305  # above where float64 has fewer digits
NOTHING = -(1 << 40)  # the order of zero
TOO_LARGE = 1 << 20  # the order of what is not finite
DEEPEST = -3000  # binary orders: what is shifted down by as many is zero
LN_2 = math.log(2.0)


@jit
def scaled_backward(dh, of_dh, k, paths, M, layout, carry, of_carry, deltas):
    """Take carry 2^of_carry from after the last step to before the first; all numbers but exponents are float64.

    dh (n, R, H), of_dh (n, R): the loss at the last n steps, dh 2^of_dh; n may be 0. R = m B rows: row r is of sample
    r % B, so that m losses can go back beside each other. k (derivatives, T, B, H). paths: rows (from, to, number in
    k), in turn of new states to states they are made of, in the order in which those are done, of states to blocks, to
    states before, to trained numbers of units; and the states that enter blocks, in the order of the columns of
    M (blocks H, columns). layout: reverse, lengths (B,) or (0,), T. carry (R, states H), of_carry (R,): changed.
    deltas: (T, R, blocks H) at the blocks and (T, R, units H) at the trained numbers, written; or both (0, 0, 0).
    Returns (dx (T, R, I), exponents (T, R) of dx and of deltas, log norms (S, T+1, R) with row t+1 of the states after
    step t, kept).
    """
    (B, H), R, (reverse, lengths, T), (of_blocks, of_units) = k.shape[2:], carry.shape[0], layout, deltas
    (to_new, to_blocks, to_before, to_units, entering), before = paths, T - dh.shape[0]
    S, recurrent, asked = carry.shape[1] // H, entering.size * H, of_blocks.shape[0] > 0
    dx, exponents = np.zeros((T, R, M.shape[1] - recurrent)), np.zeros((T, R), np.int64)
    log_norms, back, kept = np.empty((S, T + 1, R)), np.empty((R, M.shape[1])), True
    delta, new, orders = np.empty((R, M.shape[0])), np.empty((R, S * H)), np.zeros(R, np.int64)
    least = _least_factor(M)
    log_norms.fill(-np.inf)
    for done in range(T):
        t = done if reverse else T - 1 - done
        delta.fill(0)
        new.fill(0)
        for r in range(R):
            b = r % B
            if lengths.size > 0 and t >= lengths[b]:
                continue
            if t >= before:
                kept &= _enter(carry, of_carry, dh, of_dh, t - before, r)
            kept &= _through(to_new, carry, k, t, b, r, carry, TINY)
            orders[r] = _norms(carry, of_carry, r, H, log_norms, t + 1)
            kept &= _through(to_blocks, carry, k, t, b, r, delta, least)
            kept &= _through(to_before, carry, k, t, b, r, new, TINY)
            exponents[t, r] = of_carry[r]
            if asked:
                at_units = of_units[t]
                at_units[r] = 0
                kept &= _through(to_units, carry, k, t, b, r, at_units, TINY)
        if asked:
            of_blocks[t] = delta
        if M.shape[1] > 0:
            np.dot(delta, M, back)
        for r in range(R):
            if lengths.size > 0 and t >= lengths[r % B]:
                continue
            for i in range(entering.size):
                kept &= _take(new, entering[i] * H, back, i * H, r, H)
            kept &= _take(dx[t], 0, back, recurrent, r, dx.shape[2])
            for j in range(S * H):
                carry[r, j] = new[r, j]
            if abs(orders[r]) > RANGE and orders[r] != NOTHING:
                kept &= orders[r] < TOO_LARGE and _move(carry, of_carry, r, orders[r])
    for r in range(R):
        kept &= _norms(carry, of_carry, r, H, log_norms, 0) < TOO_LARGE
    return dx, exponents, log_norms, kept


@jit
def _least_factor(M):
    """Return what a number may be at least for no product with an entry of M to leave float64, but for zeros of M."""
    smallest = 1.0
    for i in range(M.shape[0]):
        for j in range(M.shape[1]):
            if 0 < abs(M[i, j]) < smallest:
                smallest = abs(M[i, j])
    return max(TINY, SUBNORMAL / smallest)


@jit
def _through(paths, g, k, t, b, r, out, least):
    """Add to row r of out what the gradients g give it by these paths; return whether no product is below `least`."""
    lost, H = 0, k.shape[3]
    for i in range(paths.shape[0]):
        from_, to, number = paths[i, 0] * H, paths[i, 1] * H, paths[i, 2]
        for j in range(H):
            a, d = g[r, from_ + j], k[number, t, b, j]
            lost |= (abs(a * d) < least) & (a != 0) & (d != 0)
            out[r, to + j] += a * d
    return lost == 0


@jit
def _take(out, at, back, start, r, n):
    """Add what a product has given to row r of out; return whether none of it is near the end of float64."""
    lost = 0
    for j in range(n):
        a = out[r, at + j] + back[r, start + j]
        lost |= (abs(a) < TINY) & (a != 0)
        out[r, at + j] = a
    return lost == 0


@jit
def _enter(carry, of_carry, dh, of_dh, i, r):
    """Add the loss dh[i, r] to the first state; return whether all of it is finite and none is lost."""
    largest, lost, H = 0.0, 0, dh.shape[2]
    for j in range(H):
        if not abs(dh[i, r, j]) < np.inf:  # a maximum would pass nan by
            return False
        largest = max(largest, abs(dh[i, r, j]))
    if largest == 0:
        return True
    order, kept = math.frexp(largest)[1] + of_dh[i, r], True
    if order - of_carry[r] > RANGE:
        kept = _move(carry, of_carry, r, order - of_carry[r])
    by = max(of_dh[i, r] - of_carry[r], DEEPEST)
    for j in range(H):
        a = math.ldexp(dh[i, r, j], by)
        lost |= (abs(a) < TINY) & (dh[i, r, j] != 0)
        carry[r, j] += a
    return kept and lost == 0


@jit
def _move(carry, of_carry, r, order):
    """Divide a row by 2^order; return whether nothing is lost."""
    lost = 0
    of_carry[r] += order
    for j in range(carry.shape[1]):
        a = math.ldexp(carry[r, j], -order)
        lost |= (abs(a) < TINY) & (carry[r, j] != 0)
        carry[r, j] = a
    return lost == 0


@jit
def _norms(carry, of_carry, r, H, log_norms, row):
    """Write ln of the norms of a row's states; return the largest's binary order, TOO_LARGE of what is not finite."""
    found = NOTHING
    for s in range(log_norms.shape[0]):
        largest, squares = 0.0, 0.0
        for j in range(s * H, (s + 1) * H):
            largest = max(largest, abs(carry[r, j]))
        order = math.frexp(largest)[1] if largest > 0 else 0
        scale = math.ldexp(1.0, -order) if abs(order) < 1000 else 1.0
        for j in range(s * H, (s + 1) * H):
            squares += (carry[r, j] * scale) * (carry[r, j] * scale)
        if squares != 0:  # nan too
            found = max(found, order if squares < np.inf else TOO_LARGE)
            log_norms[s, row, r] = 0.5 * math.log(squares) + (order + of_carry[r]) * LN_2
    return found
