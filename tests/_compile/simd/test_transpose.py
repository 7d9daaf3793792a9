"""The compiled code that transposes blocks does what the plain Python form says, and a packed matrix is the matrix."""

import numpy as np
import pytest

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.transpose import transpose_blocks
from rnnkit._compile.simd.vectors import VECTOR_BYTES


@jit
def compiled_transpose_blocks(*arguments):
    transpose_blocks(*arguments)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_the_compiled_form_does_what_the_plain_one_says(dtype, blocks):
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    W, P = np.random.default_rng(0).standard_normal((lanes + 2, 4 * lanes + 3)).astype(dtype), np.zeros(5 * lanes**2)
    plain, compiled = P.astype(dtype), P.astype(dtype)
    start = W.shape[1] + 2  # its second row, third column
    for function, out in ((transpose_blocks, plain), (compiled_transpose_blocks, compiled)):
        function(out, 5, W, start, W.shape[1], blocks)
    np.testing.assert_array_equal(compiled, plain)
    n = blocks * lanes
    np.testing.assert_array_equal(plain[5 : 5 + n * lanes].reshape(n, lanes), W[1 : lanes + 1, 2 : 2 + n].T)
    assert (plain != 0).sum() == n * lanes
