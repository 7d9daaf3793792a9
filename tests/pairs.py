"""Pairs of options in place of full products: every value occurs, and every pair of values of two options does.

Faults need mostly one or two options at certain values. Of options with 2, 3 and 6 values the full product has 36
cases, and 18 have all pairs: Cohen, Dalal, Fredman, Patton, The AETG system (1997).
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations, product
from typing import Any

import pytest


def cases(*options: Collection[Any]) -> list[tuple]:
    """Return rows with a value of each option, such that every pair of values of two options is in one of them.

    Greedy, without chance: next is always the first row of the full product that has the most pairs not yet met.
    """
    rows = list(product(*(range(len(values)) for values in options)))
    if len(options) == 1:
        chosen = rows
    else:
        chosen, missing = [], set().union(*map(_pairs, rows))
        while missing:
            chosen.append(max(rows, key=lambda row: len(missing & _pairs(row))))
            missing -= _pairs(chosen[-1])
    lists = [list(values) for values in options]
    return [tuple(values[i] for values, i in zip(lists, row, strict=True)) for row in sorted(chosen)]


def _pairs(row: tuple[int, ...]) -> set[tuple]:
    return set(combinations(enumerate(row), 2))


def every_pair(options: Mapping[str, Iterable[Any]], **more: Any) -> pytest.MarkDecorator:
    """Return the mark of a test that takes `cases` of these options, by name; "T, B" is one, whose values are pairs.

    more: of `pytest.mark.parametrize`.
    """
    values = [[v if "," in name else (v,) for v in of_name] for name, of_name in options.items()]
    return pytest.mark.parametrize(", ".join(options).split(", "), [sum(row, ()) for row in cases(*values)], **more)
