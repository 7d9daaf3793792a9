"""What the papers predict, as functions. Rates are natural logarithms per step.

Driven tanh net: h_t = tanh(a_t), a_t = h_{t-1} W_hh + xi_t, xi ~ N(0, s2) per unit and step; W_hh has entries of
standard deviation g / sqrt(H). `gain` is g, a number or an array; `drive_variance` is s2, a number.
"""

import numpy as np
import scipy  # its parts load on first use: importing rnnkit stays quick

from rnnkit._arguments import check_real, choice, integer, number
from rnnkit.cells import CELLS
from rnnkit.gradients.finite_size import finite_size
from rnnkit.gradients.gaussian_means import LARGEST_DRIVE, fixed_point, mean, mean_of_states, nonnegative

QUADRATURE = 200  # nodes: lags of up to 100 times `longest` are right to 1e-10
GAMMA = {name: cls.gamma for name, cls in CELLS.items() if hasattr(cls, "gamma")}  # largest |phi'|


def _derivative_moments(gain: np.ndarray | float, drive_variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return E phi'(sqrt(q) z)^2 and E phi'(sqrt(q) z)^4; same shape as `gain`."""
    q = fixed_point(gain, drive_variance)
    second, fourth = (mean_of_states(q, lambda h, n=n: (1 - h**2) ** n) for n in (2, 4))
    return second, fourth


def chi(gain: np.ndarray | float, drive_variance: float) -> np.ndarray:
    """Return chi = g^2 E phi'(sqrt(q) z)^2, the mean squared growth of a gradient in one step back."""
    second, _ = _derivative_moments(gain, drive_variance)  # refuses what is no gain
    return np.asarray(gain, float) ** 2 * second


def kappa(gain: np.ndarray | float, drive_variance: float) -> np.ndarray:
    """Return kappa = E phi'^4 / (E phi'^2)^2, how unevenly units pass the gradient on; 1 for a linear net."""
    second, fourth = _derivative_moments(gain, drive_variance)
    return fourth / second**2


def mean_exponent(gain: float) -> float:
    """Return ln g - 1/2 + E ln phi'(a), the mean Lyapunov exponent of an autonomous Gaussian tanh net, N to infinity.

    ln |det W| / N of Gaussian W is ln g - 1/2 there (Girko), and each step has the factors phi'(a), a of variance
    `fixed_point`. Raises ValueError for a gain of 1 or less: such a net is at rest.
    """
    q = float(fixed_point(number("gain", gain, above=1), 0.0))
    log_slope = mean(np.array(q), lambda a: np.log(4) - 2 * np.abs(a) - 2 * np.log1p(np.exp(-2 * np.abs(a))))
    return float(np.log(gain) - 0.5 + log_slope)


def growth_rate(
    gain: np.ndarray | float, drive_variance: float, hidden_size: int, initializer: str = "gaussian"
) -> np.ndarray:
    """Return the mean growth of ln ||dL/dh|| per step back, .5 ln chi + c/H; same shape as `gain`, -inf at 0.

    c: `rnnkit.gradients.finite_size`, where it stands which W it holds for; c/H must be small, so gains of some tens at
    H = 100 are beyond it. Raises ValueError naming a bad argument.
    """
    hidden_size = integer("hidden_size", hidden_size, 1)
    second, _ = _derivative_moments(gain, drive_variance)
    c = finite_size(gain, drive_variance, initializer).c
    with np.errstate(divide="ignore"):
        rate = np.log(np.asarray(gain, float)) + 0.5 * np.log(second)  # chi itself may underflow
    return np.where(rate == -np.inf, rate, rate + c / hidden_size)


def critical_gain(drive_variance: float) -> float:
    """Return the gain at which chi = 1: below it gradients vanish, above they explode; 1 without drive."""
    s2 = number("drive_variance", drive_variance, least=0, most=LARGEST_DRIVE)
    if s2 == 0:
        return 1.0
    upper = 2.0
    while chi(upper, s2) < 1:
        upper *= 2
    return float(scipy.optimize.brentq(lambda gain: np.log(chi(gain, s2)), 1.0, upper, xtol=1e-12))


def largest_step(sigma_max: np.ndarray | float, activation: str) -> np.ndarray:
    """Return ln(sigma_max gamma), which no one-step growth exceeds; below 0 every gradient vanishes.

    Pascanu, Mikolov, Bengio (2013), section 2.1. The spectral radius is no such bound unless W_hh is normal.
    """
    return np.log(nonnegative("sigma_max", sigma_max) * GAMMA[choice("activation", activation, GAMMA)])


def independent_product_exponents(gain: float, hidden_size: int) -> np.ndarray:
    """Return all Lyapunov exponents (H,) of a product of independent Gaussian (H, H) matrices, largest first.

    ln g + .5 (ln 2 + psi((H - i + 1)/2) - ln H) of number i = 1..H. Newman (1986). A recurrent net uses one matrix
    again and again: see `tied_product_rate`.
    """
    gain, hidden_size = number("gain", gain, above=0), integer("hidden_size", hidden_size, 1)
    return np.log(gain) + 0.5 * (np.log(2) + scipy.special.psi(np.arange(hidden_size, 0, -1) / 2) - np.log(hidden_size))


def independent_product_variances(hidden_size: int) -> np.ndarray:
    """Return the variance (H,) of what one factor adds to each of these exponents, psi1((H - i + 1)/2) / 4."""
    return scipy.special.polygamma(1, np.arange(integer("hidden_size", hidden_size, 1), 0, -1) / 2) / 4


def tied_product_rate(spectral_radius: np.ndarray | float) -> np.ndarray:
    """Return ln rho(W): what the growth per step of a linear net with that very matrix tends to (Gelfand).

    -inf at a radius of 0.
    """
    with np.errstate(divide="ignore"):
        return np.log(nonnegative("spectral_radius", spectral_radius))


def weak_drive_rate(spectral_radius: np.ndarray | float, gain: np.ndarray | float, drive_variance: float) -> np.ndarray:
    """Return ln rho(W) + .5 ln(chi / g^2), nearer than `growth_rate` for one tied W at very weak drive and g <~ 1."""
    second, _ = _derivative_moments(gain, drive_variance)
    return tied_product_rate(spectral_radius) + 0.5 * np.log(second)


def memory_variance(lam: np.ndarray | float) -> np.ndarray:
    """Return E h^2 = 1/(1 - lam^2) of the stationary h' = lam h + x with white x of variance 1."""
    return 1 / (1 - _memory(lam) ** 2)


def memory_sensitivity(lam: np.ndarray | float) -> np.ndarray:
    """Return E (dh/dlam)^2 = (1 + lam^2)/(1 - lam^2)^3 of the same h: it grows like 1/(1 - lam)^3.

    Zucchet, Orvieto (2024), the curse of memory. Raises ValueError unless |lam| < 1.
    """
    squared = _memory(lam) ** 2
    return (1 + squared) / (1 - squared) ** 3


def kept_by_gates(lags: np.ndarray, longest: int) -> np.ndarray:
    """Return E f^(2k), shaped as lags, over forget gates f with 1/(1 - f) uniform on [2, longest]; k: lags, >= 0.

    The mean squared gradient, from 1 to 0, through cells whose gates begin as Tallec, Ollivier (2018), eq. 16. Not a
    power of k: about E_2(2k / longest), the exponential integral, so 1 up to some tenth of `longest`, and
    e^(-2k / longest) / (2 + 2k / longest) beyond it. Raises ValueError naming a bad argument.
    """
    longest = integer("longest", longest, 3)
    lags = nonnegative("lags", lags)
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    t = (longest / 2) ** ((nodes + 1) / 2) * 2  # 1/(1 - f), evenly in its logarithm
    density = weights * t
    return np.exp(2 * lags[..., None] * np.log1p(-1 / t)) @ density / density.sum()


def _memory(lam: np.ndarray | float) -> np.ndarray:
    check_real("lam", lam)
    array = np.asarray(lam, float)
    if not np.all(np.abs(array) < 1):
        raise ValueError(f"lam must be between -1 and 1, got {lam}")
    return array
