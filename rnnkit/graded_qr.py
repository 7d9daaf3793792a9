"""QR of a matrix whose rows may be e^-20000 of each other, and of what a step makes of orthonormal columns.

LAPACK's QR errs by 1e-16 of the largest number, so it is taken where all |R_ii| are within 1e-8 of that: there
ln |R_ii| is right to 1e-8. Else rows are eliminated in the order of their size, each number with its own logarithm:

    X = L U,  L = Q R' (by LAPACK: numbers of L are 1 or less, and L is well-conditioned),  ln |R_ii| = ln |R'_ii U_ii|

An error in row i of such an elimination is 1e-16 of that row. Rows that are exactly zero stay so; a column that depends
exactly on those before it has ln R_ii = -inf, and no place in Q.
"""

import numpy as np

from rnnkit.scaled import DEEP, Scaled, graded, part, plus, product, times
from rnnkit.state_jacobians import Step

EXACT = 1e-8

Columns = np.ndarray | Scaled  # (S, n) as floats, or graded where floats lose some


def through(step: Step, Q: Columns, back: bool = False) -> tuple[Columns, np.ndarray]:
    """Return (Q', ln |R_ii| (n,)) of J Q = Q' R, or of J^T Q; Q' without the columns whose logarithm is -inf."""
    n = Q.v.shape[1] if isinstance(Q, Scaled) else Q.shape[1]
    if not n:
        return Q, np.zeros(0)
    if not isinstance(Q, Scaled) and not step.deep:
        found = _by_lapack((step.J.T if back else step.J) @ Q)
        if found is not None:
            return found
    logs, alive = np.zeros(n), np.arange(n)
    factors = step.factors()
    for factor in [transposed(f) for f in reversed(factors)] if back else factors:
        Q, of_factor = _by_elimination(times_factor(factor, Q))
        logs[alive] += of_factor
        alive = alive[of_factor != -np.inf]
    return Q, logs


def times_factor(factor: Scaled, X: Columns) -> Scaled:
    """Return factor X, graded."""
    if not isinstance(X, Scaled):
        X = Scaled(X, np.zeros((1, 1)))
    return graded(times(factor, X) if factor.v.shape[1] == 1 else product(factor, X))


def transposed(factor: Scaled) -> Scaled:
    """Return the transpose of a factor of a step."""
    return factor if factor.v.shape[1] == 1 else Scaled(factor.v.T, factor.log.T)


def as_floats(X: Scaled) -> Columns:
    """Return graded X as floats, or as it is where they would lose some."""
    if (X.log < DEEP)[X.v != 0].any():
        return X
    return np.where(X.v == 0, 0.0, X.v * np.exp(X.log))


def _by_lapack(X: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (Q, ln |R_ii|), or None where they are not exact enough; zero rows of X are zero in Q."""
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


def _by_elimination(X: Scaled) -> tuple[Columns, np.ndarray]:
    """Return (Q, ln |R_ii|) of graded X (S, n), Q without columns whose logarithm is -inf."""
    L, logs = _unit_lower(X)
    alive = logs != -np.inf
    if not alive.any():
        return L.v, logs
    floats, rows = L.v * np.exp(L.log), (L.v != 0).any(axis=1)
    R = np.linalg.qr(np.where(L.v == 0, 0, floats)[rows], mode="r")
    logs[alive] += np.log(np.abs(np.diagonal(R)))
    return as_floats(graded(product(L, np.linalg.inv(R)))), logs


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
