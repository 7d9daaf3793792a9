"""Outlined code: machine code compiled once, which its callers find through a pointer slot.

Numba copies a compiled callee into the library of every caller, and LLVM works through each copy again: 0.65 s for the
tile of `rnnkit._compile.simd`, in each of some forty libraries. Here callers hold the name of a slot that holds an
address.
"""

import ctypes
import os
import traceback
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm

from rnnkit._compile.cache import FINGERPRINT
from rnnkit._compile.internals import global_compiler_lock

OUTLINED: list["Outlined"] = []


def slot_name(symbol: str) -> str:
    """Return the name of the slot: of these sources alone, or a user's cache would call others in its way."""
    return f"{symbol}_{FINGERPRINT}"


class Outlined:
    """A function behind the symbol of its slot; compiled when the first kernel is, or when it is first called."""

    def __init__(self, symbol: str, n_arguments: int, compile_: Callable[[], Any], at_once: bool = True) -> None:
        """Take a function that compiles and returns an object with the `address` of the machine code.

        n_arguments: numbers of 64 bits that are passed. at_once: see `rnnkit._compile.jit.jit_outlined`.
        """
        self.symbol, self._compile, self._compiled, self.at_once = symbol, compile_, None, at_once
        self._kind = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * n_arguments)
        self._late = self._kind(self._call_late)
        self._slot = ctypes.c_void_p(ctypes.cast(self._late, ctypes.c_void_p).value)
        llvm.add_symbol(slot_name(symbol), ctypes.addressof(self._slot))
        OUTLINED.append(self)

    def provide(self) -> None:
        """Compile, or load from the cache, unless that is done."""
        with global_compiler_lock:
            if self._compiled is None:
                self._compiled = self._compile()
                self._slot.value = self._compiled.address

    def _call_late(self, *arguments: int) -> None:
        """Provide what a caller that was loaded from a cache calls for the first time in this process."""
        try:
            self.provide()
            self._kind(self._slot.value)(*arguments)
        except BaseException:  # compiled code cannot hand an exception on, and would go on with wrong numbers
            traceback.print_exc()
            os._exit(1)
