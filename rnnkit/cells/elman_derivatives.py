"""phi'(a) of Elman cells whose units are saturated, in compiled code: as numbers and as logarithms.

    ln tanh'(a) = ln 4 - 2 |a| - 2 ln(1 + e^{-2 |a|}),    ln sigmoid'(a) = -|a| - 2 ln(1 + e^{-|a|})

Those of any cell, in the interpreter: `rnnkit.gradients.precise`.
"""

import math

from rnnkit._compile.jit import jit
from rnnkit.cells.functions import sigmoid

TANH, SIGMOID = 0, 2  # handles: see `rnnkit.cells.handles`
_NEAR_ZERO = 1e-10  # far above e^-86 and e^-700, where the sigmoids stop
_LN_4 = math.log(4.0)


@jit
def is_saturated(h_t, activation):
    """Return whether the states leave phi' of some unit to rounding.

    From 1 - h = 2^-6 on float32 loses six bits of it, 4e-6, from 2^-20 on float64 twenty, 1e-10. A driven net meets
    the former at every step, and three products in place of one.
    """
    near_one, found = 1 - (2.0**-6 if h_t.itemsize == 4 else 2.0**-20), False
    if activation == TANH:
        for h in h_t.reshape(-1):
            found |= abs(h) > near_one
    elif activation == SIGMOID:
        for h in h_t.reshape(-1):
            found |= h > near_one or h < _NEAR_ZERO
    return found


@jit
def times_derivatives(delta, a, z, activation):
    """Set z to delta * phi'(a), of tanh or sigmoid; too small a derivative stops at the smallest sigmoid."""
    one = type(a[0, 0])(1)
    four, two = type(a[0, 0])(4), type(a[0, 0])(2)
    for b in range(a.shape[0]):
        if activation == TANH:
            for j in range(a.shape[1]):
                s = sigmoid(-two * abs(a[b, j]))
                z[b, j] = delta[b, j] * (four * s * (one - s))
        else:
            for j in range(a.shape[1]):
                s = sigmoid(-abs(a[b, j]))
                z[b, j] = delta[b, j] * (s * (one - s))


@jit
def log_derivative(a, activation):
    """Return ln phi'(a) of tanh or sigmoid."""
    if activation == TANH:
        return _LN_4 - 2 * abs(a) - 2 * math.log1p(math.exp(-2 * abs(a)))
    return -abs(a) - 2 * math.log1p(math.exp(-abs(a)))
