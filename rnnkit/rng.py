"""Random generators by axis, so that a change of one thing leaves the draws of every other as they were."""

from typing import NamedTuple

import numpy as np

from rnnkit._arguments import integer, shown


class Streams(NamedTuple):
    """Independent generators of one replicate (one net); probe: draws the sequences on which gradients are recorded."""

    init: np.random.Generator
    data: np.random.Generator
    order: np.random.Generator
    evaluation: np.random.Generator
    probe: np.random.Generator


def streams(seed: int, replicate: int = 0) -> Streams:
    """Return the generators of replicate number `replicate` under `seed` (both integers >= 0).

    The same pair gives the same draws whatever else is swept: seq_len, clip, spectral_radius.
    """
    seed, replicate = integer("seed", seed, 0), integer("replicate", replicate, 0)
    axes = range(len(Streams._fields))
    return Streams(*(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(axis, replicate))) for axis in axes))


def as_generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Return the generator that initial weights are drawn from: `streams(seed).init`, or the one that was given."""
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return streams(seed).init
    except ValueError:
        raise ValueError(f"seed must be an integer >= 0 or a numpy.random.Generator, got {shown(seed)}") from None
