"""Packed products against NumPy, for every shape of a tile; the plain form of a tile against the compiled one."""

import numpy as np
import pytest

from rnnkit import _tile
from rnnkit._jit import jit
from rnnkit.kernels.products import add_outer_products, add_product, pack, pack_transposed, padded, spread_rows

EXACT = {np.float32: 1e-5, np.float64: 1e-14}  # sums of at most 9 products of numbers near 1
ROWS = [*range(1, 15), 20]
dtypes = pytest.mark.parametrize("dtype", EXACT)


@pytest.fixture
def draw():
    generator = np.random.default_rng(0)
    return lambda dtype, *shape: generator.standard_normal(shape).astype(dtype)


@dtypes
@pytest.mark.parametrize("N", [1, 7, 8, 9, 33, 70])
@pytest.mark.parametrize("transposed", [False, True])
def test_product(draw, dtype, N, transposed):
    for rows in ROWS:
        A, W = draw(dtype, 1, rows, 9), draw(dtype, 5, N)
        C = draw(dtype, rows, padded(N, W.itemsize))
        expected = C[:, :N] + A[0, :, 2:7] @ W
        add_product(C, A[:, :, 2:7], pack_transposed(W.T.copy()) if transposed else pack(W))
        np.testing.assert_allclose(C[:, :N], expected, rtol=0, atol=10 * EXACT[dtype])


@dtypes
@pytest.mark.parametrize("K", ROWS)
@pytest.mark.parametrize("N", [1, 9, 33])
def test_outer_products(draw, dtype, K, N):
    for T, rows in ((1, 1), (3, 1), (1, 3), (4, 2)):
        A, n = draw(dtype, T, rows + 2, K)[:, 1 : rows + 1], padded(N, np.dtype(dtype).itemsize)
        D, C = draw(dtype, T, rows, spread_rows(n, A.itemsize)), draw(dtype, K, n)
        expected = C + np.einsum("trk,trn->kn", A, D[:, :, :n])
        add_outer_products(C, A, D)
        np.testing.assert_allclose(C, expected, rtol=0, atol=10 * EXACT[dtype])


@dtypes
def test_a_row_has_the_same_bytes_in_any_batch(draw, dtype):
    A, W = draw(dtype, 1, 20, 33), draw(dtype, 33, 50)
    whole, alone = (np.zeros((20, padded(50, W.itemsize)), dtype) for _ in range(2))
    add_product(whole, A, pack(W))
    for row in range(20):
        add_product(alone[row : row + 1], A[:, row : row + 1].copy(), pack(W))
    np.testing.assert_array_equal(alone, whole)


@jit
def compiled_tile(*arguments):
    _tile.add_tile(*arguments)


@dtypes
@pytest.mark.parametrize(("rows", "vectors"), [(n, w) for n, widths in _tile.WIDTHS.items() for w in widths])
def test_the_compiled_tile_does_what_the_plain_one_says(draw, dtype, rows, vectors):
    lanes = _tile.VECTOR_BYTES // np.dtype(dtype).itemsize
    C, A, P = draw(dtype, rows + 1, 70), draw(dtype, 200), draw(dtype, 600)
    arguments = (A, 5, 9, 60, 2, P, 3, lanes + 1, 150, 70, 2, 3, rows, vectors)
    plain, compiled = C.copy(), C.copy()
    _tile.add_tile(plain, 4, 70, *arguments)
    compiled_tile(compiled, 4, 70, *arguments)
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=10 * EXACT[dtype])
    assert (plain != C).sum() == rows * vectors * lanes


@pytest.mark.parametrize("n", [1, 16, 17, 128, 512])
def test_spread_rows_are_an_odd_number_of_cache_lines(n):
    for itemsize in (4, 8):
        length = spread_rows(n, itemsize)
        assert length >= n
        assert length * itemsize % 128 == 64
