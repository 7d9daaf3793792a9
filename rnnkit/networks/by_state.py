"""One array for each state of a cell, by its name."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np


class ByState(tuple):
    """Arrays by the names of a cell's states: `found.h`, of an LSTM `found.c`; as a tuple in the cell's order."""

    def __new__(cls, **arrays: Any) -> "ByState":
        """Take an array by each name."""
        self = super().__new__(cls, arrays.values())
        self.names = tuple(arrays)
        return self

    @classmethod
    def of(cls, names: tuple[str, ...], arrays: Iterable[Any]) -> Self:
        """Return arrays under these names: in a small net's call the other form shows."""
        self = tuple.__new__(cls, arrays)
        self.names = names
        return self

    def __getattr__(self, name: str) -> Any:
        if name != "names" and name in self.names:
            return self[self.names.index(name)]
        of = f" of states {', '.join(self.names)}" if name != "names" else ""
        raise AttributeError(f"{type(self).__name__}{of} has no {name}")

    def asdict(self) -> dict[str, Any]:
        """Return the arrays by name."""
        return dict(zip(self.names, self, strict=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={a!r}' for name, a in self.asdict().items())})"

    def __reduce__(self) -> tuple:
        """Copy and pickle by the names."""
        return _rebuild, (type(self), self.asdict())


def _rebuild(cls: type[ByState], arrays: dict[str, Any]) -> ByState:
    return cls(**arrays)


class State(ByState):
    """States of every direction of every layer, from below: each (layers x directions, B, H)."""


class Hidden(ByState):
    """All of the gradients of the states of one direction, dL/dh_t (T, B, H) and so on; 0 at padded steps.

    Of a state that others of the same step are made of, as an LSTM's c, with the paths through them.
    """


class LogNorms(ByState):
    """ln of the norms of the gradients of the states of one direction, each (T, B): ln ||dL/dh_t|| and so on."""

    @property
    def joint(self) -> np.ndarray:
        """Ln of the norm over all states of a unit together."""
        with np.errstate(invalid="ignore"):  # what is not finite stays so
            return 0.5 * np.logaddexp.reduce([2 * a for a in self])
