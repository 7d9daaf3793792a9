"""Vectors of any size as numbers and natural logarithms: what is carried where floats run out."""

from typing import NamedTuple

import numpy as np

DEEP = -300.0  # ln of what is far below 1 and yet far from float64's end, -708: products of two such numbers are not 0
PAIRS = 2**20  # sums in logarithms are done so many terms at once


class Scaled(NamedTuple):
    """Numbers v e^log: v (..., N), log (..., 1), one for each vector, or (..., N), graded: one for each number.

    A zero has v = 0, whatever its log.
    """

    v: np.ndarray
    log: np.ndarray


def signed(v: np.ndarray) -> Scaled:
    """Return floats as a sign and a logarithm each."""
    with np.errstate(divide="ignore"):
        return Scaled(np.sign(v), np.log(np.abs(v)))


def floats(a: Scaled) -> np.ndarray:
    """Return numbers as floats; those out of their range as 0 or inf."""
    return np.where(a.v == 0, 0.0, a.v * np.exp(a.log))


def zeros(*shape: int) -> Scaled:
    """Return zeros of this shape, the vectors along its last axis."""
    return Scaled(np.zeros(shape), np.full((*shape[:-1], 1), -np.inf))


def is_graded(a: Scaled) -> bool:
    """Return whether each number has a logarithm of its own."""
    return a.log.shape[-1] == a.v.shape[-1]


def graded(a: Scaled) -> Scaled:
    """Return the same numbers as signs and a logarithm each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(np.abs(a.v)) + a.log
    return Scaled(np.sign(a.v), np.where(a.v == 0, -np.inf, log))


def scaled(v: np.ndarray, log: np.ndarray | float = 0.0) -> Scaled:
    """Return v e^log with each v of norm 1 and one logarithm, or 0 and -inf; what is not finite stays so.

    Graded where a number is e^-300 of the largest of its vector, or less. v: (..., N) float64; log as of `Scaled`.
    """
    log = np.asarray(log)
    if log.ndim and log.shape[-1] == v.shape[-1] > 1:
        v, log = graded(Scaled(v, log))
        top = _finite(log.max(axis=-1, keepdims=True))
        if (log < top + DEEP)[v != 0].any():
            return Scaled(v, log)
        with np.errstate(invalid="ignore"):
            v, log = v * np.exp(log - top), top
    size = np.abs(v)
    with np.errstate(invalid="ignore", over="ignore"):
        if ((size < np.exp(DEEP) * size.max(axis=-1, keepdims=True, initial=0.0)) & (size > 0)).any():
            return graded(Scaled(v, np.broadcast_to(log, v.shape)))
    v, of_v = _directions(v)
    return Scaled(v, log + of_v)


def times(a: Scaled, b: Scaled) -> Scaled:
    """Return a b, number by number."""
    return Scaled(a.v * b.v, a.log + b.log)


def plus(a: Scaled, b: Scaled) -> Scaled:
    """Return a + b, number by number: v_a e^(a - top) + v_b e^(b - top), top being the larger logarithm."""
    with np.errstate(invalid="ignore"):  # inf - inf is nan, and stays visible
        gap = np.abs(a.log - b.log)
        if is_graded(a) or is_graded(b) or (gap[np.isfinite(gap)] > -DEEP).any():
            a, b = graded(a), graded(b)
        top = _finite(np.maximum(a.log, b.log))
        return Scaled(sum(np.exp(part.log - top) * part.v for part in (a, b)), top)


def part(a: Scaled, which: slice) -> Scaled:
    """Return these of the numbers of each vector."""
    return Scaled(a.v[..., which], a.log if a.log.shape[-1] == 1 else a.log[..., which])


def beside(parts: list[Scaled]) -> Scaled:
    """Return vectors put together of these, side by side."""
    v, log = np.concatenate([a.v for a in parts], axis=-1), parts[0].log
    if log.shape[-1] == 1 and all(np.array_equal(a.log, log, equal_nan=True) for a in parts):
        return Scaled(v, log)
    return Scaled(v, np.concatenate([np.broadcast_to(a.log, a.v.shape) for a in parts], axis=-1))


def where(inside: np.ndarray, a: Scaled, b: Scaled) -> Scaled:
    """Return the vectors of a where `inside`, (..., 1) or a bool, holds, those of b elsewhere."""
    return Scaled(np.where(inside, a.v, b.v), np.where(inside, a.log, b.log))


def product(a: Scaled, M: np.ndarray | Scaled) -> Scaled:
    """Return a M, a (..., K); M (K, N), as floats or graded.

    Where numbers of a or M are graded, a sum that comes out as nothing beside its row's and column's largest terms is
    done again in logarithms, term by term.
    """
    if not isinstance(M, Scaled):
        if not is_graded(a) or a.v.shape[-1] == 1:
            return Scaled(a.v @ M, a.log)
        M = Scaled(M, np.zeros((1, 1)))
    shape, N = a.v.shape, M.v.shape[1]
    a, M = graded(Scaled(a.v.reshape(-1, shape[-1]), a.log.reshape(-1, a.log.shape[-1]))), graded(M)
    rows, columns = (_finite(m.log.max(axis=axis, keepdims=True)) for m, axis in ((a, 1), (M, 0)))
    with np.errstate(invalid="ignore"):
        v = (a.v * np.exp(a.log - rows)) @ (M.v * np.exp(M.log - columns))
        log = rows + columns
        again = np.argwhere(np.abs(v) < np.exp(DEEP))
        for some in np.array_split(again, 1 + again.size * shape[-1] // PAIRS):
            i, j = some.T
            terms = Scaled(a.v[i] * M.v.T[j], a.log[i] + M.log.T[j])
            log[i, j] = top = _finite(terms.log.max(axis=1))
            v[i, j] = (terms.v * np.exp(terms.log - top[:, None])).sum(axis=1)
    return Scaled(v.reshape(*shape[:-1], N), log.reshape(*shape[:-1], N))


def log_norm(a: Scaled) -> np.ndarray:
    """Return ln of the norm of each vector, (...)."""
    if not is_graded(a):
        return (a.log + _directions(a.v)[1])[..., 0]
    v, log = graded(a)
    top = _finite(log.max(axis=-1, keepdims=True))
    with np.errstate(invalid="ignore"):
        return (top + _directions(v * np.exp(log - top))[1])[..., 0]


def _directions(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return v with each vector divided by its norm, and ln of the norms (..., 1); zeros stay, with -inf."""
    largest = np.abs(v).max(axis=-1, keepdims=True, initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        v = v / np.where(largest == 0, 1, largest)  # the square of a small one may be zero
        norm = np.sqrt(np.einsum("...i,...i->...", v, v))[..., None]
        norm[norm == 0] = 1
        v /= norm
        return v, np.log(largest) + np.log(norm)


def _finite(log: np.ndarray) -> np.ndarray:
    """Return logarithms with 0 for -inf, to be taken off others."""
    return np.where(log == -np.inf, 0.0, log)
