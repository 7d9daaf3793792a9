"""What a cell is: blocks of pre-activations, states, and the step of one unit between them.

    class Leaky(Cell):
        blocks = {"a": ("x", "h", "b")}
        states = ("h",)
        constants = {"alpha": 0.1}

        @staticmethod
        def step(a, h, alpha):
            return (1 - alpha) * h + alpha * tanh(a)

Each block is a linear map of what enters it, a_t = x_t W_x + h_{t-1} W_h + b; the step makes the new states of the
blocks, the states before, one trained number a unit for each of `per_unit`, and the constants, in this order. All else
follows: `rnnkit.cells.trace` has its expressions and their derivatives.
"""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from rnnkit._arguments import number
from rnnkit._user_files import is_user_module, only_class
from rnnkit.cells.checks import check_contract

FirstValue = float | Callable[[np.random.Generator, int], np.ndarray]


class Cell:
    """A recurrent unit by its equations; subclasses give what stands below, and a static method `step`.

    blocks     name -> what enters it: "x", states by name, "b" for a bias
    states     names; the first is the output, and what the layer above reads
    constants  name -> one number for all units, which an instance may change: Leaky(alpha=0.2)
    per_unit   name -> first value of a trained number for each unit, or a function of (rng, H) that returns (H,)
    keeps      the block of the gate that keeps the state, whose bias `forget_bias` and `chrono` set; or None
    writes     the block of the gate that lets the new in, which `chrono` sets to the opposite; or None
    torch      the class of torch.nn that has these equations, and its gates in the order of these blocks; or None

    Raises ValueError with file and line where a subclass is not that.
    """

    blocks: ClassVar[Mapping[str, tuple[str, ...]]]
    states: ClassVar[tuple[str, ...]]
    constants: ClassVar[Mapping[str, float]] = MappingProxyType({})
    per_unit: ClassVar[Mapping[str, FirstValue]] = MappingProxyType({})
    keeps: ClassVar[str | None] = None
    writes: ClassVar[str | None] = None
    torch: ClassVar[str | None] = None

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class."""
        check_contract(type(self))
        for name in constants:
            if name not in self.constants:
                known = f"one of {', '.join(self.constants)}" if self.constants else "none"
                raise ValueError(f"a constant of {type(self).__name__} must be {known}, got {name}")
        given = {name: number(name, value) for name, value in constants.items()}
        self.constants = MappingProxyType(dict(self.constants) | given)

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """Return the names of what `step` takes, in order."""
        return (*cls.blocks, *cls.states, *cls.per_unit, *cls.constants)

    @classmethod
    def entered(cls) -> dict[str, tuple[str, ...]]:
        """Return the blocks that x, each state and b enter, by these names."""
        names = ("x", *cls.states, "b")
        return {name: tuple(block for block, inputs in cls.blocks.items() if name in inputs) for name in names}

    @classmethod
    def recurrent(cls) -> dict[str, str]:
        """Return the names of the recurrent weights, W_hh of a state h, by the states that enter blocks."""
        return {state: f"W_{state}h" for state in cls.states if cls.entered()[state]}

    @property
    def name(self) -> str:
        """Return its name: of the class, in small letters for those that are shipped."""
        cls = type(self)
        return cls.__name__.lower() if cls.__module__.startswith("rnnkit.cells.") else cls.__name__

    @property
    def shown(self) -> str:
        """Return how it is asked for: its name, with its constants where it has some."""
        return repr(self) if self.constants else self.name

    def __repr__(self) -> str:
        """Return the line that makes it."""
        constants = ", ".join(f"{name}={value!r}" for name, value in self.constants.items())
        return f"{type(self).__name__}({constants})"

    def __reduce__(self) -> tuple:
        """Copy and pickle as the class, or the file that defines it, and its constants."""
        cls, module = type(self), sys.modules.get(type(self).__module__)
        from_file = is_user_module(cls.__module__) and module is not None
        return (
            (_from_file, (module.__file__, dict(self.constants)))
            if from_file
            else (_rebuild, (cls, dict(self.constants)))
        )

    def __eq__(self, other: object) -> bool:
        """Return whether both are of one class with the same constants."""
        return type(other) is type(self) and dict(other.constants) == dict(self.constants)

    def __hash__(self) -> int:
        """Return a hash of the class and the constants."""
        return hash((type(self), *self.constants.values()))


def _rebuild(cls: type[Cell], constants: dict[str, float]) -> Cell:
    return cls(**constants)


def _from_file(path: str, constants: dict[str, float]) -> Cell:
    return only_class(path, Cell, f"cell={path!r}")(**constants)
