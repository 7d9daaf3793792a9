"""What compiled code reads of a cell, and how it calls its loops."""

import numpy as np
from numba import carray
from numba.extending import overload

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.pointers import address_of, call_loop, words_at
from rnnkit.cells.descriptor import BACKWARD, BIASES, CONSTANTS, FORWARD, OF_X, RECURRENT, UNITS
from rnnkit.cells.handles import SYMBOL, words_of
from rnnkit.cells.loops import CALL

_table = address_of(SYMBOL)
MOST_WORDS = 1 << 20  # of which an array is told it has; what there is, the words themselves say


def words(cell):
    """Return the words of a cell; see `rnnkit.cells.descriptor`."""
    return words_of(cell)


@overload(words)
def _compiled_words(cell):
    def found(cell):
        return carray(words_at(carray(words_at(_table()), (MOST_WORDS,))[cell]), (MOST_WORDS,))

    return found


def run_loop(d, word, table, t, rows, size):
    """Run a loop of a cell, FORWARD or BACKWARD of its words d, on `size` numbers of each of some rows of a table.

    word: of float32, one more for float64. table: (pointers, 3); see `rnnkit.cells.source`.
    """
    CALL(int(d[word]))(table.ctypes.data, int(d[CONSTANTS + (word - FORWARD) % 2]), t, rows, size)


@overload(run_loop)
def _compiled_run_loop(d, word, table, t, rows, size):
    def run(d, word, table, t, rows, size):
        call_loop(d[word], table, d[CONSTANTS + (word - FORWARD) % 2], t, rows, size)

    return run


@jit
def rows_back(d, dh, a, a_row, h, b, b_row, delta, c, c_row, rows, H):
    """Take rows of dL/dh_t to dL/da_t, of a cell that is computed in rows: with one block and nothing saved.

    a, b, c: the elements where dh, h_t and delta begin; a_row, b_row, c_row: from one row to the next.
    """
    table = np.empty((5, 3), np.int64)
    set_row(table, 0, dh, a, 0, a_row)
    set_row(table, 2, h, b, 0, b_row)
    set_row(table, 4, delta, c, 0, c_row)
    run_loop(d, BACKWARD + h.itemsize // 8, table, 0, rows, H)


@jit
def set_row(table, k, array, at, per_step, per_row):
    """Point row k to an element of an array; per_step, per_row: elements to that of the next step, and row."""
    bytes_ = array.itemsize
    table[k, 0], table[k, 1], table[k, 2] = array.ctypes.data + at * bytes_, per_step * bytes_, per_row


@jit
def layer_sizes(cell, n_x, H):
    """Return how many numbers W_xh, all recurrent weights, b_h and the numbers of units have; `n_x`: inputs."""
    d = words(cell)
    return n_x * d[OF_X] * H, d[RECURRENT] * H * H, d[BIASES] * H, d[UNITS] * H
