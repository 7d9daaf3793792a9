"""BPTT in the memory of about 2 sqrt(T) states: some are kept, the others are recomputed in the backward pass.

The T steps are partitioned into segments of about sqrt(T), at least 64 steps or 128 rows of the batch. Forward keeps
the state at the start of each segment; backward runs each segment forward again into one buffer, last segment first,
and then back. A segment is a whole number of the chunks that the weight gradients are summed by, counted from the end,
so every byte equals that of `rnn_backward`; the cost is one more forward pass.

The loop over segments is Python; `rnnkit.parallel` has the same two functions with each segment on all cores.

Chen, Xu, Zhang, Guestrin, Training deep nets with sublinear memory cost (2016), section 4.1; Gruslys et al.,
Memory-efficient backpropagation through time (2016).
"""

from collections.abc import Callable

import numpy as np

from rnnkit.kernels._checks import as_symbols, check_activation, check_arrays
from rnnkit.kernels.engine.sums import sum_parts, zero_sums
from rnnkit.kernels.engine.weights import empty_dx
from rnnkit.kernels.layer import NONE, PLAIN_LAYOUT, backward_layer, forward_layer, with_nothing_else
from rnnkit.kernels.partition import chunk_steps
from rnnkit.kernels.sequence import SequenceGradients

SHORTEST = (
    64  # steps; each segment packs W and makes two calls, which segments of 32 steps (T = 1000) pay for too often
)


def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return checkpoints (n+1, B, H): the states at the starts of n segments, h_0 first, and h[T] last.

    n is at most sqrt(T), rounded up. Arguments and errors as in `rnnkit.kernels.rnn_forward`.
    """
    return forward_segments(forward_layer, x, h_0, W_xh, W_hh, b_h, activation)


def rnn_backward_checkpointed(
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Return what `rnnkit.kernels.rnn_backward` returns, every byte of it, from checkpoints in place of all states.

    dh: (T, B, H) or (B, H). checkpoints: (n+1, B, H) from `rnn_forward_checkpointed` with the same x and weights.
    Other arguments and errors as in `rnnkit.kernels.rnn_forward`.
    """
    return backward_segments(forward_layer, backward_layer, dh, x, checkpoints, W_xh, W_hh, b_h, activation)


def segments(T: int, B: int) -> list[slice]:
    """Return the steps of each segment: at least sqrt(T), in whole chunks; the first may be shorter."""
    chunk = chunk_steps(B)
    steps = int(np.ceil(max(np.sqrt(T), SHORTEST) / chunk)) * chunk
    return [slice(max(0, end - steps), end) for end in range(T, 0, -steps)][::-1]


def forward_segments(
    forward: Callable,
    x: np.ndarray,
    h_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> np.ndarray:
    """Return the checkpoints, computed by `forward`: `forward_layer`, or the same on all cores."""
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    x = as_symbols(x)
    partition = segments(*x.shape[:2])
    checkpoints, h = np.empty((len(partition) + 1, *h_0.shape), h_0.dtype), _buffer(partition, h_0)
    checkpoints[0], W_h, units = h_0, W_hh.reshape(-1), NONE[h.dtype][1]
    for j, steps in enumerate(partition):
        n = steps.stop - steps.start
        h[0] = checkpoints[j]
        forward(x[steps], W_xh, W_h, b_h, units, activation, with_nothing_else(h[: n + 1]), PLAIN_LAYOUT)
        checkpoints[j + 1] = h[n]
    return checkpoints


def backward_segments(
    forward: Callable,
    backward: Callable,
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Return the gradients, computed by `forward_layer` and `backward_layer`, or the same on all cores."""
    check_arrays(x=x, checkpoints=checkpoints, W_xh=W_xh, W_hh=W_hh, b_h=b_h, dh=dh)
    check_activation(activation)
    x = as_symbols(x)
    partition, dh = segments(*x.shape[:2]), dh if dh.ndim == 3 else dh[None]
    if len(checkpoints) != len(partition) + 1:
        raise ValueError(
            f"checkpoints must have {len(partition) + 1} states for x of {x.shape}, got {checkpoints.shape}"
        )
    h, carry = _buffer(partition, checkpoints[0]), np.zeros_like(checkpoints[:1])
    dx, no_dh, parts = empty_dx(x, h.dtype), len(x) - len(dh), zero_sums(x, W_xh, activation)
    W_h, (hidden, units) = W_hh.reshape(-1), NONE[h.dtype]
    for j, steps in reversed(list(enumerate(partition))):
        h[0], states = checkpoints[j], with_nothing_else(h[: steps.stop - steps.start + 1])
        forward(x[steps], W_xh, W_h, b_h, units, activation, states, PLAIN_LAYOUT)
        dh_j = dh[max(steps.start - no_dh, 0) : max(steps.stop - no_dh, 0)]
        backward(dh_j, x[steps], W_xh, W_h, units, activation, states, PLAIN_LAYOUT, dx[steps], carry, parts, hidden)
    dW_xh, dW_hh, db_h = (np.empty_like(a) for a in (W_xh, W_hh, b_h))
    sum_parts(parts, activation, dW_xh, dW_hh.reshape(-1), db_h, units)
    return SequenceGradients(dx, carry[0], dW_xh, dW_hh, db_h)


def _buffer(partition: list[slice], h_0: np.ndarray) -> np.ndarray:
    """Return an array for the states of any segment; the last is the longest."""
    return np.empty((partition[-1].stop - partition[-1].start + 1, *h_0.shape), h_0.dtype)
