"""The loops of a cell as machine code: compiled for a dtype on first use, and kept for later processes.

No two pointers of a loop overlap, and LLVM is told so: otherwise it checks each pair before the loop, gives up on
vectors from some 16 pointers on, and computes small layers one number at a time. That flag, and the cache, are numba's
own and not public (`rnnkit._jit`).
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from rnnkit._jit import compile_loop
from rnnkit.cells import functions
from rnnkit.cells.cell import Cell
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import Source, backward_source, forward_source

NAMES = {name: getattr(functions, name) for name in ("tanh", "sigmoid", "relu", "exp", "log1p")}


class Loop(NamedTuple):
    """A compiled loop: the names of its pointers, and its address.

    As a C function it takes the pointers, one to the constants, and how many numbers they point to.
    """

    pointers: list[str]
    address: int

    def call(self, arrays: dict[str, np.ndarray], constants: np.ndarray) -> None:
        """Run it on C-contiguous arrays of one size and of its dtype; nothing is checked."""
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * (len(self.pointers) + 2))(self.address)
        function(
            *(arrays[name].ctypes.data for name in self.pointers), constants.ctypes.data, arrays[self.pointers[0]].size
        )


def forward_loop(cls: type[Cell], dtype: str) -> Loop:
    """Return the compiled loop of a step."""
    return _loop(cls, forward_source, dtype)


def backward_loop(cls: type[Cell], dtype: str) -> Loop:
    """Return the compiled loop of a step back."""
    return _loop(cls, backward_source, dtype)


@cache
def _loop(cls: type[Cell], source_of: Callable[[Plan], Source], dtype: str) -> Loop:
    source = source_of(Plan(cls))
    return Loop(source.pointers, compile_loop(source.text, NAMES, len(source.pointers) + 1, dtype).address)
