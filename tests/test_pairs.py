"""The helper of the tests that leaves cases out: no value and no pair of values is left out with them."""

import math
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import cases, every_pair

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(SIZES)
def test_every_value_and_every_pair_of_values_occurs(sizes):
    options = [[f"{name}{i}" for i in range(n)] for name, n in zip("abcd", sizes, strict=False)]
    rows = cases(*options)
    assert set(rows) <= set(product(*options))
    assert len(set(rows)) == len(rows) == len(cases(*options))
    assert [set(column) for column in zip(*rows, strict=True)] == [set(values) for values in options]
    for (i, a), (j, b) in combinations(enumerate(options), 2):
        assert {(row[i], row[j]) for row in rows} == set(product(a, b))


@pytest.mark.parametrize("sizes", [(2, 3, 6), (2, 2, 2, 2, 2, 2), (4, 5, 3, 2)])
def test_there_are_not_many_more_cases_than_the_two_longest_options_ask_for(sizes):
    rows = cases(*map(range, sizes))
    least = math.prod(sorted(sizes)[-2:])
    assert least <= len(rows) <= max(7, least)


def test_values_that_are_alike_or_unhashable_are_told_apart_by_their_place():
    assert len(cases([1, True, 1.0], [[], []])) == 6


def test_a_mark_has_a_name_for_each_value():
    mark = every_pair({"dtype": "fd", "T, B": [(1, 2), (3, 4)], "last": [False, True]}, indirect=["last"]).mark
    assert mark.args[0] == ["dtype", "T", "B", "last"]
    assert len(mark.args[1]) == 4
    assert {(row[1], row[2]) for row in mark.args[1]} == {(1, 2), (3, 4)}
    assert mark.kwargs == {"indirect": ["last"]}
