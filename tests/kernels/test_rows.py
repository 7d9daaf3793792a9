"""Rows of different lengths: the columns that both have are meant, the others stay."""

import numpy as np
import pytest

from rnnkit.kernels import rows

SUM_OF_FOUR = 4e-15  # the rounding of three additions of numbers near 1
LENGTHS = pytest.mark.parametrize(("wide", "narrow"), [(7, 5), (5, 5), (16, 1)])


@pytest.fixture
def draw():
    generator = np.random.default_rng(0)
    return lambda *shape: generator.standard_normal(shape)


@LENGTHS
def test_what_both_have_is_copied_or_added(draw, wide, narrow):
    for n_out, n_a in ((wide, narrow), (narrow, wide)):
        out, a = draw(3, n_out), draw(4, n_a)
        copied, added = out.copy(), out.copy()
        rows.copy_columns(copied, a)
        rows.add_columns(added, a)
        np.testing.assert_array_equal(copied[:, :narrow], a[:3, :narrow])
        np.testing.assert_array_equal(added[:, :narrow], out[:, :narrow] + a[:3, :narrow])
        for got in (copied, added):
            np.testing.assert_array_equal(got[:, narrow:], out[:, narrow:])


def test_columns_from_a_place_on(draw):
    out, a = np.zeros((2, 3)), draw(2, 9)
    rows.copy_columns_from(out, a, 5)
    np.testing.assert_array_equal(out, a[:, 5:8])


def test_rows_of_symbols(draw):
    W_xh, symbols, delta = draw(4, 3), np.array([[2, 0], [2, 3], [2, 2]]), draw(7, 5)
    out, dW_xh = np.zeros((2, 6)), np.zeros((4, 3))
    rows.copy_symbol_rows(out, W_xh, symbols[1])
    np.testing.assert_array_equal(out[:, :3], W_xh[[2, 3]])
    assert not out[:, 3:].any()
    rows.add_to_symbol_rows(dW_xh, symbols, delta)
    expected = np.eye(4)[symbols.ravel()].T @ delta[:6, :3]
    np.testing.assert_allclose(dW_xh, expected, rtol=0, atol=SUM_OF_FOUR)
