"""What vanishes becomes zero inside the sequence kernels, and the caller's denormals stay as they were."""

import numpy as np
import pytest
from numba import config

from rnnkit import kernels, parallel
from rnnkit._jit import jit
from rnnkit._simd.denormals import FLUSH, flush_denormals, restore_denormals
from rnnkit.kernels import TANH

flushes = pytest.mark.skipif(config.DISABLE_JIT or not FLUSH, reason="compiled code for x86 and ARM alone")


def vanishing():
    """Return a net of 600 steps whose gradient passes through the denormals of float32."""
    rng, (T, B, I, H) = np.random.default_rng(0), (600, 16, 2, 32)  # noqa: E741
    x, W_xh, W_hh = (rng.standard_normal(shape) for shape in ((T, B, I), (I, H), (H, H)))
    net = (x, np.zeros((B, H)), W_xh, 0.7 * W_hh / np.sqrt(H), np.zeros(H))
    return tuple(a.astype(np.float32) for a in net)


def n_denormal(a):
    return int(((np.abs(a) > 0) & (np.abs(a) < np.finfo(a.dtype).tiny)).sum())


@flushes
@pytest.mark.parametrize("module", [kernels, parallel])
def test_what_vanishes_becomes_zero_and_the_callers_denormals_stay(module):
    net = vanishing()
    h = module.rnn_forward(*net, TANH)
    dx = module.rnn_backward(np.ones_like(h[0]), net[0], h, *net[2:4], TANH).dx
    assert n_denormal(dx) == 0
    assert (dx[0] == 0).all()
    assert dx[-1].all()
    tiny = np.full(1000, np.finfo(np.float32).tiny)
    assert n_denormal(tiny / 2) == tiny.size  # NumPy on this thread


@jit
def halves_under_each_mode(a):
    before = a / 2
    outer = flush_denormals()
    flushed = a / 2
    inner = flush_denormals()
    restore_denormals(inner)
    still = a / 2
    restore_denormals(outer)
    return before, flushed, still, a / 2


@flushes
def test_the_mode_of_a_caller_who_flushes_stays():
    tiny = np.full(1000, np.finfo(np.float64).tiny)
    halves = halves_under_each_mode(tiny)
    assert [n_denormal(a) for a in halves] == [tiny.size, 0, 0, tiny.size]


def test_plain_python_changes_nothing():
    assert flush_denormals() == 0
    assert restore_denormals(0) is None
