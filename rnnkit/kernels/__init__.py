"""Compiled kernels: arrays in, arrays out, gradients of every step in the open.

One alphabet: T steps, B batch, I inputs, H hidden. Time-major, C-contiguous, one dtype (float32 or float64) in and the
same out. Every function here runs from Python, where its arguments are checked, and from `numba.njit` code (inside a
`prange` body too; arguments by position), where they are not. Kernels are serial and release the GIL.
"""

from rnnkit.kernels.activations import ACTIVATIONS, IDENTITY, RELU, SIGMOID, TANH
from rnnkit.kernels.cell import (
    CellGradients,
    rnn_cell_backward,
    rnn_cell_backward_into,
    rnn_cell_forward,
    rnn_cell_forward_into,
)
from rnnkit.kernels.clipping import (
    NONFINITE_POLICIES,
    RAISE,
    SHRINK,
    SKIP,
    ZERO,
    ClipOutcome,
    clip_by_norm,
    clip_by_value,
)
from rnnkit.kernels.jacobians import ScaledGradients, hidden_gradient_log_norms, rnn_backward_scaled
from rnnkit.kernels.sequence import (
    SequenceGradients,
    rnn_backward,
    rnn_backward_into,
    rnn_forward,
    rnn_forward_into,
)

__all__ = [
    "ACTIVATIONS",
    "IDENTITY",
    "NONFINITE_POLICIES",
    "RAISE",
    "RELU",
    "SHRINK",
    "SIGMOID",
    "SKIP",
    "TANH",
    "ZERO",
    "CellGradients",
    "ClipOutcome",
    "ScaledGradients",
    "SequenceGradients",
    "clip_by_norm",
    "clip_by_value",
    "hidden_gradient_log_norms",
    "rnn_backward",
    "rnn_backward_into",
    "rnn_backward_scaled",
    "rnn_cell_backward",
    "rnn_cell_backward_into",
    "rnn_cell_forward",
    "rnn_cell_forward_into",
    "rnn_forward",
    "rnn_forward_into",
]
