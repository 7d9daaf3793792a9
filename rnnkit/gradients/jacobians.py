"""Jacobians of the states of a network from step to step, and their products over many steps.

The state is that of all layers side by side, as `rnnkit.gradients.step_factors` says, with the convention of J. Steps
count from 0 as those of x do: step t leads from state t-1 to state t, the one after it has read x[t]; state -1 is the
first one. All in float64 from the inputs and states that the trace holds; saturated units count to any depth, as
logarithms.
"""

from typing import NamedTuple

import numpy as np
import scipy

from rnnkit.gradients.graded_qr import Columns, as_floats, orthonormal, through, times_factor
from rnnkit.gradients.scaled import Scaled, floats
from rnnkit.gradients.step_factors import Step, check_place, state_size, steps
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace

EXACT_RANGE = np.log(1e-8)  # an SVD errs by 1e-16 of the largest singular value: by 1e-8 of one that is 1e-8 of it
SWEEPS, SETTLED = 100, 1e-9


class JacobianProduct(NamedTuple):
    """matrix (S, S) times exp(log_scale), matrix of Frobenius norm 1; ln of all singular values, largest first."""

    matrix: np.ndarray
    log_scale: float
    log_singular_values: np.ndarray


def step_jacobian(net: RNN, trace: Trace, t: int, b: int = 0) -> np.ndarray:
    """Return J (S, S), d state_t / d state_{t-1} of sample b; what is below float64 is 0.

    Raises ValueError naming a bad argument.
    """
    check_place(net, trace, b, t=t)
    return next(steps(net, trace, t, t, b)).J


def jacobian_product(net: RNN, trace: Trace, first: int, last: int, b: int = 0) -> JacobianProduct:
    """Return d state_last / d state_{first-1} = J_last ... J_first of sample b.

    The matrix keeps no singular value below 1e-16 of the largest. Where they reach below 1e-8 of it, their logarithms
    come from QR of factor after factor, forth and back, which never forms the product (`_by_sweeps`) and holds all
    factors at once; that errs only among values which are nearly equal. What is zero by rows of zeros (units of relu
    that are off, weights of zero) is -inf; another zero comes out as rounding, some 36 nats or more below the rest.
    Raises ValueError naming a bad argument.
    """
    check_place(net, trace, b, first=first, last=last)
    if last < first:
        raise ValueError(f"last must be at least first = {first}, got {last}")
    factors = list(steps(net, trace, first, last, b))
    product, log_scale = np.eye(state_size(net)), 0.0
    for step in factors:
        product, size = _unit(_apply(step, product))
        log_scale += size
    matrix = floats(product) if isinstance(product, Scaled) else product
    if log_scale == -np.inf:
        return JacobianProduct(matrix, -np.inf, np.full(len(matrix), -np.inf))
    with np.errstate(divide="ignore"):
        logs = np.log(np.linalg.svd(matrix, compute_uv=False)) + log_scale
    exact = logs[-1] - logs[0] > EXACT_RANGE and not isinstance(product, Scaled)
    return JacobianProduct(matrix, log_scale, logs if exact else _by_sweeps(factors))


def _apply(step: Step, X: Columns) -> Columns:
    """Return J X."""
    if not isinstance(X, Scaled) and not step.deep:
        return step.J @ X
    for factor in step.factors():
        X = times_factor(factor, X)
    return X


def _unit(X: Columns) -> tuple[Columns, float]:
    """Return (X divided by its Frobenius norm, ln of that), as floats where they lose none; -inf for zeros."""
    log_scale = 0.0
    if isinstance(X, Scaled):
        log_scale = float(X.log.max(where=X.v != 0, initial=-np.inf))
        X = as_floats(Scaled(X.v, X.log - (log_scale if log_scale > -np.inf else 0)))
    size = float(scipy.linalg.blas.dnrm2((floats(X) if isinstance(X, Scaled) else X).ravel()))  # no square
    if size == 0:
        return X, -np.inf
    X = Scaled(X.v, X.log - np.log(size)) if isinstance(X, Scaled) else X / size
    return X, log_scale + float(np.log(size))


def _by_sweeps(factors: list[Step]) -> np.ndarray:
    """Return the logs of the singular values of the product P of the steps, largest first.

    Orthonormal columns Q go through P, then through P^T, and so on: a step of the QR algorithm on P P^T each. The
    triangles tend to diagonals, all the faster the further the values are apart.
    """
    S = len(factors[0].J)
    frame, before, back = orthonormal(np.eye(S)), np.full(S, np.inf), False
    for _ in range(SWEEPS):
        logs = np.zeros(len(frame.log_r))
        for step in reversed(factors) if back else factors:
            frame, of_step = through(step, frame, back)
            logs = (logs + of_step)[of_step != -np.inf]
        if len(logs) == len(before) and np.allclose(logs, before, rtol=0, atol=SETTLED):
            break
        before, back = logs, not back
    return np.append(np.sort(logs)[::-1], np.full(S - len(logs), -np.inf))
