"""Columns of rows into those of other rows."""

import numpy as np
import pytest

from rnnkit.kernels import rows

SUM_OF_FOUR = 4e-15  # the rounding of three additions of numbers near 1


@pytest.fixture
def draw():
    generator = np.random.default_rng(0)
    return lambda *shape: generator.standard_normal(shape)


@pytest.mark.parametrize(("n_out", "o", "n_a", "first", "n"), [(7, 0, 5, 0, 5), (5, 2, 9, 6, 3), (40, 3, 40, 20, 19)])
def test_columns_are_copied_or_added_and_the_others_stay(draw, n_out, o, n_a, first, n):
    out, a = draw(3, n_out), draw(4, n_a)
    copied, added = out.copy(), out.copy()
    rows.copy_columns(copied, n_out + o, a, 2 * n_a + first, 2, n)
    rows.add_columns(added, n_out + o, a, 2 * n_a + first, 2, n)
    there, others = slice(o, o + n), [j for j in range(n_out) if not o <= j < o + n]
    np.testing.assert_array_equal(copied[1:, there], a[2:, first : first + n])
    np.testing.assert_array_equal(added[1:, there], out[1:, there] + a[2:, first : first + n])
    for got in (copied, added):
        np.testing.assert_array_equal(got[:, others], out[:, others])
        np.testing.assert_array_equal(got[0], out[0])


def test_rows_of_symbols(draw):
    W_xh, x, delta = draw(4, 3), np.array([[0, 0, 0, 0, 0, 0], [1, 2, 0, 2, 3, 2]]), draw(6, 7)
    out, dW_xh = np.zeros((5, 6)), np.zeros((2, 4, 3))
    rows.move_symbol_rows(out, 1, W_xh, x, 1, 1, 5, 0)
    np.testing.assert_array_equal(out[:, 1:4], W_xh[x[1, 1:]])
    assert not out[:, [0, 4, 5]].any()
    rows.move_symbol_rows(out, 1, W_xh, x, 1, 1, 5, 1)
    np.testing.assert_array_equal(out[:, 1:4], 2 * W_xh[x[1, 1:]])
    rows.add_to_symbol_rows(dW_xh, 1, x, 1, 1, 5, delta, 7 + 2)
    expected = np.eye(4)[x[1, 1:]].T @ delta[1:, 2:5]
    np.testing.assert_allclose(dW_xh[1], expected, rtol=0, atol=SUM_OF_FOUR)
    assert not dW_xh[0].any()


def test_numbers_pick_no_rows(draw):
    out, dW_xh, x = np.zeros((5, 6)), np.zeros((1, 4, 3)), draw(2, 5, 4)
    rows.move_symbol_rows(out, 0, draw(4, 3), x, 1, 0, 5, 0)
    rows.add_to_symbol_rows(dW_xh, 0, x, 1, 0, 5, draw(5, 7), 0)
    assert not out.any()
    assert not dW_xh.any()
