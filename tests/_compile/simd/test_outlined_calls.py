"""What kernels may hand to code compiled apart: it sees pointers, and would misread anything else."""

import numba
import numpy as np
import pytest
from numba import config
from numba.core.errors import TypingError

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.rows import move_rows
from rnnkit.kernels import rnn_cell_backward, rnn_forward

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")


@jit
def add_or_copy(out, A, keep):
    move_rows(out, 0, 4, A, 0, 4, np.int32(2), np.int32(3), keep)


def test_narrow_integers_are_widened():
    for keep in (True, False, np.int8(1), np.int8(0)):
        out, A = np.ones((2, 4)), np.full((2, 4), 5.0)
        add_or_copy(out, A, keep)
        assert (out[:, :3] == (6 if keep else 5)).all()


def test_two_dtypes_or_a_view_are_refused_when_compiled():
    float32, float64 = (np.zeros((2, 4), dtype) for dtype in (np.float32, np.float64))
    for out, A in ((float32, float64), (float64, np.zeros((2, 4), np.int64))):
        with pytest.raises(TypingError, match="all be float32 or all float64"):
            add_or_copy(out, A, 0)
    for A in (np.zeros((2, 8))[:, ::2], np.zeros((2, 4), order="F")):
        with pytest.raises(TypingError, match="C-contiguous"):
            add_or_copy(float64, A, 0)


@numba.njit
def users(x, h_0, W_xh, W_hh, b_h):
    return rnn_forward(x, h_0, W_xh, W_hh, b_h, 0)


def test_a_users_compiled_call_with_two_dtypes_is_refused():
    x, h_0, W_xh, W_hh, b_h = (np.zeros(shape, np.float32) for shape in ((2, 1, 1), (1, 3), (1, 3), (3, 3), (3,)))
    with pytest.raises(TypingError, match="all be float32 or all float64"):
        users(x.astype(np.float64), h_0, W_xh, W_hh, b_h)


@numba.njit
def steps_back(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    return rnn_cell_backward(dh_t, x_t, h_prev, h_t, W_xh, W_hh, 0)


def test_a_users_compiled_call_with_a_view_is_refused():
    x_t, h, W_xh, W_hh = (np.zeros(shape) for shape in ((3, 2), (3, 5), (2, 5), (5, 5)))
    with pytest.raises(TypingError, match="contiguous"):
        steps_back(np.zeros((3, 10))[:, :5], x_t, h, h, W_xh, W_hh)
