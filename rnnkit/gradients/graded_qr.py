"""QR of a matrix whose rows may be e^-20000 of each other, and of what a step makes of orthonormal columns.

LAPACK's QR errs by 1e-16 of the largest number, so it is taken where all |R_ii| are within 1e-8 of that: there
ln |R_ii| is right to 1e-8. Else rows are eliminated in the order of their size, each number with its own logarithm:

    X = L U,  L = Q R' (by LAPACK: numbers of L are 1 or less, and L is well-conditioned),  ln |R_ii| = ln |R'_ii U_ii|

An error in row i of such an elimination is 1e-16 of that row. Rows that are exactly zero stay so; a column that depends
exactly on those before it has ln R_ii = -inf, and no place in L. Not Q but L goes on to the next step: a column is zero
where those before it have their largest number, so that a step which mixes rows leaves small ones be. What a step adds
to a row 1e16 times as large is lost, as in any sum of floats.
"""

from typing import NamedTuple

import numpy as np
import scipy
from scipy.linalg.blas import dgemm
from scipy.linalg.lapack import dgetrf

from rnnkit.gradients.scaled import DEEP, Scaled, floats, graded, part, plus, product, times
from rnnkit.gradients.step_factors import Step

EXACT = 1e-8

Columns = np.ndarray | Scaled  # (S, n) as floats, or graded where floats lose some


class Frame(NamedTuple):
    """Columns (S, n), well-conditioned, and ln |R_ii| (n,) of them: 0 where they are orthonormal, None if not known."""

    columns: Columns
    log_r: np.ndarray | None


def orthonormal(Q: np.ndarray) -> Frame:
    """Return orthonormal columns (S, n) as a frame."""
    return Frame(Q, np.zeros(Q.shape[1]))


def measured(frame: Frame) -> Frame:
    """Return a frame with its ln |R_ii|."""
    if frame.log_r is not None:
        return frame
    return Frame(frame.columns, np.log(np.abs(np.diagonal(np.linalg.qr(frame.columns, mode="r")))))


def eliminated(step: Step, frame: Frame) -> tuple[Frame, np.ndarray] | None:
    """Return L and ln |U_ii| (n,) of L U = J times the columns, rows in the order of LAPACK's pivots; or None.

    That is the elimination above in floats: each pivot is the largest number left of its column, so that an error in a
    row is 1e-16 of that row of J (no number of L is above 1). None where a pivot is below 1e-8 of its row, as of rows
    of an LSTM's h and c that are nearly parallel, or zero; where derivatives or columns are not floats; and of one
    column, whose norm is all there is to find.
    """
    if isinstance(frame.columns, Scaled) or step.deep or frame.columns.shape[1] == 1:
        return None
    X = dgemm(1.0, step.J.T, frame.columns, trans_a=True)  # scipy's BLAS, as LAPACK's: two would wait for each other
    n = X.shape[1]
    LU, pivots, _ = dgetrf(X, overwrite_a=True)
    sizes, order = np.abs(np.diagonal(LU)), np.arange(len(X))
    for i, j in enumerate(pivots.tolist()):  # as LAPACK swapped rows
        order[i], order[j] = order[j], order[i]
    if not (sizes > EXACT * np.abs(step.J).max(axis=1)[order[:n]]).all():
        return None
    L = np.tril(LU, -1)
    L[np.arange(n), np.arange(n)] = 1
    columns = np.empty_like(L, order="F")
    columns[order] = L
    return Frame(columns, None), np.log(sizes)


def through(step: Step, frame: Frame, back: bool = False) -> tuple[Frame, np.ndarray]:
    """Return the frame of J Q, or of J^T Q, and ln |R_ii| (n,) of it, Q being the orthonormal columns of `frame`.

    The new frame is without the columns whose logarithm is -inf.
    """
    X, logs = frame.columns, -frame.log_r
    if not len(logs):
        return frame, logs
    if not isinstance(X, Scaled) and not step.deep:
        found = _by_lapack((step.J.T if back else step.J) @ X)
        if found is not None:
            return orthonormal(found[0]), logs + found[1]
    factors, alive = step.factors(), np.arange(len(logs))
    for factor in [transposed(f) for f in reversed(factors)] if back else factors:
        X, of_factor = _unit_lower(times_factor(factor, X))
        logs[alive] += of_factor
        alive = alive[of_factor != -np.inf]
    log_r = _log_r(X)
    logs[alive] += log_r
    return Frame(as_floats(X, np.log(EXACT)), log_r), logs


def times_factor(factor: Scaled, X: Columns) -> Scaled:
    """Return factor X, graded."""
    if not isinstance(X, Scaled):
        X = Scaled(X, np.zeros((1, 1)))
    return graded(times(factor, X) if factor.v.shape[1] == 1 else product(factor, X))


def transposed(factor: Scaled) -> Scaled:
    """Return the transpose of a factor of a step."""
    return factor if factor.v.shape[1] == 1 else Scaled(factor.v.T, factor.log.T)


def as_floats(X: Scaled, least: float = DEEP) -> Columns:
    """Return graded X as floats, or as it is where some are less than e^least, which sums of floats may lose."""
    if (X.log < least)[X.v != 0].any():
        return X
    return floats(X)


def _by_lapack(X: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (Q, ln |R_ii|), or None where they are not exact enough; zero rows of X are zero in Q."""
    if X.shape[1] == 1:  # a column alone: its norm is R, in a third of the time; of BLAS, whose squares do not overflow
        size = scipy.linalg.blas.dnrm2(X[:, 0])
        return (X / size, np.log([size])) if size else None
    rows = X.any(axis=1)
    if rows.sum() < X.shape[1]:
        return None
    Q, R = np.linalg.qr(X if rows.all() else X[rows])
    size = np.abs(np.diagonal(R))
    if (size < EXACT * np.abs(R).max()).any() or not size.any():
        return None
    if not rows.all():  # QR would fill them by rounding
        Q, some = np.zeros_like(X), Q
        Q[rows] = some
    return Q, np.log(size)


def _log_r(L: Scaled) -> np.ndarray:
    """Return ln |R_ii| of L (S, n), by LAPACK."""
    rows = (L.v != 0).any(axis=1)
    R = np.linalg.qr(floats(L)[rows], mode="r")
    return np.log(np.abs(np.diagonal(R)))


def _unit_lower(X: Scaled) -> tuple[Scaled, np.ndarray]:
    """Return (L (S, rank), ln |U_ii| (n,)) of X = L U, rows in any order; no number of L is above 1."""
    S, n = X.v.shape
    free, logs, columns = np.ones(S, bool), np.full(n, -np.inf), []
    for j in range(n):
        size = np.where(free & (X.v[:, j] != 0), X.log[:, j], -np.inf)
        pivot = int(size.argmax())
        if size[pivot] == -np.inf:
            continue
        logs[j] = size[pivot]
        column = Scaled(np.where(free, X.v[:, j] * X.v[pivot, j], 0)[:, None], (size - size[pivot])[:, None])
        columns.append(column)
        free[pivot] = False
        row = part(Scaled(-X.v[[pivot]], X.log[[pivot]]), slice(j + 1, None))
        rest = graded(plus(part(X, slice(j + 1, None)), times(column, row)))
        X.v[free, j + 1 :], X.log[free, j + 1 :] = rest.v[free], rest.log[free]
    if not columns:
        return Scaled(np.zeros((S, 0)), np.zeros((S, 0))), logs
    return Scaled(*(np.concatenate(parts, axis=1) for parts in zip(*columns, strict=True))), logs
