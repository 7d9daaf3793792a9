"""The sequence kernels on all cores: the arguments, errors and bytes of the functions of the same names."""

import numpy as np

from rnnkit.kernels import gradient_checkpointing, gru, lstm, sequence
from rnnkit.kernels.sequence import SequenceGradients
from rnnkit.parallel.layers import backward_layer, backward_plain, forward_layer, forward_plain


def rnn_forward(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Do what `rnnkit.kernels.rnn_forward` does, on all cores: the same arguments, errors and bytes."""
    return sequence.forward_by(forward_plain, x, h_0, W_xh, W_hh, b_h, activation)


def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Do what `rnnkit.kernels.rnn_backward` does, on all cores: the same arguments, errors and bytes."""
    return sequence.backward_by(backward_plain, dh, x, h, W_xh, W_hh, activation)


def lstm_forward(
    x: np.ndarray, h_0: np.ndarray, c_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> lstm.LSTMStates:
    """Do what `rnnkit.kernels.lstm_forward` does, on all cores: the same arguments, errors and bytes."""
    return lstm.forward_by(forward_plain, x, h_0, c_0, W_xh, W_hh, b_h)


def lstm_backward(
    dh: np.ndarray,
    dc_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> lstm.LSTMGradients:
    """Do what `rnnkit.kernels.lstm_backward` does, on all cores: the same arguments, errors and bytes."""
    return lstm.backward_by(backward_plain, dh, dc_T, x, h, c, gates, W_xh, W_hh)


def gru_forward(x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray) -> gru.GRUStates:
    """Do what `rnnkit.kernels.gru_forward` does, on all cores: the same arguments, errors and bytes."""
    return gru.forward_by(forward_plain, x, h_0, W_xh, W_hh, b_h)


def gru_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, gates: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> gru.GRUGradients:
    """Do what `rnnkit.kernels.gru_backward` does, on all cores: the same arguments, errors and bytes."""
    return gru.backward_by(backward_plain, dh, x, h, gates, W_xh, W_hh)


def rnn_forward_checkpointed(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Do what `rnnkit.kernels.gradient_checkpointing` does, on all cores: the same arguments, errors and bytes."""
    return gradient_checkpointing.forward_segments(forward_layer, x, h_0, W_xh, W_hh, b_h, activation)


def rnn_backward_checkpointed(
    dh: np.ndarray,
    x: np.ndarray,
    checkpoints: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
) -> SequenceGradients:
    """Do what `rnnkit.kernels.gradient_checkpointing` does, on all cores: the same arguments, errors and bytes."""
    return gradient_checkpointing.backward_segments(
        forward_layer, backward_layer, dh, x, checkpoints, W_xh, W_hh, b_h, activation
    )
