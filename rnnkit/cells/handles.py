"""Integers that stand for cells in compiled code, and the table behind them.

A handle is a cell with its constants; those of the shipped cells are 0, 1, ... in the order of `CELLS`. The table has
for each the address of its words (`rnnkit.cells.descriptor`), in which stand the addresses of its loops: at first those
of functions that compile the loop, or load it from the cache, when compiled code first calls it. Python calls `provide`
before: from within compiled code neither an error nor Ctrl-C can be handed on.
"""

import ctypes
import os
import traceback
from functools import partial

import llvmlite.binding as llvm
import numpy as np
from numba import config

from rnnkit._compile.internals import global_compiler_lock
from rnnkit._compile.pointer_slots import slot_name
from rnnkit.cells.cell import Cell
from rnnkit.cells.descriptor import BACKWARD, CONSTANTS, FORWARD, IN_ROWS, describe
from rnnkit.cells.loops import CALL, SourceOf, compiled, plain
from rnnkit.cells.source import backward_source, forward_source

DTYPES = ("float32", "float64")
MOST_CELLS = 65_536  # with other constants a cell is another one
SYMBOL = "rnnkit_cells"

_table = np.zeros(MOST_CELLS, np.int64)
SOURCES = {FORWARD: forward_source, BACKWARD: backward_source}
_words: list[np.ndarray] = []
_classes: list[type[Cell]] = []
_provided: set[tuple[int, int]] = set()
_handles: dict[Cell, int] = {}
_kept: list[object] = []  # what addresses in words point to
llvm.add_symbol(slot_name(SYMBOL), _table.ctypes.data)


def handle_of(cell: Cell) -> int:
    """Return the handle of a cell: the same for equal ones. Raises ValueError once there are too many."""
    with global_compiler_lock:  # held already where a loop is compiled
        if cell not in _handles:
            handle = len(_words)
            if handle == MOST_CELLS:
                raise ValueError(
                    f"cell must be one of at most {MOST_CELLS}, each with its constants, in one process, got one more"
                )
            _words.append(_words_of(cell))
            _classes.append(type(cell))
            _table[handle] = _words[handle].ctypes.data
            _handles[cell] = handle
        return _handles[cell]


def provide(handle: int, word: int, dtype: np.dtype) -> None:
    """Compile a loop of a cell, FORWARD or BACKWARD, or load it from the cache, unless that is done."""
    i = dtype.itemsize // 8
    if (handle, word + i) not in _provided and not config.DISABLE_JIT:
        _words[handle][word + i] = compiled(_classes[handle], SOURCES[word], DTYPES[i]).address
        _provided.add((handle, word + i))


def words_of(handle: int) -> np.ndarray:
    """Return the words of a cell; read-only for all but this file."""
    return _words[handle]


def in_rows(cell: Cell) -> bool:
    """Return whether a cell's state is made of one block alone, which it enters, as an Elman cell's."""
    return bool(words_of(handle_of(cell))[IN_ROWS])


def _words_of(cell: Cell) -> np.ndarray:
    words = describe(type(cell))
    for i, dtype in enumerate(DTYPES):
        with np.errstate(over="ignore"):  # a network of that dtype refuses it
            constants = np.array([*cell.constants.values(), 0], dtype)
        _kept.append(constants)
        words[CONSTANTS + i] = constants.ctypes.data
        for word, source_of in SOURCES.items():
            late = CALL(partial(_call_late, words, word + i, type(cell), source_of, dtype))
            _kept.append(late)
            words[word + i] = ctypes.cast(late, ctypes.c_void_p).value
    return words


def _call_late(words: np.ndarray, word: int, cls: type[Cell], source_of: SourceOf, dtype: str, *arguments: int) -> None:
    """Run a loop for the first time: compile it, or load it from the cache, and leave its address for later calls."""
    try:
        if config.DISABLE_JIT:
            plain(cls, source_of, dtype, *arguments)
        else:
            words[word] = compiled(cls, source_of, dtype).address
            CALL(int(words[word]))(*arguments)
    except BaseException:  # compiled code cannot hand an exception on, and would go on with wrong numbers
        traceback.print_exc()
        os._exit(1)
