"""The predictions against published values, an independent quadrature and a small simulation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import digamma, expn

from rnnkit.gradients import theory
from rnnkit.gradients.finite_size import finite_size
from rnnkit.gradients.gaussian_means import mean_of_states
from rnnkit.initializers import glorot, spectral_radius

DECIMALS = 5.1e-5  # half a unit of the fourth decimal: as the values are printed
ROOT = 1e-9  # what the root finders leave, and `quad`, each near 1e-12, and a margin
UNEVEN = 1e-7  # phi'^4 is the steepest of the means: 201 nodes leave 1e-8 of it at q = 2
SE = 4  # standard errors; the seeds are fixed, so a pass stays a pass
CRITICAL = [(0, 1), (0.001, 1.0905), (0.01, 1.1934), (0.05, 1.327), (0.1, 1.4093), (0.25, 1.5497)]
CRITICAL += [(0.5, 1.6862), (1, 1.8556), (2, 2.0655)]
CRITICAL += [(4, 2.3250)]  # 2.3246 in print: 201 Gauss-Hermite nodes are too few there
CELLS = [(0.5, 0.01), (1, 0.1), (1, 1), (1.5, 0.5), (1.1, 0), (1.5, 0)]  # gain, drive variance; q < 2
WIDE = [(3, 1), (4, 1)]
GAINS = st.floats(0.1, 3)
DRIVES = st.floats(0.001, 1)


def expected(f, q):
    """E f(tanh(sqrt(q) z)) of an even f by adaptive quadrature, which shares no node with the theory."""
    density = np.sqrt(2 / np.pi)
    return quad(lambda z: density * f(np.tanh(np.sqrt(q) * z)) * np.exp(-z * z / 2), 0, 12, epsabs=1e-13, limit=200)[0]


@pytest.mark.parametrize("q", [1e-6, 0.5, 10, 350, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("power", [2, 4])
def test_means_over_states_of_any_variance(q, power):
    """Of phi'^n: for strong drive the unit is saturated but for |z| of some 1 / sqrt(q), where all of it lies."""
    found = mean_of_states(q, lambda h: (1 - h**2) ** power)
    near = [0, *(z for z in np.array([0.3, 1, 3, 10, 30]) / np.sqrt(q) if z < 1), 1, 4, 12]
    density = lambda z: np.sqrt(2 / np.pi) * np.cosh(np.sqrt(q) * z) ** (-2 * power) * np.exp(-z * z / 2)  # noqa: E731
    with np.errstate(over="ignore"):
        wanted = sum(quad(density, *part, epsabs=0, epsrel=1e-12)[0] for part in pairwise(near))
    assert found == pytest.approx(wanted, rel=1e-11)


def test_rates_of_small_gains():
    """chi = g^2 E phi'^2 underflows at 1e-200, its logarithm does not; at a gain of 0 no gradient is left."""
    moment = theory.chi(1e-3, 0.5) * 1e6
    assert theory.growth_rate(1e-200, 0.5, 10**9) == pytest.approx(np.log(1e-200) + 0.5 * np.log(moment), rel=1e-6)
    assert theory.growth_rate(np.array([0.0, 1.0]), 0.5, 10)[0] == -np.inf
    assert theory.weak_drive_rate(0.9, 0, 0.5) == pytest.approx(np.log(0.9) + 0.5 * np.log(moment), rel=1e-6)
    assert theory.weak_drive_rate(0, 1, 0.5) == theory.tied_product_rate(0) == -np.inf


def test_what_is_beyond_the_nodes_is_refused():
    assert theory.chi(1.0, 1e100) * 1e50 / (4 / 3 / np.sqrt(2 * np.pi)) == pytest.approx(1, rel=1e-12)
    for gain, s2, name in ((1e51, 1, "gain"), (1, 1e101, "drive_variance"), (1, [1, 2], "drive_variance")):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            theory.chi(gain, s2)


@pytest.mark.parametrize(("s2", "gain"), [(1e4, 13.77539486165), (1e6, 43.3790050084)])
def test_critical_gain_of_strong_drive(s2, gain):
    """By mpmath; at chi = 1 the gain is (9 pi s2 / 8)^(1/4) for s2 without bound, from E phi'^2 = (4/3) density(0)."""
    assert theory.critical_gain(s2) == pytest.approx(gain, rel=1e-10)
    assert theory.critical_gain(1e10) == pytest.approx((9 * np.pi * 1e10 / 8) ** 0.25, rel=1e-4)


@pytest.mark.parametrize(("s2", "gain"), CRITICAL)
def test_critical_gain(s2, gain):
    found = theory.critical_gain(s2)
    assert found == pytest.approx(gain, abs=DECIMALS)
    assert theory.chi(found, s2) == pytest.approx(1, abs=ROOT)


@pytest.mark.parametrize("initializer", ["gaussian", "glorot", "orthogonal"])
def test_growth_rate(initializer):
    """Half of ln chi, and the term of `test_finite_size.py`."""
    gains = np.array([0.5, 1.5, 3.0])
    expected = 0.5 * np.log(theory.chi(gains, 1.0)) + finite_size(gains, 1.0, initializer).c / 100
    np.testing.assert_allclose(theory.growth_rate(gains, 1.0, 100, initializer), expected, rtol=0, atol=ROOT)


@pytest.mark.parametrize(("gain", "s2"), CELLS + WIDE)
def test_fixed_point_chi_and_kappa_by_another_quadrature(gain, s2):
    q = theory.fixed_point(gain, s2)
    squared, fourth = (expected(lambda h, p=p: (1 - h * h) ** p, q) for p in (2, 4))
    assert q > 0
    assert q == pytest.approx(gain**2 * expected(np.square, q) + s2, abs=ROOT)
    assert theory.chi(gain, s2) == pytest.approx(gain**2 * squared, abs=ROOT)
    assert theory.kappa(gain, s2) == pytest.approx(fourth / squared**2, abs=UNEVEN)


@pytest.mark.parametrize("gain", [0, 0.5, 0.99, 1])
def test_without_drive_a_gain_up_to_1_stays_at_rest(gain):
    assert theory.fixed_point(gain, 0) == 0
    assert theory.chi(gain, 0) == pytest.approx(gain**2, abs=ROOT)
    assert theory.kappa(gain, 0) == pytest.approx(1, abs=ROOT)


def test_without_weights_the_variance_is_that_of_the_drive():
    assert theory.fixed_point(0, 0.5) == 0.5


@pytest.mark.parametrize("s2", [0, 0.3])
@pytest.mark.parametrize("function", [theory.fixed_point, theory.chi, theory.kappa])
def test_arrays_and_scalars_agree(function, s2):
    gains = np.array([[0.5, 1.0], [1.2, 2.0]])
    alone = [[function(g, s2) for g in row] for row in gains]
    assert function(gains, s2).shape == gains.shape
    np.testing.assert_allclose(function(gains, s2), alone, rtol=ROOT)


@given(GAINS, DRIVES, st.floats(1.1, 4))
@settings(max_examples=12, deadline=None)
def test_drive_widens_the_states_and_slows_growth(gain, s2, factor):
    assert theory.fixed_point(gain, factor * s2) > theory.fixed_point(gain, s2)
    assert theory.chi(gain, factor * s2) < theory.chi(gain, s2)
    assert 0 < theory.chi(gain, s2) < gain**2
    assert theory.kappa(gain, s2) > 1
    assert theory.critical_gain(factor * s2) > theory.critical_gain(s2) > 1


def test_product_of_independent_matrices_by_simulation():
    n, H, gain = 4000, 10, 0.8
    W = np.random.default_rng(0).standard_normal((n, H, H)) * gain / np.sqrt(H)
    logs = np.log(np.linalg.norm(W[:, 0], axis=1))  # by symmetry any unit vector grows like the first
    squares = (logs - logs.mean()) ** 2
    assert abs(logs.mean() - theory.independent_product_exponents(gain, H)[0]) < SE * logs.std() / np.sqrt(n)
    assert abs(squares.mean() - theory.independent_product_variances(H)[0]) < SE * squares.std() / np.sqrt(n)


def test_a_tied_product_tends_to_the_spectral_radius():
    W, k = glorot(np.random.default_rng(1), 20, 20), 400
    scaled = np.linalg.matrix_power(W / spectral_radius(W), k)
    prefactor = np.log(np.linalg.norm(scaled)) / k  # Gelfand: what goes to 0 like 1/k
    assert abs(prefactor) < 10 / k
    assert theory.tied_product_rate(spectral_radius(W)) == np.log(spectral_radius(W))


@pytest.mark.parametrize(("gain", "s2", "rate"), [(0.9, 0.01, -0.100), (1.0, 0.1, -0.137)])
def test_weak_drive_rate_over_matrices(gain, s2, rate):
    rng, n = np.random.default_rng(0), 32
    rates = theory.weak_drive_rate([gain * spectral_radius(glorot(rng, 100, 100)) for _ in range(n)], gain, s2)
    assert abs(rates.mean() - rate) < SE * rates.std() / np.sqrt(n)
    assert theory.weak_drive_rate(gain, gain, s2) == pytest.approx(0.5 * np.log(theory.chi(gain, s2)), abs=ROOT)


@pytest.mark.parametrize(("activation", "bound"), [("tanh", 1), ("relu", 1), ("identity", 1), ("sigmoid", 4)])
def test_largest_step_is_0_at_the_bound(activation, bound):
    np.testing.assert_allclose(theory.largest_step([bound, 2.0 * bound], activation), [0, np.log(2)], atol=ROOT)


def test_largest_step_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="activation"):
        theory.largest_step(1.0, "softplus")


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
@pytest.mark.parametrize("function", [theory.fixed_point, theory.chi, theory.kappa])
def test_bad_gain_or_drive_is_refused_by_name(function, bad):
    with pytest.raises(ValueError, match=r"^gain must be finite and >= 0"):
        function(np.array([1.0, bad]), 1)
    with pytest.raises(ValueError, match=r"^drive_variance must be a number in \[0, 1e\+100\]"):
        function(1, bad)
    with pytest.raises(ValueError, match=r"^drive_variance must be a number in \[0, 1e\+100\]"):
        theory.critical_gain(bad)


def test_an_unknown_initializer_is_refused_by_name():
    with pytest.raises(ValueError, match=r"initializer must be gaussian, glorot or orthogonal, got 'sparse'"):
        theory.growth_rate(1, 1, 10, "sparse")


@pytest.mark.parametrize("lam", [-0.9, 0.0, 0.5, 0.95])
def test_memory_by_the_sums_over_all_lags(lam):
    k = np.arange(2000)  # h is the sum of lam^k x_{t-k}, dh/dlam that of k lam^(k-1) x_{t-k}
    assert theory.memory_variance(lam) == pytest.approx(np.sum(lam ** (2 * k)), rel=ROOT)
    assert theory.memory_sensitivity(lam) == pytest.approx(np.sum((k[1:] * lam ** (k[1:] - 1.0)) ** 2), rel=ROOT)


@pytest.mark.parametrize("bad", [1.0, -1.0, 2.0, np.nan])
@pytest.mark.parametrize("function", [theory.memory_variance, theory.memory_sensitivity])
def test_a_memory_without_stationary_state_is_refused(function, bad):
    with pytest.raises(ValueError, match="lam must be between -1 and 1"):
        function(np.array([0.5, bad]))


@pytest.mark.parametrize("longest", [3, 30, 1000])
def test_what_forget_gates_keep_is_their_mean(longest):
    lags = np.array([0, 1, longest // 2, longest, 20 * longest])
    for k, found in zip(lags, theory.kept_by_gates(lags, longest), strict=True):
        expected = quad(lambda t: (1 - 1 / t) ** (2 * k) / (longest - 2), 2, longest, epsrel=1e-12, limit=200)[0]  # noqa: B023
        assert found == pytest.approx(expected, rel=ROOT)


def test_what_forget_gates_keep_is_an_exponential_integral():
    lags, longest = np.array([10, 1000, 3000]), 1000
    np.testing.assert_allclose(theory.kept_by_gates(lags, longest), expn(2, 2 * lags / longest), rtol=0.01)


def test_exponents_of_a_product_add_up_to_its_determinant():
    H = 7
    determinant = 0.5 * (np.log(2) + digamma(np.arange(1, H + 1) / 2)).sum() + H * np.log(0.8 / np.sqrt(H))
    assert theory.independent_product_exponents(0.8, H).sum() == pytest.approx(determinant)
    assert (np.diff(theory.independent_product_exponents(0.8, H)) < 0).all()
