"""How a small change of the states grows along a run: Jacobians, their products, Lyapunov exponents.

The state is that of all layers side by side, as `rnnkit.state_jacobians` says, with the convention of J. Steps count
from 0 as those of x do: step t leads from state t-1 to state t, the one after it has read x[t]; state -1 is the first
one. All in float64 from the states that the run holds.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnkit.kernels._arguments import integer
from rnnkit.rng import streams
from rnnkit.state_jacobians import check_place, count_steps, jacobians, state_size

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run

EXACT_RANGE = np.log(1e-8)  # an SVD errs by 1e-16 of the largest singular value: by 1e-8 of one that is 1e-8 of it
SWEEPS, SETTLED = 100, 1e-9


class JacobianProduct(NamedTuple):
    """matrix (S, S) times exp(log_scale), matrix of Frobenius norm 1; ln of all singular values, largest first."""

    matrix: np.ndarray
    log_scale: float
    log_singular_values: np.ndarray


def step_jacobian(net: "RNN", run: "Run", t: int, b: int = 0) -> np.ndarray:
    """Return J (S, S), d state_t / d state_{t-1} of sample b. Raises ValueError naming a bad argument."""
    check_place(net, run, b, t=t)
    return next(jacobians(net, run, t, t, b))


def jacobian_product(net: "RNN", run: "Run", first: int, last: int, b: int = 0) -> JacobianProduct:
    """Return d state_last / d state_{first-1} = J_last ... J_first of sample b.

    The matrix keeps no singular value below 1e-16 of the largest. Where they reach below 1e-8 of it, their logarithms
    come from QR of factor after factor, forth and back, which never forms the product (`_by_sweeps`) and holds all
    factors at once; that errs only among values which are nearly equal, and a zero comes out as rounding, some 36 nats
    or more below the rest. Raises ValueError naming a bad argument.
    """
    check_place(net, run, b, first=first, last=last)
    if last < first:
        raise ValueError(f"last must be at least first = {first}, got {last}")
    factors = list(jacobians(net, run, first, last, b))
    matrix, log_scale = np.eye(len(factors[0])), 0.0
    for J in factors:
        matrix = J @ matrix
        size = np.linalg.norm(matrix)
        if size == 0:
            return JacobianProduct(matrix, -np.inf, np.full(len(matrix), -np.inf))
        matrix, log_scale = matrix / size, log_scale + float(np.log(size))
    with np.errstate(divide="ignore"):
        logs = np.log(np.linalg.svd(matrix, compute_uv=False)) + log_scale
    return JacobianProduct(matrix, log_scale, logs if logs[-1] - logs[0] > EXACT_RANGE else _by_sweeps(factors))


def lyapunov_exponents(net: "RNN", run: "Run", n: int | None = None, burn_in: int = 0, b: int = 0) -> np.ndarray:
    """Return n Lyapunov exponents (n,) of sample b, ln per step, largest first; n: all S where not given.

    n orthonormal changes Q, random to begin with, go through every step and are made orthonormal again, Q R = J Q; an
    exponent is the mean of ln |R_ii| over the steps from burn_in on. They are the n largest once Q has settled. Where J
    is singular (relu, zero weights), rounding may stand for -inf, about -36 or less.
    Benettin, Galgani, Giorgilli, Strelcyn (1980); of recurrent nets: Engelken, Wolf, Abbott (2023).
    Raises ValueError naming a bad argument.
    """
    check_place(net, run, b, burn_in=burn_in)
    S = state_size(net)
    n = S if n is None else integer("n", n, 1, S)
    Q = np.linalg.qr(streams(0).evaluation.standard_normal((S, n)))[0]  # not the identity: W may be diagonal
    total, steps = np.zeros(n), count_steps(run, b)
    for t, J in enumerate(jacobians(net, run, 0, steps - 1, b)):
        Q, R = np.linalg.qr(J @ Q)
        if t >= burn_in:
            total += _log_diagonal(R)
    return np.sort(total / (steps - burn_in))[::-1]


def _by_sweeps(factors: list[np.ndarray]) -> np.ndarray:
    """Return the logs of the singular values of the product F_last ... F_first, largest first.

    The product P is Q R_last ... R_first, so its singular values are those of R_first^T ... R_last^T, a product of the
    same kind. Forth and back, the triangles tend to diagonals (two sweeps are a step of the QR algorithm on P P^T), all
    the faster the further the values are apart.
    """
    before = np.full(len(factors[0]), np.inf)
    for _ in range(SWEEPS):
        Q, logs, triangles = np.eye(len(before)), 0.0, []
        for F in factors:
            Q, R = np.linalg.qr(F @ Q)
            logs = logs + _log_diagonal(R)
            triangles.append(R)
        if np.all(np.isclose(logs, before, rtol=0, atol=SETTLED)):
            break
        before, factors = logs, [R.T for R in reversed(triangles)]
    return np.sort(logs)[::-1]


def _log_diagonal(R: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.abs(np.diagonal(R)))
