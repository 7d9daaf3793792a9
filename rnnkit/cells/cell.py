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
follows: `rnnkit.cells.symbolic` has its expressions and their derivatives.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from rnnkit._with_constants import WithConstants
from rnnkit.cells.checks import check_contract

FirstValue = float | Callable[[np.random.Generator, int], np.ndarray]


class Cell(WithConstants):
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
    per_unit: ClassVar[Mapping[str, FirstValue]] = MappingProxyType({})
    keeps: ClassVar[str | None] = None
    writes: ClassVar[str | None] = None
    torch: ClassVar[str | None] = None

    @classmethod
    def check(cls) -> None:
        """Raise ValueError, with file and line, where a class is no cell."""
        check_contract(cls)

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
