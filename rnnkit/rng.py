"""Random generators by axis, so that a change of one thing leaves the draws of every other as they were."""

from typing import NamedTuple

import numpy as np


class Streams(NamedTuple):
    """Four independent generators of one replicate (one net)."""

    init: np.random.Generator
    data: np.random.Generator
    order: np.random.Generator
    evaluation: np.random.Generator


def streams(seed: int, replicate: int = 0) -> Streams:
    """Return the generators of replicate number `replicate` under `seed` (both integers >= 0).

    The same pair gives the same draws whatever else is swept: seq_len, clip, spectral_radius.
    """
    for name, value in (("seed", seed), ("replicate", replicate)):
        if value < 0:
            raise ValueError(f"{name} must be an integer >= 0, got {value}")
    axes = range(len(Streams._fields))
    return Streams(*(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(axis, replicate))) for axis in axes))
