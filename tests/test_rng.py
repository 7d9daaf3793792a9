"""Streams by axis: a change in one thing leaves the draws of every other as they were."""

import itertools

import numpy as np
import pytest

from rnnkit.rng import Streams, streams

DRAWS = 10_000
# |r| of two independent streams of DRAWS normals has standard error 1/sqrt(DRAWS); 105 pairs are looked at.
LARGEST_CORRELATION = 5 / np.sqrt(DRAWS)
AXES = Streams._fields


def draw(generators, n=8):
    return {axis: getattr(generators, axis).standard_normal(n) for axis in AXES}


def test_the_same_pair_gives_the_same_draws():
    first, second = draw(streams(3, 2)), draw(streams(3, 2))
    for axis in AXES:
        np.testing.assert_array_equal(first[axis], second[axis])


def test_axes_replicates_and_seeds_are_uncorrelated():
    samples = [s for pair in [(0, 0), (0, 1), (1, 0)] for s in draw(streams(*pair), DRAWS).values()]
    for a, b in itertools.combinations(samples, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < LARGEST_CORRELATION


@pytest.mark.parametrize("used", AXES)
def test_drawing_from_one_leaves_the_others(used):
    untouched = draw(streams(5, 1))
    generators = streams(5, 1)
    getattr(generators, used).standard_normal(1000)
    after = draw(generators)
    for axis in AXES:
        assert np.array_equal(after[axis], untouched[axis]) == (axis != used)


@pytest.mark.parametrize("pair", [(1, 0), (0, 1), (1, 1), (2**70, 0)])
def test_seed_and_replicate_change_every_axis(pair):
    first, other = draw(streams(0, 0)), draw(streams(*pair))
    for axis in AXES:
        assert not np.any(first[axis] == other[axis])


def test_seed_and_replicate_are_not_interchangeable():
    first, other = draw(streams(1, 2)), draw(streams(2, 1))
    for axis in AXES:
        assert not np.any(first[axis] == other[axis])


def test_replicate_is_0_when_not_given():
    np.testing.assert_array_equal(draw(streams(4))["init"], draw(streams(4, 0))["init"])


@pytest.mark.parametrize(("name", "pair"), [("seed", (-1, 0)), ("replicate", (0, -1))])
def test_a_negative_number_is_refused_by_name(name, pair):
    with pytest.raises(ValueError, match=f"^{name} must be an integer >= 0, got -1"):
        streams(*pair)
