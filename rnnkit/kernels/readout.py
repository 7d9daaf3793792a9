"""The affine output y = h W_hy + b_y, forward and backward, in the packed products of the sequence kernels.

Not `np.dot`: a BLAS leaves threads that go on spinning, and the sequence kernels on all cores that come next wait for
them. Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 10.10, transposed.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.kernels._checks import check_arrays
from rnnkit.kernels.partition import CHUNK_ROWS
from rnnkit.kernels.products import (
    add_outer_products,
    aligned,
    empty_pack,
    pack_columns,
    pack_rows,
    padded,
    product,
    tile_for,
)
from rnnkit.kernels.rows import add_columns, copy_columns


class ReadoutGradients(NamedTuple):
    """Gradients of an affine output: (T, B, H), (H, O), (O,)."""

    dh: np.ndarray
    dW_hy: np.ndarray
    db_y: np.ndarray


@jit
def _readout_forward(h, W_hy, b_y):
    (T, B, H), O = h.shape, b_y.size  # noqa: E741
    y, P = np.empty((T, B, O), h.dtype), empty_pack(H, O, h.dtype)
    pack_rows(W_hy, 0, O, P, 0)
    y_rows = aligned(CHUNK_ROWS, P.shape[0] * P.shape[2], h.dtype)
    for first in range(0, T * B, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, T * B - first)
        for r in range(rows):
            copy_columns(y_rows, r * y_rows.shape[1], b_y, 0, 1, O)
        product(y_rows, 0, h.reshape(T * B, H), first * H, rows, P, tile_for(rows, P.shape[0]), 1)
        copy_columns(y, first * O, y_rows, 0, rows, O)
    return y


@jit
def _readout_backward(dy, h, W_hy):
    (T, B, O), H = dy.shape, h.shape[2]  # noqa: E741
    dh, P = np.empty_like(h), empty_pack(O, H, h.dtype)
    pack_columns(W_hy, 0, P, 0)
    width = padded(O, h.itemsize)
    vectors = width // (VECTOR_BYTES // h.itemsize)
    dy_rows, dh_rows = aligned(CHUNK_ROWS, width, h.dtype), aligned(CHUNK_ROWS, padded(H, h.itemsize), h.dtype)
    dW, db_y = np.zeros((H, width), h.dtype), np.zeros(O, h.dtype)
    for first in range(0, T * B, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, T * B - first)
        copy_columns(dy_rows, 0, dy, first * O, rows, O)
        product(dh_rows, 0, dy_rows, 0, rows, P, tile_for(rows, P.shape[0]), 0)
        copy_columns(dh, first * H, dh_rows, 0, rows, H)
        add_outer_products(dW, 0, H, vectors, h.reshape(T * B, H), first * H, dy_rows, 0, rows, tile_for(H, vectors))
        for r in range(rows):
            add_columns(db_y, 0, dy_rows, r * width, 1, O)
    dW_hy = np.empty((H, O), h.dtype)
    copy_columns(dW_hy, 0, dW, 0, H, O)
    return ReadoutGradients(dh, dW_hy, db_y)


@checked_border(_readout_forward)
def readout_forward(features: np.ndarray, W_hy: np.ndarray, b_y: np.ndarray) -> np.ndarray:
    """Return y (T, B, O) from features (T, B, H), W_hy (H, O), b_y (O,); ValueError names a bad argument."""
    check_arrays(features=features, W_hy=W_hy, b_y=b_y)
    return _readout_forward(features, W_hy, b_y)


@checked_border(_readout_backward)
def readout_backward(dy: np.ndarray, features: np.ndarray, W_hy: np.ndarray) -> ReadoutGradients:
    """Return (dh, dW_hy, db_y) of a loss with dL/dy = dy (T, B, O); other arguments as in `readout_forward`."""
    check_arrays(dy=dy, features=features, W_hy=W_hy)
    return _readout_backward(dy, features, W_hy)
