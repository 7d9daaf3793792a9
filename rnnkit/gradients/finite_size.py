"""The 1/H term of the growth of gradients in driven tanh nets: growth = .5 ln chi + c/H.

h_t = tanh(a_t), a_t = h_{t-1} W + xi_t, as in `rnnkit.gradients.theory`; derived in docs/finite_size.md, whose symbols
these are. c is made of four effects: the norm of the state fluctuates (V) and shifts (M) about its limit, the gradient
aligns with the state (v), and H random numbers are not their mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import number, shown
from rnnkit.gradients.gaussian_means import LARGEST_DRIVE, LARGEST_GAIN, fixed_point, mean, nonnegative

ENSEMBLES = ("gaussian", "glorot", "orthogonal")
SMALLEST = 1e-9  # stands for smaller q: at 0 the terms are ratios of zeros


class FiniteSize(NamedTuple):
    """Each of the shape of `gain`. c: the term. V, M: of the squared norm of the state, H (|h|^2/H - Q).

    v: H times the mean squared cosine of state and gradient; J: how much of the gradient along the state the next step
    lets through, over that of the rest. alignment: (E phi')^2 / E phi'^2, near 1 where one tied W shows itself.
    """

    c: np.ndarray
    V: np.ndarray
    M: np.ndarray
    v: np.ndarray
    J: np.ndarray
    alignment: np.ndarray


def finite_size(gain: np.ndarray | float, drive_variance: float, initializer: str) -> FiniteSize:
    """Return the 1/H term and what it is made of, at each net's achieved gain.

    initializer: orthogonal, or gaussian (glorot): a fresh W at each step exactly, one tied W for large H, which needs
    the larger H the nearer `alignment` is to 1: at .55 and below 100 units are enough. Without drive and at a gain of 1
    or less, where the state is 0, the limit of a weak drive. c grows with the gain, and c/H must be small.
    Raises ValueError naming a bad argument.
    """
    g = nonnegative("gain", gain, LARGEST_GAIN)
    s2 = number("drive_variance", drive_variance, least=0, most=LARGEST_DRIVE)
    if not (isinstance(initializer, str) and initializer in ENSEMBLES):
        raise ValueError(f"initializer must be gaussian, glorot or orthogonal, got {shown(initializer)}")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _finite_size(g, s2, 1.0 if initializer == "orthogonal" else 0.0)


def _finite_size(g: np.ndarray, s2: float, o: float) -> FiniteSize:
    """Return it; o: 1 of an orthogonal W, which keeps the norm of what it is given, else 0."""
    q = np.maximum(fixed_point(g, s2), SMALLEST)

    def by_q(function: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return E function(a), a of variance q, and its first two derivatives by q."""
        first = mean(q, lambda a: function(a) * (a**2 / q[..., None] - 1))
        second = mean(q, lambda a: function(a) * (a**4 / q[..., None] ** 2 - 6 * a**2 / q[..., None] + 3))
        return mean(q, function), first / (2 * q), second / (4 * q**2)

    (Q, Q1, Q2), (A, A1, A2) = by_q(_f2), by_q(_d2)
    S, b = g**2 * Q, g**2 * Q1
    V = (mean(q, lambda a: _f2(a) ** 2) - Q**2 - 2 * o * S**2 * Q1**2) / (1 - b**2)
    M = (0.5 * g**4 * Q2 * V - o * S**2 * Q2) / (1 - b)
    afd, a2d2 = mean(q, lambda a: a * np.tanh(a) * _d(a)), mean(q, lambda a: a**2 * _d2(a))
    rho2 = g**2 * afd**2 / (q**2 * A)  # share of the alignment that one step hands on
    v = (g**2 * Q * a2d2 / (q**2 * A) + 1 - S / q - rho2) / (1 - rho2)
    J = mean(q, lambda a: _d2(a) * _f2(a)) / (Q * A)
    kappa = mean(q, lambda a: _d2(a) ** 2) / A**2
    spread = 3 * (kappa - 1) - 2 * o * S**2 * A1**2 / A**2 + g**4 * A1**2 * V / A**2
    L = (A1 * g**2 * M + 0.5 * A2 * g**4 * V - o * S**2 * A2) / A + (v - 1) * (J - 1) - 0.5 * spread
    c = L / 2 if o else (L + v - 2) / 2
    return FiniteSize(c, V, M, v, J, mean(q, _d) ** 2 / A)


def _d(a: np.ndarray) -> np.ndarray:
    return 1 - np.tanh(a) ** 2


def _d2(a: np.ndarray) -> np.ndarray:
    return _d(a) ** 2


def _f2(a: np.ndarray) -> np.ndarray:
    return np.tanh(a) ** 2
