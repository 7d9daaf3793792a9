"""How the blocks of a cell lie side by side, and which matrix products make them.

A step enters u = [what enters the first product, 1 | 1, what enters the second | ...]; each product makes some blocks
that stand side by side, a[first : first + count], of some inputs. Inputs that enter the same blocks share a product:
an Elman cell or an LSTM has one, of [h, x, 1]; a GRU has its blocks in the order q, r, z, n, and two, of [h, 1] for q,
r, z and of [1, x] for r, z, n. Where no order of the blocks keeps those of an input together, it enters several.

The blocks that x enters always stand together and in their own order: symbols pick rows of W_xh as they are.
"""

from itertools import groupby, permutations
from typing import NamedTuple

from rnnkit.cells.cell import Cell

MOST_PERMUTED = 6  # blocks that x does not enter: above that they keep their order


class Group(NamedTuple):
    """One product: the inputs that enter it, and the blocks it makes, by position."""

    inputs: tuple[str, ...]
    first: int
    count: int


class Layout(NamedTuple):
    """order: the block at each position, by number. groups: the products, in their order.

    bias: for each position the number of the product that adds its bias, or None.
    """

    order: tuple[int, ...]
    groups: tuple[Group, ...]
    bias: tuple[int | None, ...]


def layout(cls: type[Cell]) -> Layout:
    """Return the order of the blocks that needs the fewest products."""
    order = min(_orders(cls), key=lambda order: len(_runs(cls, order)))
    runs = _runs(cls, order)
    groups = [
        Group(tuple(name for name in (*cls.states, "x") if (name, run) in runs), *run)
        for run in sorted({run for _, run in runs}, key=lambda run: (sum(run), run))  # by where they end
    ]
    entered = list(cls.blocks.values())
    covered = {position for group in groups for position in range(group.first, group.first + group.count)}
    groups += [Group((), position, 1) for position in range(len(order)) if position not in covered]  # of a bias alone
    bias = tuple(
        max(k for k, g in enumerate(groups) if g.first <= position < g.first + g.count)
        if "b" in entered[block]
        else None
        for position, block in enumerate(order)
    )
    return Layout(order, tuple(groups), bias)


def _orders(cls: type[Cell]) -> list[tuple[int, ...]]:
    """Return orders of the blocks with those of x together; the first is nearest to the cell's own."""
    of_x = tuple(k for k, inputs in enumerate(cls.blocks.values()) if "x" in inputs)
    others = [k for k in range(len(cls.blocks)) if k not in of_x]
    arranged = permutations(others) if len(others) <= MOST_PERMUTED else [tuple(others)]
    found = [(*o[:at], *of_x, *o[at:]) for o in arranged for at in range(len(others) + 1)]
    return sorted(found)


def _runs(cls: type[Cell], order: tuple[int, ...]) -> set[tuple[str, tuple[int, int]]]:
    """Return (input, (first position, count)) for all positions side by side that a state or x enters."""
    entered, found = list(cls.blocks.values()), set()
    for name in ("x", *cls.states):
        positions = [position for position, block in enumerate(order) if name in entered[block]]
        for _, run in groupby(enumerate(positions), lambda pair: pair[1] - pair[0]):
            together = [position for _, position in run]
            found.add((name, (together[0], len(together))))
    return found
