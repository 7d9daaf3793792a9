"""The compiled code that moves rows does what the plain Python form says, beside what is left of a vector too."""

import numpy as np
import pytest

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.rows import move_rows


@jit
def compiled_move_rows(*arguments):
    move_rows(*arguments)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("columns", [0, 1, 3, 4, 7, 8, 15, 16, 17, 33, 40])
def test_the_compiled_form_does_what_the_plain_one_says(dtype, keep, columns):
    generator = np.random.default_rng(0)
    out, A = (generator.standard_normal(shape).astype(dtype) for shape in ((5, 50), (6, 47)))
    for rows in (0, 1, 4):
        plain, compiled = out.copy(), out.copy()
        arguments = (A, 5, 47, rows, columns, keep)
        move_rows(plain, 7, 50, *arguments)
        compiled_move_rows(compiled, 7, 50, *arguments)
        np.testing.assert_array_equal(compiled, plain)
        assert (plain != out).sum() == rows * columns
