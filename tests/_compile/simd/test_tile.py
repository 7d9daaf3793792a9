"""The compiled tile does what the plain Python form says, for every shape of a tile."""

import numpy as np
import pytest

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.tile import SHAPES, tile_product
from rnnkit._compile.simd.vectors import VECTOR_BYTES

EXACT = {np.float32: 1e-5, np.float64: 1e-14}  # sums of at most 9 products of numbers near 1


@jit
def compiled_tile(*arguments):
    tile_product(*arguments)


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_compiled_tile_does_what_the_plain_one_says(dtype, shape, keep):
    generator, (rows, vectors) = np.random.default_rng(0), shape
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    C, A, P = (generator.standard_normal(n).astype(dtype) for n in ((rows + 1, 150), 200, 1000))
    arguments = (A, 5, 9, 2, P, 3, lanes + 1, 150, 3, rows, vectors, keep)
    plain, compiled = C.copy(), C.copy()
    tile_product(plain, 4, 150, *arguments)
    compiled_tile(compiled, 4, 150, *arguments)
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=10 * EXACT[dtype])
    assert (plain != C).sum() == rows * vectors * lanes
