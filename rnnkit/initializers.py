"""Recurrent weights by name, scaled exactly to a spectral radius, with what was achieved beside what was asked.

Row vectors: a_t = h_{t-1} W_hh, so column j of W_hh holds the incoming weights of unit j.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._arguments import check_real, choice, generator, integer, number, shown

INITIALIZERS = ("glorot", "gaussian", "orthogonal", "identity", "sparse")
FAN_IN = 15  # non-zero incoming weights a unit: Sutskever et al. (2013), and "smart tanh" of Pascanu et al. (2013)


class Achieved(NamedTuple):
    """What a matrix W (H, H) has: largest |eigenvalue|, ||W||_F / sqrt(H), largest singular value."""

    spectral_radius: float
    gain: float
    sigma_max: float


def glorot(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Return (fan_in, fan_out) normal weights of variance 2 / (fan_in + fan_out); a square one has gain 1.

    Glorot and Bengio (2010), eq. 12 (normal form).
    """
    generator("rng", rng)
    fan_in, fan_out = integer("fan_in", fan_in, 1), integer("fan_out", fan_out, 1)
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))


def orthogonal(rng: np.random.Generator, hidden_size: int) -> np.ndarray:
    """Return an (H, H) orthogonal matrix, uniform over the group: QR of a Gaussian, signs by diag R (Mezzadri 2007)."""
    generator("rng", rng)
    hidden_size = integer("hidden_size", hidden_size, 1)
    Q, R = np.linalg.qr(rng.standard_normal((hidden_size, hidden_size)))
    return np.ascontiguousarray(Q * np.sign(np.diag(R)))


def sparse(rng: np.random.Generator, hidden_size: int, fan_in: int = FAN_IN) -> np.ndarray:
    """Return (H, H) with exactly `fan_in` non-zero N(0, 1/fan_in) weights into each unit; gain 1 on average."""
    generator("rng", rng)
    hidden_size = integer("hidden_size", hidden_size, 1)
    fan_in = integer("fan_in", fan_in, 1, hidden_size)
    W_hh = np.zeros((hidden_size, hidden_size))
    for unit in range(hidden_size):
        incoming = rng.choice(hidden_size, size=fan_in, replace=False)
        W_hh[incoming, unit] = rng.standard_normal(fan_in) / np.sqrt(fan_in)
    return W_hh


def spectral_radius(W: np.ndarray) -> float:
    """Return the largest eigenvalue modulus of W (H, H)."""
    return float(np.abs(np.linalg.eigvals(as_square(W))).max())


def as_square(W: np.ndarray) -> np.ndarray:
    """Return a matrix (H, H) of finite numbers as float64, else raise ValueError."""
    check_real("W", W, 2)
    W = np.asarray(W).astype(np.float64)
    if W.shape[0] != W.shape[1] or not W.size or not np.isfinite(W).all():
        raise ValueError(f"W must be a square matrix of finite numbers, got {shown(W)}")
    return W


def scale_to_spectral_radius(W: np.ndarray, radius: float, present: float | None = None, name: str = "W") -> np.ndarray:
    """Return W times the one factor that gives it this spectral radius (> 0).

    present: the spectral radius that W has, computed where not given. name: what a message calls W.

    Raises ValueError if all eigenvalues are zero, or are so but for rounding: no factor reaches it then.
    """
    radius = number("radius", radius, above=0)
    present = spectral_radius(W) if present is None else number("present", present, least=0)
    if present <= len(W) * np.finfo(np.float64).eps * np.abs(W).max():
        raise ValueError(f"{name} must have an eigenvalue other than 0 to get spectral radius {radius}, got none")
    return W * (radius / present)


def achieved(W: np.ndarray) -> Achieved:
    """Return spectral radius, gain and largest singular value of W (H, H)."""
    W = as_square(W)
    gain = np.linalg.norm(W) / np.sqrt(len(W))
    return Achieved(spectral_radius(W), float(gain), float(np.linalg.norm(W, 2)))


def recurrent_weights(
    initializer: str,
    hidden_size: int,
    rng: np.random.Generator,
    *,
    radius: float | None = None,
    gain: float | None = None,
    fan_in: int | None = None,
) -> np.ndarray:
    """Return W_hh (H, H), float64.

    initializer: one of INITIALIZERS; each has gain 1 (entries of standard deviation 1/sqrt(H)) as it is.
    radius: scale exactly to this spectral radius. gain: multiply by it. At most one of the two.
    fan_in: for `sparse`, FAN_IN where not given (all units where there are fewer). Raises ValueError.
    """
    hidden_size = integer("hidden_size", hidden_size, 1)
    if radius is not None and gain is not None:
        raise ValueError(f"radius={radius} cannot be combined with gain={gain}: both set the scale of the weights")
    gain = None if gain is None else number("gain", gain, above=0)
    if choice("initializer", initializer, INITIALIZERS) in ("glorot", "gaussian"):
        W_hh = glorot(rng, hidden_size, hidden_size)
    elif initializer == "orthogonal":
        W_hh = orthogonal(rng, hidden_size)
    elif initializer == "identity":
        W_hh = np.eye(hidden_size)
    else:
        W_hh = sparse(rng, hidden_size, min(FAN_IN, hidden_size) if fan_in is None else fan_in)
    if radius is not None:
        return scale_to_spectral_radius(W_hh, radius)
    return W_hh if gain is None else W_hh * gain
