"""BPTT in the memory of about 2 sqrt(T) states: some are kept, the others are computed again on the way back.

The T steps are cut into segments of about sqrt(T). Forward keeps the state at the start of each segment; backward runs
each segment forward again into one buffer, last segment first, and then back. A segment is a whole number of the
chunks that the weight gradients are summed by, counted from the end, so every byte equals that of `rnn_backward`; the
cost is one more forward pass.

Chen, Xu, Zhang, Guestrin, Training deep nets with sublinear memory cost (2016), section 4.1; Gruslys et al.,
Memory-efficient backpropagation through time (2016).
"""

import numpy as np

from rnnkit._jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays
from rnnkit.kernels.products import pack_transposed
from rnnkit.kernels.sequence import SequenceGradients, empty_gradients
from rnnkit.kernels.shards import (
    backward_rows,
    chunk_steps,
    copy_columns,
    count_shards,
    empty_dx,
    forward_rows,
    last_states,
    pack_forward,
    shard_bounds,
    sum_parts,
    zero_parts,
)


@jit
def segment_steps(T, B):
    """Return the steps of a segment: a multiple of a chunk, at least sqrt(T)."""
    chunk = chunk_steps(B)
    return int(np.ceil(np.sqrt(T) / chunk)) * chunk


@jit
def count_segments(T, B):
    return (T + segment_steps(T, B) - 1) // segment_steps(T, B)


@jit
def _segment(j, T, B):
    """Return the first step of segment j and the one after its last; the first segment may be shorter."""
    end = T - (count_segments(T, B) - 1 - j) * segment_steps(T, B)
    return max(0, end - segment_steps(T, B)), end


@jit
def forward_segments(s, x, weights, activation, checkpoints):
    """Fill checkpoints[1:] from checkpoints[0], for the rows of shard s."""
    T, (B, H) = x.shape[0], checkpoints.shape[1:]
    first, rows = shard_bounds(s, B)
    h = np.empty((segment_steps(T, B) + 1, rows, H), checkpoints.dtype)
    for j in range(checkpoints.shape[0] - 1):
        start, end = _segment(j, T, B)
        copy_columns(h[0], checkpoints[j, first : first + rows])
        forward_rows(x[start:end], first, weights, activation, h, 0, rows)
        copy_columns(checkpoints[j + 1, first : first + rows], h[end - start])


@jit
def backward_segments(s, dh, x, checkpoints, weights, transposed, activation, dx, dh_0, part):
    """Write dx and dh_0 of the rows of shard s, and its part of the weight gradients."""
    T, (B, H) = x.shape[0], checkpoints.shape[1:]
    first, rows = shard_bounds(s, B)
    h = np.empty((segment_steps(T, B) + 1, rows, H), checkpoints.dtype)
    carry = np.zeros((rows, part[2].shape[1]), h.dtype)
    no_dh = T - dh.shape[0]
    for j in range(checkpoints.shape[0] - 2, -1, -1):
        start, end = _segment(j, T, B)
        steps = slice(start, end)
        copy_columns(h[0], checkpoints[j, first : first + rows])
        forward_rows(x[steps], first, weights, activation, h, 0, rows)
        dh_j = dh[max(start - no_dh, 0) : max(end - no_dh, 0)]
        backward_rows(dh_j, x[steps], first, h, 0, transposed, activation, dx[steps], carry, *part)
    copy_columns(dh_0[first : first + rows], carry)


@jit
def _rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, activation):
    checkpoints = np.empty((count_segments(*x.shape[:2]) + 1, h_0.shape[0], h_0.shape[1]), h_0.dtype)
    copy_columns(checkpoints[0], h_0)
    weights = pack_forward(W_xh, W_hh, b_h)
    for s in range(count_shards(h_0.shape[0])):
        forward_segments(s, x, weights, activation, checkpoints)
    return checkpoints


@jit
def _rnn_backward_checkpointed_into(
    dh, x, checkpoints, W_xh, W_hh, b_h, activation, dx, dh_0, dW_xh, dW_hh, db_h
):  # fmt: skip
    weights, transposed = pack_forward(W_xh, W_hh, b_h), (pack_transposed(W_xh), pack_transposed(W_hh))
    parts_xh, parts_hh, parts_h = parts = zero_parts(x, W_xh, W_hh)
    for s in range(count_shards(x.shape[1])):
        part = parts_xh[s], parts_hh[s], parts_h[s]
        backward_segments(s, dh, x, checkpoints, weights, transposed, activation, dx, dh_0, part)
    sum_parts(parts, dW_xh, dW_hh, db_h)


@jit
def _rnn_backward_checkpointed(dh, x, checkpoints, W_xh, W_hh, b_h, activation):
    dx, dh_0 = empty_dx(x, W_hh.dtype), np.empty_like(checkpoints[0])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(b_h)
    _rnn_backward_checkpointed_into(
        last_states(dh), x, checkpoints, W_xh, W_hh, b_h, activation, dx, dh_0, dW_xh, dW_hh, db_h
    )
    return SequenceGradients(dx, dh_0, dW_xh, dW_hh, db_h)


@checked_border(_rnn_forward_checkpointed)
def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return checkpoints (n+1, B, H): the states at the starts of n segments, h_0 first, and h[T] last.

    n is about sqrt(T). Arguments and errors as in `rnn_forward`.
    """
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return _rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, activation)


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
    check_checkpointed(dh, x, checkpoints, W_xh, W_hh, b_h, activation)
    gradients = empty_gradients(x, checkpoints[0], W_xh, W_hh)
    dh = dh if dh.ndim == 3 else dh[None]
    _rnn_backward_checkpointed_into(dh, x, checkpoints, W_xh, W_hh, b_h, activation, *gradients)
    return gradients


def check_checkpointed(
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> None:
    """Raise ValueError naming the first argument that breaks the contract."""
    check_arrays(x=x, checkpoints=checkpoints, W_xh=W_xh, W_hh=W_hh, b_h=b_h, dh=dh)
    states = count_segments(*x.shape[:2]) + 1
    if checkpoints.shape[0] != states:
        raise ValueError(f"checkpoints must have {states} states for x of {x.shape}, got {checkpoints.shape}")
    check_activation(activation)
