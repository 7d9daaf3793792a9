"""Influence balancing: a linear system of one parameter on which truncated BPTT goes the wrong way.

    s_{t+1} = A s_t + theta v      A = .5 I + .5 superdiagonal (n = 23),  v = +1 ten times, then -1 thirteen times
    loss      .5 (s_1 - 1)^2       s_1 the first component

Tallec and Ollivier (2017), "Unbiasing truncated backpropagation through time" [paper]. Nothing is drawn, so it is no
Task. theta reaches s_1 first from the ten near components, with +, and later from the far ones, with -: the sum is
-6, yet the first 40 terms of it sum above 0. Steps and K count updates: s_n is the state after n of them.
"""

from math import comb

import numpy as np

from rnnkit._arguments import check_real, integer, number

SIZE, POSITIVE = 23, 10


def system() -> tuple[np.ndarray, np.ndarray]:
    """Return A (23, 23) and v (23,), for column states."""
    v = np.ones(SIZE)
    v[POSITIVE:] = -1
    return 0.5 * np.eye(SIZE) + 0.5 * np.eye(SIZE, k=1), v


def state(theta: float, n_steps: int, start: np.ndarray | None = None) -> np.ndarray:
    """Return s (23,) after n_steps updates from `start` (zeros where not given)."""
    A, v = system()
    theta, n_steps = number("theta", theta), integer("n_steps", n_steps, 0)
    if start is not None:
        check_real("start", start, 1)
    s = np.zeros(SIZE) if start is None else np.array(start, dtype=np.float64)
    for _ in range(n_steps):
        s = A @ s + theta * v
    return s


def fixed_point(theta: float) -> np.ndarray:
    """Return s (23,) that an update leaves alone: 2 theta (v_i + .. + v_23), so s_1 = -6 theta."""
    return 2 * number("theta", theta) * np.cumsum(system()[1][::-1])[::-1]


def loss(s: np.ndarray) -> float:
    """Return .5 (s_1 - 1)^2 of a state s (23,)."""
    check_real("s", s, 1)
    return 0.5 * float(s[0] - 1) ** 2


def truncated_derivative(K: int) -> float:
    """Return ds_1/dtheta through the last K updates alone, sum over k < K of (A^k v)_1, correctly rounded.

    A^k holds C(k, j)/2^k on its j-th superdiagonal, and the sum over k < K of C(k, j)/2^k is 2 P(B > j), B the heads in
    K tosses (the (j+1)-th head comes by toss K). So it is 2 E[2 min(B, 10) - min(B, 23)]: K for K <= 10, -6 at last.
    """
    K = integer("K", K, 0)
    total = sum(comb(K, heads) * (2 * min(heads, POSITIVE) - min(heads, SIZE)) for heads in range(K + 1))
    return 2 * total / 2**K


def truncated_gradient(theta: float, n_steps: int, K: int) -> float:
    """Return d loss/d theta at the state after n_steps from zeros, through its last K updates (K <= n_steps)."""
    return float(state(theta, n_steps)[0] - 1) * truncated_derivative(min(integer("K", K, 0), n_steps))
