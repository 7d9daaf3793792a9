"""The functions of a step in compiled code: plain arithmetic, which LLVM turns into SIMD code.

They are those of `rnnkit.cells.expressions`; whoever compiles takes them from here.

PyPI's numba has no vector math library: a loop over `math.tanh` calls libm once an element, 10 ns.

Largest error against 40-digit values on some 5,000 points, and time per element on one core with AVX-512 (AMD EPYC,
4,096 elements in [-3, 3]); `tests/cells/test_functions.py` measures the errors again:

| function | float64 ulp | float64 ns | float32 ulp | float32 ns |
|----------|-------------|------------|-------------|------------|
| tanh     | 2.4         | 1.0        | 2.0         | 0.4        |
| np.tanh  | 1.2         | 1.8        | 1.4         | 0.5        |
| sigmoid  | 2.0         | 0.9        | 2.0         | 0.4        |
| exp      | 1.0         | 1.0        | 1.0         | 0.4        |
| log1p    | 2.0         | 1.2        | 2.0         | 0.5        |
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from rnnkit._compile.jit import jit
from rnnkit.cells.expressions import exp, log1p, relu, sigmoid, tanh

# Constants of the float32 bodies: a bare Python float would widen the whole expression to float64.
_F = np.float32
_ONE, _TWO, _ZERO, _HALF = _F(1), _F(2), _F(0), _F(0.5)
_LOG2E, _LN2_HIGH, _LN2_LOW = _F(1.44269504), _F(0.693359375), _F(-2.12194440e-4)
_MAGIC = _F(12582912)  # 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits
_C2, _C3, _C4, _C5, _C6, _C7 = (_F(1 / math.factorial(n)) for n in range(2, 8))
_L1, _L2, _L3, _L4, _L5 = (_F(2 / n) for n in (3, 5, 7, 9, 11))
_SQRT2, _INF, _NAN = _F(math.sqrt(2)), _F(np.inf), _F(np.nan)


@jit
def _reduced_float64(x):
    """Return (k + magic, e^r - 1) with x = k ln 2 + r, |r| <= ln 2 / 2; Taylor to r^13, remainder below 2^-57 of r."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    k = shifted - 6755399441055744.0
    r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    p = 1.6059043836821613e-10 * r + 2.0876756987868099e-9
    p = p * r + 2.5052108385441719e-8
    p = p * r + 2.7557319223985891e-7
    p = p * r + 2.7557319223985893e-6
    p = p * r + 2.4801587301587302e-5
    p = p * r + 1.9841269841269841e-4
    p = p * r + 1.3888888888888889e-3
    p = p * r + 8.3333333333333333e-3
    p = p * r + 4.1666666666666667e-2
    p = p * r + 1.6666666666666667e-1
    p = p * r + 0.5
    return shifted, p * r * r + r


@jit
def _reduced_float32(x):
    """Return the same in float32; Taylor to r^7, remainder below 2^-25 of r."""
    shifted = x * _LOG2E + _MAGIC
    k = shifted - _MAGIC
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    p = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    return shifted, p * r * r + r


@jit
def exp_parts_float64(x):
    """Return (2^k, e^r - 1) for x whose 2^k is a normal number, |x| <= 700."""
    shifted, em = _reduced_float64(x)
    return np.int64((np.float64(shifted).view(np.int64) << 52) + (1023 << 52)).view(np.float64), em


@jit
def exp_parts_float32(x):
    """Return the same in float32, |x| <= 86."""
    shifted, em = _reduced_float32(x)
    return np.int32((np.float32(shifted).view(np.int32) << 23) + (127 << 23)).view(np.float32), em


@jit
def _exp_float64(a):
    x = 710.0 if a > 710.0 else -746.0 if a < -746.0 else a
    shifted, em = _reduced_float64(x)
    k = np.float64(shifted).view(np.int64) - 0x4338000000000000  # the magic's own bits
    half = k >> 1
    low, high = np.int64((half + 1023) << 52).view(np.float64), np.int64((k - half + 1023) << 52).view(np.float64)
    return (em + 1.0) * low * high  # one factor 2^k may be no normal number


@jit
def _exp_float32(a):
    x = _F(89) if a > _F(89) else _F(-104) if a < _F(-104) else a
    shifted, em = _reduced_float32(x)
    k = np.float32(shifted).view(np.int32) - np.int32(0x4B400000)
    half = k >> np.int32(1)
    low = np.int32((half + np.int32(127)) << np.int32(23)).view(np.float32)
    high = np.int32((k - half + np.int32(127)) << np.int32(23)).view(np.float32)
    return (em + _ONE) * low * high


@jit
def _log1p_float64(a):
    """Return ln(1 + a) = e ln 2 + ln m, m in [sqrt(.5), sqrt(2)), and what 1 + a has lost of a; ln m = 2 atanh s."""
    u = 1.0 + a
    bits = np.float64(u).view(np.int64)
    e, m = (bits >> 52) - 1023, np.int64((bits & 0xFFFFFFFFFFFFF) | (1023 << 52)).view(np.float64)
    large = m > 1.4142135623730951
    k, f = np.float64(e + 1 if large else e), (0.5 * m if large else m) - 1.0
    s, lost = f / (f + 2.0), (a - (u - 1.0)) / u
    z = s * s
    p = 2.0 / 21.0 + z * (2.0 / 23.0)
    p = 2.0 / 17.0 + z * (2.0 / 19.0 + z * p)
    p = 2.0 / 13.0 + z * (2.0 / 15.0 + z * p)
    p = 2.0 / 9.0 + z * (2.0 / 11.0 + z * p)
    p = 2.0 / 5.0 + z * (2.0 / 7.0 + z * p)
    p = z * (2.0 / 3.0 + z * p)
    found = k * 6.93147180369123816490e-1 + (2.0 * s + (s * p + (k * 1.90821492927058770002e-10 + lost)))
    return found if -1.0 < a < np.inf else a if a > 0.0 else -np.inf if a == -1.0 else np.nan


@jit
def _log1p_float32(a):
    """Return the same in float32."""
    u = _ONE + a
    bits = np.float32(u).view(np.int32)
    e = (bits >> np.int32(23)) - np.int32(127)
    m = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(127 << 23)).view(np.float32)
    large = m > _SQRT2
    k, f = np.float32(e + np.int32(1) if large else e), (_HALF * m if large else m) - _ONE
    s, lost = f / (f + _TWO), (a - (u - _ONE)) / u
    z = s * s
    p = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * _L5))))
    found = k * _LN2_HIGH + (_TWO * s + (s * p + (k * _LN2_LOW + lost)))
    return found if -_ONE < a < _INF else a if a > _ZERO else -_INF if a == -_ONE else _NAN


@jit
def _tanh_float64(a):
    x = abs(a)
    x = 20.0 if x > 20.0 else x  # tanh rounds to 1 from 19.1 on; nan passes, the comparison is false
    scale, em = exp_parts_float64(2.0 * x)
    em = em * scale + (scale - 1.0)  # expm1(2|a|): no cancellation near 0
    return math.copysign(em / (em + 2.0), a)


@jit
def _tanh_float32(a):
    x = abs(a)
    x = _F(10) if x > _F(10) else x  # tanh rounds to 1 from 9.1 on
    scale, em = exp_parts_float32(_TWO * x)
    em = em * scale + (scale - _ONE)
    return math.copysign(em / (em + _TWO), a)


@jit
def _sigmoid_float64(a):
    x = -abs(a)
    x = -700.0 if x < -700.0 else x  # keeps 2^k normal: the result stops at 1e-304 instead of 0
    scale, em = exp_parts_float64(x)
    e = em * scale + scale
    return (1.0 if a >= 0.0 else e) / (1.0 + e)


@jit
def _sigmoid_float32(a):
    x = -abs(a)
    x = _F(-86) if x < _F(-86) else x
    scale, em = exp_parts_float32(x)
    e = em * scale + scale
    return (_ONE if a >= _ZERO else e) / (_ONE + e)


@overload(tanh)
def _overload_tanh(a):
    return (lambda a: _tanh_float32(a)) if a == types.float32 else (lambda a: _tanh_float64(a))


@overload(sigmoid)
def _overload_sigmoid(a):
    return (lambda a: _sigmoid_float32(a)) if a == types.float32 else (lambda a: _sigmoid_float64(a))


@overload(exp)
def _overload_exp(a):
    return (lambda a: _exp_float32(a)) if a == types.float32 else (lambda a: _exp_float64(a))


@overload(log1p)
def _overload_log1p(a):
    return (lambda a: _log1p_float32(a)) if a == types.float32 else (lambda a: _log1p_float64(a))


@overload(relu)
def _overload_relu(a):
    return lambda a: type(a)(0) if a < type(a)(0) else a
