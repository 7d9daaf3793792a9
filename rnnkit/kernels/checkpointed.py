"""BPTT in the memory of about 2 sqrt(T) states: some are kept, the others are computed again on the way back.

The T steps are cut into segments of about sqrt(T). Forward keeps the state at the start of each segment; backward runs
each segment forward again into one buffer, last segment first, and then back. A segment is a whole number of the
chunks that the weight gradients are summed by, counted from the end, so every byte equals that of `rnn_backward`; the
cost is one more forward pass.

Chen, Xu, Zhang, Guestrin, Training deep nets with sublinear memory cost (2016), section 4.1; Gruslys et al.,
Memory-efficient backpropagation through time (2016).
"""

from collections.abc import Callable

import numpy as np

from rnnkit._jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays
from rnnkit.kernels.sequence import SequenceGradients, _rnn_backward_add, _rnn_forward_into
from rnnkit.kernels.shards import chunk_steps, empty_dx, last_states, sum_parts, zero_sums


def segment_bounds(j, T, B):
    """Return the number of segments, the first step of segment j and the one after its last.

    A segment has at least sqrt(T) steps and whole chunks; the first may be shorter.
    """
    chunk = chunk_steps(B)
    steps = int(np.ceil(np.sqrt(T) / chunk)) * chunk
    n = (T + steps - 1) // steps
    end = T - (n - 1 - j) * steps
    return n, max(0, end - steps), end


def forward_segments(forward_into, x, h_0, W_xh, W_hh, b_h, activation):
    """Return the checkpoints (n+1, B, H); forward_into: a sequence kernel."""
    (T, B), H = x.shape[:2], h_0.shape[1]
    n, _, longest = _segment_bounds(0, T, B)
    _, start, end = _segment_bounds(n - 1, T, B)
    h = np.empty((max(longest, end - start) + 1, B, H), h_0.dtype)
    checkpoints = np.empty((n + 1, B, H), h_0.dtype)
    checkpoints[0] = h_0
    for j in range(n):
        _, start, end = _segment_bounds(j, T, B)
        forward_into(x[start:end], checkpoints[j], W_xh, W_hh, b_h, activation, h[: end - start + 1])
        checkpoints[j + 1] = h[end - start]
    return checkpoints


def backward_segments(forward_into, backward_add, dh, x, checkpoints, W_xh, W_hh, b_h, activation):
    """Return the gradients; forward_into, backward_add: sequence kernels."""
    (T, B), H = x.shape[:2], W_hh.shape[0]
    n, _, longest = _segment_bounds(0, T, B)
    _, start, end = _segment_bounds(n - 1, T, B)
    h = np.empty((max(longest, end - start) + 1, B, H), W_hh.dtype)
    dx, dh_0 = empty_dx(x, W_hh.dtype), np.empty_like(checkpoints[0])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(b_h)
    carry, parts = zero_sums(B, W_xh, W_hh)
    no_dh = T - dh.shape[0]
    for j in range(n - 1, -1, -1):
        _, start, end = _segment_bounds(j, T, B)
        x_j, h_j = x[start:end], h[: end - start + 1]
        forward_into(x_j, checkpoints[j], W_xh, W_hh, b_h, activation, h_j)
        dh_j = dh[max(start - no_dh, 0) : max(end - no_dh, 0)]
        backward_add(dh_j, x_j, h_j, W_xh, W_hh, activation, dx[start:end], carry, parts)
    sum_parts(carry, parts, dh_0, dW_xh, dW_hh, db_h)
    return SequenceGradients(dx, dh_0, dW_xh, dW_hh, db_h)


# The two loops over segments run as they stand when called from Python, and compiled when called from compiled code.
_segment_bounds = jit(segment_bounds)
_compiled_forward, _compiled_backward = jit(forward_segments), jit(backward_segments)


@jit
def _rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, activation):
    return _compiled_forward(_rnn_forward_into, x, h_0, W_xh, W_hh, b_h, activation)


@jit
def _rnn_backward_checkpointed(dh, x, checkpoints, W_xh, W_hh, b_h, activation):
    arguments = (last_states(dh), x, checkpoints, W_xh, W_hh, b_h, activation)
    return _compiled_backward(_rnn_forward_into, _rnn_backward_add, *arguments)


@checked_border(_rnn_forward_checkpointed)
def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return checkpoints (n+1, B, H): the states at the starts of n segments, h_0 first, and h[T] last.

    n is about sqrt(T). Arguments and errors as in `rnn_forward`.
    """
    return checked_forward(_rnn_forward_into, x, h_0, W_xh, W_hh, b_h, activation)


@checked_border(_rnn_backward_checkpointed)
def rnn_backward_checkpointed(
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Return what `rnn_backward` returns, every byte of it, from checkpoints (n+1, B, H) in place of all states.

    dh: (T, B, H) or (B, H). checkpoints: from `rnn_forward_checkpointed` with the same x and weights.
    Other arguments and errors as in `rnn_forward`.
    """
    kernels = _rnn_forward_into, _rnn_backward_add
    return checked_backward(*kernels, dh, x, checkpoints, W_xh, W_hh, b_h, activation)


def checked_forward(
    forward_into: Callable,
    x: np.ndarray,
    h_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> np.ndarray:
    """Check the arguments and return the checkpoints."""
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return forward_segments(forward_into, x, h_0, W_xh, W_hh, b_h, activation)


def checked_backward(
    forward_into: Callable,
    backward_add: Callable,
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Check the arguments and return the gradients."""
    check_arrays(x=x, checkpoints=checkpoints, W_xh=W_xh, W_hh=W_hh, b_h=b_h, dh=dh)
    check_activation(activation)
    states = segment_bounds(0, *x.shape[:2])[0] + 1
    if checkpoints.shape[0] != states:
        raise ValueError(f"checkpoints must have {states} states for x of {x.shape}, got {checkpoints.shape}")
    dh = dh if dh.ndim == 3 else dh[None]
    return backward_segments(forward_into, backward_add, dh, x, checkpoints, W_xh, W_hh, b_h, activation)
