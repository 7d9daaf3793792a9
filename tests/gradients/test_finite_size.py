"""The 1/H term: its parts by the numbers of its derivation, linear nets, limits, and a simulation of fresh weights."""

import numpy as np
import pytest

from rnnkit.gradients.finite_size import finite_size

DIGITS = 6e-5  # half a unit of the fourth or fifth digit, as printed
SE = 4  # the seed is fixed, so a pass stays a pass
PRINTED = [  # gain, drive variance, orthogonal, Gaussian
    (1, 0.1, -0.0573, -0.7277), (1, 0.5, -0.3091, -0.9473), (1, 1, -0.5368, -1.1523),
    (1.5, 1, -0.7371, -1.4109), (2, 1, -1.0587, -1.7509),
]  # fmt: skip


@pytest.mark.parametrize(("gain", "s2", "orthogonal", "gaussian"), PRINTED)
def test_the_term_as_printed(gain, s2, orthogonal, gaussian):
    assert finite_size(gain, s2, "orthogonal").c == pytest.approx(orthogonal, abs=DIGITS)
    assert finite_size(gain, s2, "gaussian").c == pytest.approx(gaussian, abs=DIGITS)
    assert finite_size(gain, s2, "glorot").c == finite_size(gain, s2, "gaussian").c


@pytest.mark.parametrize(("initializer", "V", "M"), [("gaussian", 0.09549, -0.01291), ("orthogonal", 0.08332, 0.02552)])
def test_its_parts_as_printed(initializer, V, M):
    found = finite_size(1.0, 0.5, initializer)
    for value, printed in ((found.V, V), (found.M, M), (found.v, 0.6543), (found.J, 0.42627)):
        assert value == pytest.approx(printed, abs=DIGITS)


@pytest.mark.parametrize("gain", [0.0, 1e-200, 0.3, 0.9])
def test_a_linear_net_has_newmans(gain):
    """At a weak drive and a small gain tanh is linear."""
    assert finite_size(gain, 1e-9, "gaussian").c == pytest.approx(-0.5, abs=1e-6)
    assert finite_size(gain, 0.0, "gaussian").c == pytest.approx(-0.5, abs=1e-6)
    assert finite_size(gain, 0.0, "orthogonal").c == pytest.approx(0, abs=1e-6)


def test_many_gains_are_each_as_alone():
    gains = np.array([0.5, 1.0, 2.5])
    found = finite_size(gains, 0.7, "orthogonal").c
    assert found.shape == (3,)
    np.testing.assert_allclose(found, [finite_size(g, 0.7, "orthogonal").c for g in gains], rtol=1e-12)


def fresh_weights(H, gain, s2, steps, rng):
    """Return (squared norm of the state less its limit, squared cosine of gradient and state) by step.

    Of untied Gaussian nets: forward first, then back through the same weights.
    """
    W = rng.standard_normal((steps, H, H)) * gain / np.sqrt(H)
    h = np.zeros((steps + 1, H))
    for t in range(steps):
        h[t + 1] = np.tanh(W[t] @ h[t] + np.sqrt(s2) * rng.standard_normal(H))
    delta, cosines = rng.standard_normal(H), np.zeros(steps)
    for t in range(steps - 1, -1, -1):
        delta = W[t].T @ ((1 - h[t + 1] ** 2) * delta)
        delta /= np.linalg.norm(delta)
        cosines[t] = (delta @ h[t]) ** 2 / max(h[t] @ h[t], 1e-300)
    return np.square(h).sum(axis=1), cosines


def test_the_state_fluctuates_and_the_gradient_aligns_as_derived():
    """V is no more than 1/H off, v likewise: 5% of them at 60 units."""
    H, expected, rng = 60, finite_size(1.5, 1.0, "gaussian"), np.random.default_rng(5)
    norms, cosines = zip(*(fresh_weights(H, 1.5, 1.0, 120, rng) for _ in range(60)), strict=True)
    of_nets = np.array([np.var(n[20:]) / H for n in norms])
    assert abs(of_nets.mean() - expected.V) < SE * of_nets.std() / np.sqrt(60) + 0.05 * expected.V
    of_nets = np.array([H * np.mean(c[20:100]) for c in cosines])
    assert abs(of_nets.mean() - expected.v) < SE * of_nets.std() / np.sqrt(60) + 0.05 * expected.v
    assert abs(of_nets.mean() - 1) > SE * of_nets.std() / np.sqrt(60)  # without alignment it would be 1
