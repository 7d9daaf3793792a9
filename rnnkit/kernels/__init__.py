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
from rnnkit.kernels.cells import CELLS, GRU, LSTM
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
from rnnkit.kernels.gru import (
    GRUCellGradients,
    GRUGradients,
    GRUStates,
    GRUStep,
    gru_backward,
    gru_backward_into,
    gru_cell_backward,
    gru_cell_forward,
    gru_forward,
    gru_forward_into,
)
from rnnkit.kernels.losses import LossAndGradient, mse, sigmoid_cross_entropy, softmax_cross_entropy
from rnnkit.kernels.lstm import (
    LSTMCellGradients,
    LSTMGradients,
    LSTMStates,
    LSTMStep,
    lstm_backward,
    lstm_backward_into,
    lstm_cell_backward,
    lstm_cell_forward,
    lstm_forward,
    lstm_forward_into,
)
from rnnkit.kernels.optimizers import adam, momentum, nesterov, rmsprop, sgd
from rnnkit.kernels.readout import ReadoutGradients, readout_backward, readout_forward
from rnnkit.kernels.regularizer import NORMS, OMEGA_FORMS, SQUARED, Omega, omega
from rnnkit.kernels.sequence import (
    SequenceGradients,
    rnn_backward,
    rnn_backward_into,
    rnn_forward,
    rnn_forward_into,
)

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "GRU",
    "IDENTITY",
    "LSTM",
    "NONFINITE_POLICIES",
    "NORMS",
    "OMEGA_FORMS",
    "RAISE",
    "RELU",
    "SHRINK",
    "SIGMOID",
    "SKIP",
    "SQUARED",
    "TANH",
    "ZERO",
    "CellGradients",
    "ClipOutcome",
    "GRUCellGradients",
    "GRUGradients",
    "GRUStates",
    "GRUStep",
    "LSTMCellGradients",
    "LSTMGradients",
    "LSTMStates",
    "LSTMStep",
    "LossAndGradient",
    "Omega",
    "ReadoutGradients",
    "SequenceGradients",
    "adam",
    "clip_by_norm",
    "clip_by_value",
    "gru_backward",
    "gru_backward_into",
    "gru_cell_backward",
    "gru_cell_forward",
    "gru_forward",
    "gru_forward_into",
    "lstm_backward",
    "lstm_backward_into",
    "lstm_cell_backward",
    "lstm_cell_forward",
    "lstm_forward",
    "lstm_forward_into",
    "momentum",
    "mse",
    "nesterov",
    "omega",
    "readout_backward",
    "readout_forward",
    "rmsprop",
    "rnn_backward",
    "rnn_backward_into",
    "rnn_cell_backward",
    "rnn_cell_backward_into",
    "rnn_cell_forward",
    "rnn_cell_forward_into",
    "rnn_forward",
    "rnn_forward_into",
    "sgd",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
]
