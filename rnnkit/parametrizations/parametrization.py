"""What a parametrization of W_hh is: a map from free weights, which are trained, to the weights that run.

    class Antisymmetric(Parametrization):
        constants = {"gamma": 0.01}

        @staticmethod
        def weights(V, gamma):
            return V - V.T - gamma * np.eye(len(V))

        @staticmethod
        def pullback(V, dW, gamma):
            return dW - dW.T

V, W and their gradients are (H, H): each block of each recurrent matrix has a map of its own. W has a row for each unit
that a weight comes from. Both functions are NumPy that numba takes: training runs them compiled.
"""

import inspect
from typing import Any

import numpy as np

from rnnkit._with_constants import WithConstants


class Parametrization(WithConstants):
    """Subclasses give `weights`, its `pullback`, constants with their defaults, and where they need one `fixed`.

    weights(V[, fixed], constants...)        W of free weights V
    pullback(V, dW[, fixed], constants...)   dL/dV of dL/dW
    fixed(H)                                 an array (H, H) that is not trained; both functions then take it
    """

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class. Raises ValueError naming what is wrong."""
        super().__init__(**constants)
        self._fixed: dict[int, np.ndarray | None] = {}

    @classmethod
    def check(cls) -> None:
        """Raise ValueError where a class lacks a function, or one does not take what it is given."""
        check_functions(cls)

    def fixed(self, H: int) -> np.ndarray | None:
        """Return what both functions take beside V, (H, H), or None."""
        return None

    def of(self, V: np.ndarray) -> np.ndarray:
        """Return the weights (H, blocks H) of free weights V."""
        return self._by_blocks(type(self).weights, V)

    def back(self, V: np.ndarray, dW: np.ndarray) -> np.ndarray:
        """Return dL/dV (H, blocks H)."""
        return self._by_blocks(type(self).pullback, V, dW)

    def _kept(self, H: int) -> np.ndarray | None:
        """Return `fixed`, made once for each H."""
        if H not in self._fixed:
            self._fixed[H] = self.fixed(H)
        return self._fixed[H]

    def _by_blocks(self, function: Any, *arrays: np.ndarray) -> np.ndarray:
        H, dtype = len(arrays[0]), arrays[0].dtype
        fixed = self._kept(H)
        more = [*([] if fixed is None else [fixed.astype(dtype)]), *self.constants.values()]
        blocks = zip(*(np.split(a, a.shape[1] // H, axis=1) for a in arrays), strict=True)
        found = [function(*(np.ascontiguousarray(b) for b in block), *more) for block in blocks]
        return np.concatenate(found, axis=1).astype(dtype)


def check_functions(cls: type[Parametrization]) -> None:
    """Raise ValueError where a class lacks a function, or one does not take what it is given."""
    extra = () if cls.fixed is Parametrization.fixed else ("fixed",)
    for part, first in (("weights", ("V",)), ("pullback", ("V", "dW"))):
        wanted = (*first, *extra, *cls.constants)
        function = inspect.getattr_static(cls, part, None)
        if not isinstance(function, staticmethod):
            got = type(function).__name__
            raise ValueError(f"{cls.__name__}: {part} must be a staticmethod of ({', '.join(wanted)}), got {got}")
        takes = tuple(inspect.signature(function.__func__).parameters)
        if len(takes) != len(wanted):
            code, wanted, takes = function.__func__.__code__, ", ".join(wanted), ", ".join(takes)
            where = f"{code.co_filename}, line {code.co_firstlineno}: {cls.__name__}"
            raise ValueError(f"{where}: {part} must take ({wanted}), got ({takes})")
