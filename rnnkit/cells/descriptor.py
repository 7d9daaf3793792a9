"""A cell as numbers, for compiled code that runs any cell: what its step and its products read and write.

The words named below come first, the header; then, each from the word of its name on:

    DIRECT    for each state 1 where the state before reaches new states past all blocks
    TOTAL     for each state 1 where its gradient has paths through other new states (`Plan.totals`)
    ORDER     for each position the block that stands there
    BIAS      for each position (product that adds its bias, column of b_h / H), or (-1, 0)
    GROUP     for each product (first position, count, states that enter, 1 if x enters, first entry, entries)
    ENTRY     for each input of a product (state or -1 for x, offset of its W in the recurrent weights / H^2,
              columns of that W / H, where its columns stand), and last these columns: for each position of the product
              which of the columns of W, counted in H

CONSTANTS, FORWARD and BACKWARD are addresses, each of two words, for float32 and float64.
"""

from collections.abc import Sequence

import numpy as np

from rnnkit.cells.cell import Cell
from rnnkit.cells.layout import Group, layout
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import backward_source

# How many states, blocks, saved numbers, trained numbers a unit, products; columns, counted in H, of W_xh, of all
# recurrent weights, of b_h; whether a step can be computed in the rows of u; whether the loop back reads the first
# state before and after the step.
STATES, BLOCKS, SAVED, UNITS, GROUPS, OF_X, RECURRENT, BIASES, IN_ROWS, BACK_BEFORE, BACK_AFTER = range(11)
DIRECT, TOTAL, ORDER, BIAS, GROUP, ENTRY, CONSTANTS, FORWARD, BACKWARD = 11, 12, 13, 14, 15, 16, 18, 20, 22
HEADER_WORDS, GROUP_WORDS, ENTRY_WORDS = 24, 6, 4


def describe(cls: type[Cell]) -> np.ndarray:
    """Return the words of a cell; the addresses are 0."""
    plan, found, words = Plan(cls), layout(cls), np.zeros(HEADER_WORDS, np.int64)
    backward, output = backward_source(plan), cls.states[0]
    entered = list(cls.blocks.values())
    words[[STATES, BLOCKS, SAVED, UNITS]] = len(cls.states), len(cls.blocks), len(plan.saved), len(cls.per_unit)
    words[GROUPS] = len(found.groups)
    words[OF_X] = _count(entered, "x")
    words[RECURRENT] = sum(_count(entered, state) for state in cls.states)
    words[BIASES] = _count(entered, "b")
    alone = len(cls.states) == len(cls.blocks) == 1 and found.groups[0].inputs == (output, "x")
    words[[BACK_BEFORE, BACK_AFTER]] = output in backward.used, f"new_{output}" in backward.used
    of_state = plan.of_states[0] is not None or words[BACK_BEFORE]  # as a condition alone, too: where(h > 0, ...)
    words[IN_ROWS] = alone and not plan.saved and not of_state and not cls.per_unit
    parts = {
        DIRECT: [e is not None for e in plan.of_states],
        TOTAL: [e is not None for e in plan.totals],
        ORDER: found.order,
        BIAS: _biases(entered, found.order, found.bias),
    }
    for word, part in parts.items():
        words[word] = len(words)
        words = np.append(words, np.array(part, np.int64))
    groups, entries, columns = _products(cls, found.order, found.groups)
    words[GROUP], words[ENTRY] = len(words), len(words) + groups.size
    entries[:, 3] += words[ENTRY] + entries.size
    return np.concatenate([words, groups.ravel(), entries.ravel(), columns])


def _count(entered: Sequence[tuple[str, ...]], name: str) -> int:
    return sum(name in inputs for inputs in entered)


def _biases(entered: list[tuple[str, ...]], order: Sequence[int], bias: Sequence[int | None]) -> list[int]:
    found = []
    for block, group in zip(order, bias, strict=True):
        found += [-1, 0] if group is None else [group, _count(entered[:block], "b")]
    return found


def _products(cls: type[Cell], order: Sequence[int], of: Sequence[Group]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    entered, groups, entries, columns = list(cls.blocks.values()), [], [], []
    for group in of:
        states = [cls.states.index(name) for name in group.inputs if name != "x"]
        groups.append([group.first, group.count, len(states), "x" in group.inputs, len(entries), len(group.inputs)])
        for name in group.inputs:
            state = cls.states.index(name) if name != "x" else -1
            offset = sum(_count(entered, before) for before in cls.states[: max(state, 0)])
            entries.append([state, offset, _count(entered, name), len(columns)])
            columns += [_count(entered[: order[p]], name) for p in range(group.first, group.first + group.count)]
    return (
        np.array(groups, np.int64).reshape(-1, GROUP_WORDS),
        np.array(entries, np.int64).reshape(-1, ENTRY_WORDS),
        np.array(columns, np.int64),
    )
