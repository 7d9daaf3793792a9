"""What vanishes becomes zero inside the sequence kernels, and the caller's subnormals stay as they were."""

import numpy as np
import pytest
from numba import config

from rnnkit import kernels, parallel
from rnnkit._compile.jit import jit
from rnnkit._compile.simd.subnormals import FLUSH, flush_subnormals, restore_subnormals
from rnnkit.kernels import TANH

flushes = pytest.mark.skipif(config.DISABLE_JIT or not FLUSH, reason="compiled code for x86 and ARM alone")


def vanishing():
    """Return a net of 600 steps whose gradient passes through the subnormals of float32."""
    rng, (T, B, I, H) = np.random.default_rng(0), (600, 16, 2, 32)  # noqa: E741
    x, W_xh, W_hh = (rng.standard_normal(shape) for shape in ((T, B, I), (I, H), (H, H)))
    net = (x, np.zeros((B, H)), W_xh, 0.7 * W_hh / np.sqrt(H), np.zeros(H))
    return tuple(a.astype(np.float32) for a in net)


def n_subnormal(a):
    return int(((np.abs(a) > 0) & (np.abs(a) < np.finfo(a.dtype).tiny)).sum())


@flushes
@pytest.mark.parametrize("module", [kernels, parallel])
def test_what_vanishes_becomes_zero_and_the_callers_subnormals_stay(module):
    net = vanishing()
    h = module.rnn_forward(*net, TANH)
    dx = module.rnn_backward(np.ones_like(h[0]), net[0], h, *net[2:4], TANH).dx
    assert n_subnormal(dx) == 0
    assert (dx[0] == 0).all()
    assert dx[-1].all()
    tiny = np.full(1000, np.finfo(np.float32).tiny)
    assert n_subnormal(tiny / 2) == tiny.size  # NumPy on this thread


@jit
def halves_under_each_mode(a):
    before = a / 2
    outer = flush_subnormals()
    flushed = a / 2
    inner = flush_subnormals()
    restore_subnormals(inner)
    still = a / 2
    restore_subnormals(outer)
    return before, flushed, still, a / 2


@flushes
def test_the_mode_of_a_caller_who_flushes_stays():
    tiny = np.full(1000, np.finfo(np.float64).tiny)
    halves = halves_under_each_mode(tiny)
    assert [n_subnormal(a) for a in halves] == [tiny.size, 0, 0, tiny.size]


def test_plain_python_changes_nothing():
    assert flush_subnormals() == 0
    assert restore_subnormals(0) is None
