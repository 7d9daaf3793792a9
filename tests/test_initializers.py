"""Recurrent weights: shape, gain, exact spectral radius, and what is refused."""

import numpy as np
import pytest
from pairs import every_pair

from rnnkit.initializers import (
    FAN_IN,
    INITIALIZERS,
    achieved,
    glorot,
    orthogonal,
    recurrent_weights,
    scale_to_spectral_radius,
    sparse,
    spectral_radius,
)

ROUNDING = 1e-13  # sums of H <= 50 products of entries below 1 in float64: H eps = 1e-14, and a margin
RADIUS_ERROR = 1e-12  # relative; eigenvalues of a random (50, 50) are found to some 1e-14, its condition included
SE = 4  # standard errors; the seeds are fixed, so a pass stays a pass


def weights(kind, hidden_size=50, seed=0, **how):
    return recurrent_weights(kind, hidden_size, np.random.default_rng(seed), **how)


@pytest.mark.parametrize("hidden_size", [1, 7, 50])
@pytest.mark.parametrize("kind", INITIALIZERS)
def test_every_kind_is_square_finite_float64(kind, hidden_size):
    W = weights(kind, hidden_size)
    assert W.shape == (hidden_size, hidden_size)
    assert W.dtype == np.float64
    assert W.flags.c_contiguous
    assert np.isfinite(W).all()


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_the_generator_alone_decides_the_bytes(kind):
    first = weights(kind).tobytes()
    assert weights(kind).tobytes() == first
    assert (weights(kind, seed=1).tobytes() == first) == (kind == "identity")


@pytest.mark.parametrize("hidden_size", [1, 7, 50])
def test_orthogonal_is(hidden_size):
    Q = weights("orthogonal", hidden_size)
    np.testing.assert_allclose(Q @ Q.T, np.eye(hidden_size), atol=ROUNDING)


def test_orthogonal_is_uniform_over_the_group():
    rng = np.random.default_rng(0)
    n = 2000
    traces = np.array([np.trace(orthogonal(rng, 3)) for _ in range(n)])  # E tr = 0, E tr^2 = 1 for uniform Q
    assert abs(traces.mean()) < SE * traces.std() / np.sqrt(n)
    assert abs((traces**2).mean() - 1) < SE * (traces**2).std() / np.sqrt(n)


@pytest.mark.parametrize("kind", ["gaussian", "glorot", "sparse"])
def test_gain_is_1_on_average(kind):
    squares = np.array([achieved(weights(kind, seed=s)).gain ** 2 for s in range(100)])
    assert abs(squares.mean() - 1) < SE * squares.std() / np.sqrt(squares.size)


def test_glorot_of_a_rectangle_has_variance_2_over_the_sum():
    W = glorot(np.random.default_rng(0), 300, 100)
    assert W.shape == (300, 100)
    variance = 2 / 400
    assert abs(W.var() - variance) < SE * variance * np.sqrt(2 / W.size)
    assert abs(W.mean()) < SE * np.sqrt(variance / W.size)


@pytest.mark.parametrize(("hidden_size", "fan_in"), [(50, FAN_IN), (50, 50), (7, 1), (1, 1)])
def test_every_unit_has_exactly_fan_in_incoming_weights(hidden_size, fan_in):
    W = sparse(np.random.default_rng(0), hidden_size, fan_in)
    np.testing.assert_array_equal((W != 0).sum(axis=0), fan_in)  # a column holds what comes into a unit


def test_sparse_takes_fan_in_or_all_units_where_fewer():
    assert ((weights("sparse") != 0).sum(axis=0) == FAN_IN).all()
    assert ((weights("sparse", fan_in=4) != 0).sum(axis=0) == 4).all()
    assert (weights("sparse", 7) != 0).all()
    assert np.ptp((weights("sparse") != 0).sum(axis=1)) > 0  # outgoing ones are as they fall


@every_pair({"kind": INITIALIZERS, "radius": [1e-3, 0.95, 3.0], "hidden_size": [1, 7, 50]})
def test_radius_is_exact(kind, radius, hidden_size):
    W, plain = weights(kind, hidden_size, radius=radius), weights(kind, hidden_size)
    assert abs(np.linalg.eigvals(W)).max() == pytest.approx(radius, rel=RADIUS_ERROR, abs=0)
    np.testing.assert_allclose(W / np.linalg.norm(W), plain / np.linalg.norm(plain), atol=ROUNDING)


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_gain_is_a_factor(kind):
    np.testing.assert_array_equal(weights(kind, gain=1.3), 1.3 * weights(kind))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_achieved_is_what_numpy_finds(dtype):
    W = weights("gaussian").astype(dtype)
    found, exact = achieved(W), W.astype(np.float64)
    assert found.spectral_radius == pytest.approx(abs(np.linalg.eigvals(exact)).max(), rel=RADIUS_ERROR)
    assert found.gain == pytest.approx(np.sqrt((exact**2).sum() / 50), rel=RADIUS_ERROR)
    assert found.sigma_max == pytest.approx(np.sqrt(np.linalg.eigvalsh(exact @ exact.T)[-1]), rel=RADIUS_ERROR)
    assert spectral_radius(W) == found.spectral_radius < found.sigma_max


REFUSED = [
    ("radius=1.0 cannot be combined with gain=1.0", {"radius": 1.0, "gain": 1.0}),
    *[(f"radius must be .* got {bad}", {"radius": bad}) for bad in (-1.0, 0.0, np.inf, np.nan)],
    *[(f"gain must be .* got {bad}", {"gain": bad}) for bad in (-1.0, 0.0, np.inf, np.nan)],
    *[(f"fan_in must be .* got {bad}", {"fan_in": bad}) for bad in (-1, 0, 51)],
]


@pytest.mark.parametrize(("message", "how"), REFUSED, ids=[message for message, _ in REFUSED])
def test_bad_arguments_are_refused_by_name(message, how):
    with pytest.raises(ValueError, match=f"^{message}"):
        weights("sparse", **how)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"initializer must be one of glorot, .*, got 'uniform'"):
        weights("uniform")


@pytest.mark.parametrize("W", [np.zeros((3, 3)), np.eye(3, k=1), np.eye(3, k=-1)], ids=["0", "upper", "lower"])
def test_only_zero_eigenvalues_cannot_be_scaled(W):
    with pytest.raises(ValueError, match="W must have an eigenvalue other than 0"):
        scale_to_spectral_radius(W, 1.0)
