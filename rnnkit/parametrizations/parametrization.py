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
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from rnnkit._arguments import number


class Parametrization:
    """Subclasses give `weights`, its `pullback`, constants with their defaults, and where they need one `fixed`.

    weights(V[, fixed], constants...)        W of free weights V
    pullback(V, dW[, fixed], constants...)   dL/dV of dL/dW
    fixed(H)                                 an array (H, H) that is not trained; both functions then take it
    """

    constants: ClassVar[Mapping[str, float]] = MappingProxyType({})

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class. Raises ValueError naming what is wrong."""
        check(type(self))
        for name in constants:
            if name not in self.constants:
                known = f"one of {', '.join(self.constants)}" if self.constants else "none"
                raise ValueError(f"a constant of {self.name} must be {known}, got {name}")
        given = {name: number(name, value) for name, value in constants.items()}
        self.constants = MappingProxyType(dict(self.constants) | given)

    def fixed(self, H: int) -> np.ndarray | None:
        """Return what both functions take beside V, (H, H), or None."""
        return None

    @property
    def name(self) -> str:
        """Return its name: of the class, in small letters for those that are shipped."""
        cls = type(self)
        return cls.__name__.lower() if cls.__module__.startswith(__name__.rpartition(".")[0]) else cls.__name__

    def of(self, V: np.ndarray) -> np.ndarray:
        """Return the weights (H, blocks H) of free weights V."""
        return self._by_blocks(type(self).weights, V)

    def back(self, V: np.ndarray, dW: np.ndarray) -> np.ndarray:
        """Return dL/dV (H, blocks H)."""
        return self._by_blocks(type(self).pullback, V, dW)

    def _by_blocks(self, function: Any, *arrays: np.ndarray) -> np.ndarray:
        H, dtype = len(arrays[0]), arrays[0].dtype
        fixed = self.fixed(H)
        more = [*([] if fixed is None else [fixed.astype(dtype)]), *self.constants.values()]
        blocks = zip(*(np.split(a, a.shape[1] // H, axis=1) for a in arrays), strict=True)
        found = [function(*(np.ascontiguousarray(b) for b in block), *more) for block in blocks]
        return np.concatenate(found, axis=1).astype(dtype)

    def __repr__(self) -> str:
        """Return the line that makes it."""
        constants = ", ".join(f"{name}={value!r}" for name, value in self.constants.items())
        return f"{type(self).__name__}({constants})"

    def __eq__(self, other: object) -> bool:
        """Return whether both are of one class with the same constants."""
        return type(other) is type(self) and dict(other.constants) == dict(self.constants)

    def __hash__(self) -> int:
        """Return a hash of the class and the constants."""
        return hash((type(self), *self.constants.values()))

    def __reduce__(self) -> tuple:
        """Copy and pickle as the class and its constants, which as a mapping cannot be pickled."""
        return _rebuild, (type(self), dict(self.constants))


def _rebuild(cls: type[Parametrization], constants: dict[str, float]) -> Parametrization:
    return cls(**constants)


def check(cls: type[Parametrization]) -> None:
    """Raise ValueError where a class lacks a function, or one does not take what it is given."""
    extra = () if cls.fixed is Parametrization.fixed else ("fixed",)
    for part, first in (("weights", ("V",)), ("pullback", ("V", "dW"))):
        wanted = (*first, *extra, *cls.constants)
        function = inspect.getattr_static(cls, part, None)
        if not isinstance(function, staticmethod):
            raise ValueError(f"{cls.__name__}: {part} must be a staticmethod of ({', '.join(wanted)})")
        takes = tuple(inspect.signature(function.__func__).parameters)
        if len(takes) != len(wanted):
            line = function.__func__.__code__
            where = f"{line.co_filename}, line {line.co_firstlineno}"
            raise ValueError(
                f"{where}: {cls.__name__}: {part} must take ({', '.join(wanted)}), got ({', '.join(takes)})"
            )
