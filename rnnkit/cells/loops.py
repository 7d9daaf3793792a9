"""The loops of a cell as machine code: compiled for a dtype on first use, and kept for later processes.

No two pointers of a loop overlap, and LLVM is told so: otherwise it checks each pair before the loop, gives up on
vectors from some 16 pointers on, and computes small layers one number at a time. That flag, and the cache, are numba's
own and not public (`rnnkit._compile.jit`).
"""

import ctypes
import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import compile_loop
from rnnkit._compile.simd.pointers import pointer_at
from rnnkit.cells import functions
from rnnkit.cells.cell import Cell
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import WORDS, Source

FUNCTIONS = ("tanh", "sigmoid", "relu", "exp", "log1p")
NAMES = {name: getattr(functions, name) for name in FUNCTIONS} | {"pointer_at": pointer_at}
CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 5)  # table, constants, step, rows, size
SourceOf = Callable[[Plan], Source]


class Loop(NamedTuple):
    """A compiled loop and where its `call` is; see `rnnkit.cells.source`."""

    source: Source
    address: int

    def run(self, arrays: dict[str, np.ndarray], constants: np.ndarray) -> None:
        """Run it on C-contiguous arrays of one size and of its dtype, by name; nothing is checked."""
        size = next(iter(arrays.values())).size
        self.run_rows({name: a.reshape(-1) for name, a in arrays.items()}, constants, (1, size))

    def run_rows(self, arrays: dict[str, np.ndarray], constants: np.ndarray, shape: tuple[int, ...]) -> None:
        """Run it on arrays of this shape; one of its last axis alone is the same for all rows."""
        table = np.zeros((len(self.source.pointers), WORDS), np.int64)
        table[:, 0] = [arrays[name].ctypes.data for name in self.source.pointers]
        table[:, 2] = [shape[-1] if arrays[name].size > shape[-1] else 0 for name in self.source.pointers]
        rows = math.prod(shape[:-1])
        CALL(self.address)(table.ctypes.data, constants.ctypes.data, 0, rows, shape[-1])


@cache
def compiled(cls: type[Cell], source_of: SourceOf, dtype: str) -> Loop:
    """Return a compiled loop. source_of: `forward_source` or `backward_source`; dtype: float32 or float64."""
    source = source_of(Plan(cls))
    return Loop(source, compile_loop(source.text, NAMES, dtype).address)


def plain(cls: type[Cell], source_of: SourceOf, dtype: str, *arguments: int) -> None:
    """Do what `call` of a compiled loop does, in the interpreter."""
    (table, constants, step, rows, size), kind = arguments, np.dtype(dtype)
    source, names = source_of(Plan(cls)), {name: getattr(functions, name) for name in FUNCTIONS}
    exec(source.text, names)
    pointers = _numbers(table, np.dtype(np.int64), WORDS * len(source.pointers)).reshape(-1, WORDS)
    places = []
    for address, per_step, per_row in pointers[[source.pointers.index(name) for name in source.used]].tolist():
        places += [_numbers(address + step * per_step, kind, (rows - 1) * per_row + size), per_row]
    with np.errstate(all="ignore"):  # compiled code does not warn either
        names["loop"](*places, _numbers(constants, kind, len(cls.constants)), rows, size)


def _numbers(address: int, dtype: np.dtype, n: int) -> np.ndarray:
    return np.ctypeslib.as_array((np.ctypeslib.as_ctypes_type(dtype) * n).from_address(address))
