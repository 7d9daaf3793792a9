"""Means over the Gaussian pre-activations of a large driven tanh net, and their variance, the fixed point q."""

from collections.abc import Callable

import numpy as np

from rnnkit._arguments import check_real, number

# E f(z), f even, by the trapezoid rule on z >= 0, the nodes z = s sinh(t) at even steps of t: dense where
# tanh(sqrt(q) z) turns, s = 1 / sqrt(q) above q = 1. So its poles lie 1.5 away in t whatever q is, steps are .004 to
# .15, and errors below rounding. Gauss-Hermite with 201 nodes, often used here, is off by 9e-5 in .5 ln chi at g = 3,
# s2 = 1 and by .002 at g = 4; it puts the critical gain at s2 = 4 at 2.3246 instead of 2.3250.
NODES, LAST = 800, 12.0
LARGEST_GAIN, LARGEST_DRIVE = 1e50, 1e100  # from variances of some 1e120 on the nodes are too far apart


def mean_of_states(q: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return E f(tanh(sqrt(q) z)), z ~ N(0, 1), f even; same shape as q."""
    return mean(q, lambda a: function(np.tanh(a)))


def mean(q: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return E f(sqrt(q) z), z ~ N(0, 1), f even; same shape as q."""
    q = np.asarray(q, float)[..., None]
    scale = 1 / np.sqrt(np.maximum(q, 1))
    t = np.arcsinh(LAST / scale) * (np.arange(NODES) / NODES)
    z = scale * np.sinh(t)
    weights = np.cosh(t) * np.exp(-(z**2) / 2)
    weights[..., 0] /= 2
    return np.sum(function(np.sqrt(q) * z) * weights, axis=-1) / np.sum(weights, axis=-1)


def fixed_point(gain: np.ndarray | float, drive_variance: float) -> np.ndarray:
    """Return q = g^2 E tanh^2(sqrt(q) z) + s2, the variance of the pre-activations; same shape as `gain`.

    Without drive the stable solution: 0 for g <= 1. Molgedey, Schuchhardt, Schuster (1992); Chen, Pennington,
    Schoenholz (2018), eq. 3. Raises ValueError for a negative or non-finite argument.
    """
    from scipy.optimize.elementwise import find_root  # here, so that importing rnnkit stays quick

    gain = nonnegative("gain", gain, LARGEST_GAIN)
    s2 = number("drive_variance", drive_variance, least=0, most=LARGEST_DRIVE)
    at_rest = (gain == 0) | (s2 == 0) & (gain <= 1 + 1e-9)
    if np.any(at_rest):
        return np.where(at_rest, s2, fixed_point(np.where(at_rest, 2.0, gain), s2))

    def excess(q: np.ndarray, g: np.ndarray) -> np.ndarray:
        return g**2 * mean_of_states(q, np.square) + s2 - q

    smallest = s2 if s2 > 0 else 1e-3 * (gain - 1) / gain**3  # without drive: below the root, above 0
    bracket = np.broadcast_to(smallest, gain.shape), gain**2 + s2
    return find_root(excess, bracket, args=(gain,)).x


def nonnegative(name: str, value: np.ndarray | float, most: float = np.inf) -> np.ndarray:
    """Return numbers as an array; ValueError names them where one is negative, not finite or above `most`."""
    check_real(name, value)
    array = np.asarray(value, float)
    if not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array > most):
        raise ValueError(f"{name} must be finite and >= 0{'' if most == np.inf else f', <= {most:g}'}, got {value}")
    return array
