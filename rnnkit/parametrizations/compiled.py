"""Parametrizations in compiled code, for trainings: where their functions are, and what they take beside weights."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import config
from numba.core.errors import NumbaError

from rnnkit._compile.jit import compile_map
from rnnkit.parametrizations.parametrization import Parametrization

OF_WEIGHTS, OF_PULLBACK, OF_FIXED, OF_CONSTANTS, NUMBER = range(5)  # addresses, and the number in this process
CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 7)  # V, dW, out, fixed, constants, H, blocks
_known: list[tuple[Parametrization | None, Any]] = [(None, None)]  # each with the arrays that its words point to


@cache
def words_of(parametrization: Parametrization | None, H: int, dtype: np.dtype) -> np.ndarray:
    """Return five words: the addresses of `weights` and `pullback`, compiled, of `fixed` and of the constants.

    All 0 for None; the same array for equal ones, for as long as this process runs.
    """
    if parametrization is None:
        return np.zeros(5, np.int64)
    fixed = parametrization.fixed(H)
    has_fixed = fixed is not None
    fixed = np.ascontiguousarray(np.zeros((1, 1)) if fixed is None else fixed, dtype)
    constants = np.array([*parametrization.constants.values(), 0], dtype)
    addresses = [0, 0] if config.DISABLE_JIT else _addresses(type(parametrization), has_fixed, dtype.name)
    _known.append((parametrization, (fixed, constants)))
    return np.array([*addresses, fixed.ctypes.data, constants.ctypes.data, len(_known) - 1], np.int64)


def plain(number: int) -> Parametrization:
    """Return a parametrization by its number."""
    return _known[number][0]


def run_compiled(parametrization: Parametrization, part: int, V: np.ndarray, dW: np.ndarray) -> np.ndarray:
    """Return W (OF_WEIGHTS) or dL/dV (OF_PULLBACK) of free weights (H, blocks H) by the compiled function."""
    H, out = len(V), np.empty_like(V)
    if config.DISABLE_JIT:
        return parametrization.of(V) if part == OF_WEIGHTS else parametrization.back(V, dW)
    words = words_of(parametrization, H, V.dtype)
    addresses = (V.ctypes.data, dW.ctypes.data, out.ctypes.data, words[OF_FIXED], words[OF_CONSTANTS])
    CALL(int(words[part]))(*map(int, addresses), H, V.shape[1] // H)
    return out


@cache
def _addresses(cls: type[Parametrization], has_fixed: bool, dtype: str) -> list[int]:
    return [_address(cls, f, n, has_fixed, dtype) for f, n in ((cls.weights, 1), (cls.pullback, 2))]


def _address(cls: type[Parametrization], function: Callable, n: int, has_fixed: bool, dtype: str) -> int:
    try:
        return compile_map(function, n, has_fixed, len(cls.constants), dtype).address
    except NumbaError as error:
        where = f"{function.__code__.co_filename}, line {function.__code__.co_firstlineno}: {cls.__name__}"
        said = " ".join(str(error).split())
        raise ValueError(f"{where}: {function.__name__} must be NumPy that numba compiles: {said}") from error
