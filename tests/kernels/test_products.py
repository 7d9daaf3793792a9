"""Packed products against NumPy, for every shape of a tile; the plain form of a tile against the compiled one."""

import numpy as np
import pytest

from rnnkit._compile.simd import tile
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.kernels.products import (
    add_outer_products,
    aligned,
    empty_pack,
    pack_columns,
    pack_rows,
    padded,
    product,
    spread_rows,
    tile_for,
)

EXACT = {np.float32: 1e-5, np.float64: 1e-14}  # sums of at most 9 products of numbers near 1
ROWS = [*range(1, 15), 20]
dtypes = pytest.mark.parametrize("dtype", EXACT)


@pytest.fixture
def draw():
    generator = np.random.default_rng(0)
    return lambda dtype, *shape: generator.standard_normal(shape).astype(dtype)


@dtypes
@pytest.mark.parametrize("N", [1, 7, 16, 17, 33, 70, 140, 270])
@pytest.mark.parametrize("transposed", [False, True])
def test_product(draw, dtype, N, transposed):
    for rows in ROWS:
        A, W = draw(dtype, rows, 9), draw(dtype, 5, N)
        C = draw(dtype, rows, padded(N, W.itemsize) + 3)
        P = empty_pack(*W.shape, W.dtype)
        if transposed:
            for first, n in ((0, N // 3), (N // 3, N - N // 3)):
                pack_columns(W.T[first : first + n].copy(), 0, P, first)
        else:
            pack_rows(W[:2], 0, N, P, 0)
            pack_rows(np.hstack([W[2:, :1], W[2:]]), 1, N, P, 2)
        for keep in (0, 1):
            got = C.copy()
            product(got, 0, A, 0, rows, P, tile_for(rows, len(P)), keep)
            expected = keep * C[:, :N] + A[:, :5] @ W
            np.testing.assert_allclose(got[:, :N], expected, rtol=0, atol=10 * EXACT[dtype])
            np.testing.assert_array_equal(got[:, -3:], C[:, -3:])


@dtypes
@pytest.mark.parametrize("K", ROWS)
@pytest.mark.parametrize("N", [1, 17, 33, 70])
def test_outer_products(draw, dtype, K, N):
    for n in (1, 2, 9):
        A, width = draw(dtype, n, K + 2), padded(N, np.dtype(dtype).itemsize)
        D, C = draw(dtype, n, spread_rows(N, A.itemsize)), draw(dtype, K, width)
        expected = C + A[:, :K].T @ D[:, :width]
        vectors = C.nbytes // K // VECTOR_BYTES
        add_outer_products(C, 0, K, vectors, A, 0, D, 0, n, tile_for(K, vectors))
        np.testing.assert_allclose(C, expected, rtol=0, atol=10 * EXACT[dtype])


@dtypes
def test_a_row_has_the_same_bytes_in_any_batch(draw, dtype):
    A, W = draw(dtype, 20, 33), draw(dtype, 33, 50)
    P = empty_pack(*W.shape, W.dtype)
    pack_rows(W, 0, 50, P, 0)
    whole, alone = (np.zeros((20, padded(50, W.itemsize)), dtype) for _ in range(2))
    product(whole, 0, A, 0, 20, P, tile_for(20, len(P)), 0)
    for row in range(20):
        product(alone, row * alone.shape[1], A, row * 33, 1, P, tile_for(1, len(P)), 0)
    np.testing.assert_array_equal(alone, whole)


@pytest.mark.parametrize("dtype", EXACT)
def test_arrays_begin_at_a_cache_line(dtype):
    for rows, columns in ((1, 1), (3, 5), (7, 16)):
        array = aligned(rows, columns, np.dtype(dtype))
        assert array.shape == (rows, columns)
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous


@pytest.mark.parametrize("n", [1, 16, 17, 128, 512])
def test_spread_rows_are_an_odd_number_of_cache_lines(n):
    for itemsize in (4, 8):
        length = spread_rows(n, itemsize)
        assert length >= n
        assert length * itemsize % 128 == 64


@pytest.mark.parametrize("rows", [*range(1, 30), 64, 519])
def test_tiles_are_of_known_shapes(rows):
    for vectors in range(1, 40):
        height, width = tile_for(rows, vectors)
        assert (height, width) in tile.SHAPES
        for last in (rows % height or height, height):
            assert (last, vectors % width or width) in tile.SHAPES
