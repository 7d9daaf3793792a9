"""What the tests of tasks share."""

from math import prod

import numpy as np

from rnnkit.rng import streams

SIGMAS = 5  # standard errors that a Monte Carlo check allows; draws are seeded, so it holds or fails for good


def drawn(task, seq_len, n=200, seed=0):
    return task.sample(streams(seed).data, n, seq_len)


def agrees(samples, expected):
    """Hold the mean of independent samples against its expectation."""
    error = SIGMAS * samples.std() / np.sqrt(samples.size)
    assert abs(samples.mean() - expected) <= error + 1e-12, (samples.mean(), expected, error)


def wrong(target, constant, tolerance):
    return (target - constant) ** 2 > tolerance


def classes_are_uniform(labels, n_classes):
    counts = np.bincount(labels.ravel(), minlength=n_classes)
    assert counts.size == n_classes
    for count in counts:
        agrees(np.repeat([1.0, 0.0], [count, prod(labels.shape) - count]), 1 / n_classes)


def covers(positions, start, width):
    """Hold that the positions are all of start + [0, width) and nothing else."""
    assert np.array_equal(np.unique(positions), np.arange(start, start + width))
