"""What a linear recurrent net remembers of white input: h_t = h_{t-1} W + s_t v, s_t of variance 1.

memory_capacity(W, lags)      (lags + 1,): how much of s_{t-k} the best linear readout of h_t tells, 0 to 1
fisher_memory(W)              (H, H) J: v J v is the sum over all lags of the Fisher information of h_t about s_{t-k},
                              with white noise of variance 1 in every unit at every step
delay_line_fisher(alpha, H)   that sum for a delay line, from its first unit

The spectral radius of W must be below 1, or what enters never leaves.
"""

import numpy as np
import scipy  # its parts load on first use

from rnnkit._arguments import integer, number
from rnnkit.initializers import as_square, spectral_radius


def memory_capacity(W: np.ndarray, lags: int) -> np.ndarray:
    """Return the capacity at lags 0, 1, ..., lags, for any v that excites all modes; its sum over all lags is H.

    Jaeger (2001); that the sum is the rank of (v, v W, v W^2, ...): Gonon, Grigoryeva, Ortega (2020), H for almost all
    W and v. What h_t keeps of the past is the span of the sequences lambda_i^k of the eigenvalues. Projections on it by
    the covariance of h lose all digits where that is singular to rounding, which made published sums too small
    (Ballarin, Grigoryeva, Ortega 2024). So here an orthonormal basis of the span, Takenaka's and Malmquist's: number n
    is sqrt(1 - |lambda_n|^2) / (1 - lambda_n z) times all-pass filters (z - conj lambda_m) / (1 - lambda_m z), m < n;
    filters keep norms, so no digit is lost. A W whose modes no v excites, as one with two equal eigenvalues and no
    chain between them, has less. Raises ValueError naming a bad argument.
    """
    eigenvalues, lags = np.linalg.eigvals(_stable(W)), integer("lags", lags, 0)
    passed, capacity = np.zeros(lags + 1, complex), np.zeros(lags + 1)
    passed[0] = 1
    for eigenvalue in eigenvalues:
        basis = scipy.signal.lfilter([np.sqrt(1 - abs(eigenvalue) ** 2)], [1, -eigenvalue], passed)
        capacity += np.abs(basis) ** 2
        passed = scipy.signal.lfilter([-np.conj(eigenvalue), 1], [1, -eigenvalue], passed)
    return capacity


def fisher_memory(W: np.ndarray) -> np.ndarray:
    """Return J (H, H), symmetric; its trace is H, and a normal W has the identity: each v of norm 1 tells 1.

    Ganguli, Huh, Sompolinsky (2008): J = sum over k of W^k C^-1 (W^T)^k, C the covariance of the noise in h. Raises
    ValueError for a W that is not (H, H), not finite, or of a spectral radius of 1 or more.
    """
    W = _stable(W)
    C = scipy.linalg.solve_discrete_lyapunov(W.T, np.eye(len(W)))
    return scipy.linalg.solve_discrete_lyapunov(W, np.linalg.inv(C))


def delay_line_fisher(alpha: float, hidden_size: int) -> float:
    """Return sum over k < H of alpha^k / (1 + alpha + ... + alpha^k) of W[i, i+1] = sqrt(alpha), v the first unit.

    Ganguli, Huh, Sompolinsky (2008): about H (1 - 1/alpha) above alpha = 1, where memory grows with the net. Raises
    ValueError naming a bad argument.
    """
    alpha, hidden_size = number("alpha", alpha, above=0), integer("hidden_size", hidden_size, 1)
    with np.errstate(over="ignore"):  # of a small alpha: those terms are 0
        return float(np.sum(1 / np.cumsum(float(alpha) ** -np.arange(hidden_size))))


def _stable(W: np.ndarray) -> np.ndarray:
    W = as_square(W)
    if not (radius := spectral_radius(W)) < 1:
        raise ValueError(f"W must have a spectral radius below 1, got {radius:.6g}")
    return W
