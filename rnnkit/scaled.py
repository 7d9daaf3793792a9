"""Vectors of any size as a direction and a natural logarithm: what is carried where floats run out."""

from typing import NamedTuple

import numpy as np


class Scaled(NamedTuple):
    """Vectors v e^log: v (..., N), of norm 1 where just scaled; log (...), -inf for zeros."""

    v: np.ndarray
    log: np.ndarray


def zeros(*shape: int) -> Scaled:
    """Return zeros of this shape, the vectors along its last axis."""
    return Scaled(np.zeros(shape), np.full(shape[:-1], -np.inf))


def scaled(v: np.ndarray, log: np.ndarray | float = 0.0) -> Scaled:
    """Return v e^log with v of norm 1, or 0 and -inf; what is not finite stays so, in v or in log.

    v: (..., N) float64. Its largest entry is divided out first: the square of a small one may be zero.
    """
    largest = np.abs(v).max(axis=-1, initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        v = v / np.where(largest == 0, 1, largest)[..., None]
        norm = np.sqrt(np.einsum("...i,...i->...", v, v))
        norm[norm == 0] = 1
        v /= norm[..., None]
        return Scaled(v, log + np.log(largest) + np.log(norm))


def add(a: Scaled, b: Scaled) -> Scaled:
    """Return a + b: v_a e^(a - top) + v_b e^(b - top), top being the larger logarithm."""
    top = np.maximum(a.log, b.log)
    top = np.where(top == -np.inf, 0.0, top)
    with np.errstate(invalid="ignore"):  # inf - inf is nan, and stays visible
        return scaled(sum(np.exp(part.log - top)[..., None] * part.v for part in (a, b)), top)


def log_norm(v: np.ndarray, log: np.ndarray | float = 0.0) -> np.ndarray:
    """Return ln ||v e^log|| along the last axis."""
    return scaled(v, log).log
