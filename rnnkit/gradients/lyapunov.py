"""Lyapunov exponents: how fast a small change of the states grows along a trace, direction by direction."""

import numpy as np

from rnnkit._arguments import check_real, integer, shown
from rnnkit.gradients.graded_qr import Frame, eliminated, measured, orthonormal, through
from rnnkit.gradients.step_factors import Step, check_place, count_steps, state_size, steps
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.rng import streams


def lyapunov_exponents(net: RNN, trace: Trace, n: int | None = None, burn_in: int = 0, b: int = 0) -> np.ndarray:
    """Return n Lyapunov exponents (n,) of sample b, ln per step, largest first; n: all S where not given.

    n orthonormal changes Q, random to begin with, go through every step and are made orthonormal again, Q R = J Q; an
    exponent is the mean of ln |R_ii| over the steps from burn_in on. They are the n largest once Q has settled. Between
    the first and the last of these steps lower triangular columns L take the place of Q, L U = J L, for speed.
    A change that a step takes to exactly zero, or into the span of those before it, has -inf, within burn_in or after
    it: where rows of J Q are zero, by relu, weights of zero or triangular ones, in any order of the units.
    Where J is singular in another way, as W_hh of dependent rows makes it, rounding may stand for -inf, 36 nats a step
    or more below the largest. Of several layers with saturated units (gain 8) single exponents near the smallest were
    off by up to 0.6 nats, beside 120 digits; their sum is right to rounding.
    Benettin, Galgani, Giorgilli, Strelcyn (1980); of recurrent nets: Engelken, Wolf, Abbott (2023).
    Raises ValueError naming a bad argument.
    """
    check_place(net, trace, b, burn_in=burn_in)
    S = state_size(net)
    n = S if n is None else integer("n", n, 1, S)
    Q = np.linalg.qr(streams(0).evaluation.standard_normal((S, n)))[0]  # not the identity: W may be diagonal
    frame, total, alive, count = orthonormal(Q), np.zeros(n), np.arange(n), count_steps(trace, b)
    for t, step in enumerate(steps(net, trace, 0, count - 1, b)):
        if t == burn_in:
            total[alive] -= measured(frame).log_r
        frame, logs = _step(step, frame)
        dead = logs == -np.inf
        total[alive] += logs if t >= burn_in else np.where(dead, -np.inf, 0.0)
        alive = alive[~dead]
    total[alive] += measured(frame).log_r
    return np.sort(total / (count - burn_in))[::-1]


def entropy_rate(exponents: np.ndarray) -> float:
    """Return the sum of the positive of all exponents (S,), nats per step: what a chaotic system makes anew (Pesin)."""
    exponents = _exponents(exponents)
    return float(exponents[exponents > 0].sum())


def kaplan_yorke_dimension(exponents: np.ndarray) -> float:
    """Return the dimension of the attractor by all exponents (S,) in any order: j + (sum of the j largest)/|next|.

    j: the most of them whose sum is not below 0. 0 where the largest is below 0, S where all together are not: volume
    does not shrink. Kaplan, Yorke (1979). Raises ValueError naming a bad argument, as `entropy_rate` does.
    """
    exponents = np.sort(_exponents(exponents))[::-1]
    sums = np.cumsum(exponents)
    j = int(np.sum(sums >= 0)) if exponents[0] >= 0 else 0
    if j in (0, len(exponents)):
        return float(j)
    return float(j + sums[j - 1] / abs(exponents[j]))


def _exponents(exponents: np.ndarray) -> np.ndarray:
    check_real("exponents", exponents)
    found = np.asarray(exponents, float)
    if found.ndim != 1 or not found.size or np.isnan(found).any() or (found == np.inf).any():
        raise ValueError(f"exponents must be (S,) numbers or -inf, got {shown(exponents)}")
    return found


def _step(step: Step, frame: Frame) -> tuple[Frame, np.ndarray]:
    """Return the frame of J times its columns, and what they have grown by beside ln |R_ii| of both frames."""
    found = eliminated(step, frame)
    if found is None:
        frame = measured(frame)
        after, logs = through(step, frame)
        logs += frame.log_r
        logs[logs != -np.inf] -= after.log_r
        found = after, logs
    return found
