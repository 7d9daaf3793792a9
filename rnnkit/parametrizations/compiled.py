"""Parametrizations in compiled code, for trainings: where their functions are, and what they take beside weights."""

from functools import cache
from typing import Any

import numpy as np
from numba import config

from rnnkit._compile.jit import compile_map
from rnnkit.parametrizations.parametrization import Parametrization

OF_WEIGHTS, OF_PULLBACK, OF_FIXED, OF_CONSTANTS, NUMBER = range(5)  # addresses, and the number in this process
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


@cache
def _addresses(cls: type[Parametrization], has_fixed: bool, dtype: str) -> list[int]:
    functions = ((cls.weights, 1), (cls.pullback, 2))
    return [compile_map(f, n, has_fixed, len(cls.constants), dtype).address for f, n in functions]
