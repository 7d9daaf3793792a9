"""Task 2c: its sequences; the truncated gradient against finite differences, with what is cut off held as it was."""

import numpy as np
import pytest
from long_lag_distractors import CELL, CELLS, OUT, B, Config, E, read_sequence, sample, show, start, trial

STEP = 1e-6  # central differences of a function of size 1: rounding 1e-10, curvature 1e-12
CLOSE = 1e-8


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def units(symbols, W):
    """Return what the six units give after each step, (T + 1, 6), from zeros."""
    y, found = np.zeros(3 * CELLS), [np.zeros(3 * CELLS)]
    for t in range(1, len(symbols) + 1):
        y = np.zeros(3 * CELLS)
        read_sequence(symbols[:t], W, y, np.zeros((2, CELLS, W.shape[2])))
        found.append(y)
    return np.array(found)


def loss(symbols, target, W, V, before):
    """Return .5 (target - o)^2 of both outputs, where gates and cells see `before` of the step before."""
    S, c, y = W.shape[2] - 6, np.zeros(CELLS), np.zeros(CELLS)
    for symbol, seen in zip(symbols, before, strict=False):
        a = W[:, :, symbol] + W[:, :, S:] @ seen
        c = c + sigmoid(a[0]) * (4 * sigmoid(a[CELL]) - 2)
        y = sigmoid(a[OUT]) * (2 * sigmoid(c) - 1)
    return 0.5 * np.sum((target - sigmoid(V @ y)) ** 2)


@pytest.fixture
def net():
    rng = np.random.default_rng(3)
    made = start(5, rng)
    made.W[:] *= 5  # so that nothing is close to linear
    made.V[:] *= 5
    return made


def test_an_update_is_the_truncated_gradient(net):
    symbols, target = np.array([B, 2, 5, 6, 5, 8, E]), np.array([1.0, 0.0])
    W, V = net.W.copy(), net.V.copy()
    before = units(symbols, W)
    show(symbols, 0, 1.0, net.W, net.V)
    for learned, array, moved in ((W, 0, net.W), (V, 1, net.V)):
        numeric = np.zeros_like(learned)
        for i in np.ndindex(learned.shape):
            sides = []
            for sign in (1, -1):
                arrays = [W.copy(), V.copy()]
                arrays[array][i] += sign * STEP
                sides.append(loss(symbols, target, *arrays, before))
            numeric[i] = (sides[0] - sides[1]) / (2 * STEP)
        np.testing.assert_allclose(moved - learned, -numeric, atol=CLOSE)


def test_the_larger_error_is_returned(net):
    symbols = np.array([B, 3, 5, E])
    y = units(symbols, net.W)[-1][CELL * CELLS :]
    error = np.abs(np.array([0.0, 1.0]) - sigmoid(net.V @ y)).max()
    assert show(symbols, 1, 0.0, net.W, net.V) == pytest.approx(error, rel=1e-12)


def test_sequences_are_those_of_the_task():
    q, p, n = 20, 7, 5000
    symbols, ends, classes = sample(np.random.default_rng(0), n, q, p)
    lengths = np.diff(ends, prepend=0)
    assert lengths.min() == q + 3
    assert lengths.mean() == pytest.approx(q + 13 - 1, abs=5 * 9.5 / np.sqrt(n))  # the last symbol is the target
    begins = ends - lengths
    assert set(symbols[begins]) == {B}
    assert set(symbols[ends - 1]) == {E}
    np.testing.assert_array_equal(symbols[begins + 1], 2 + classes)
    inside = np.ones(len(symbols), bool)
    inside[np.concatenate([begins, begins + 1, ends - 1])] = False
    np.testing.assert_array_equal(np.unique(symbols[inside]), np.arange(4, 4 + p))
    assert abs(classes.mean() - 0.5) < 5 * 0.5 / np.sqrt(n)


def test_an_easy_case_is_learnt():
    config = Config(case="1-1", learning_rate=1.0, max_symbols=10**7, replicates=2, seed=0, out="x")
    found = trial(config, 0)
    assert found["solved"]
    assert 0 < found["sequences"] < config.cap
