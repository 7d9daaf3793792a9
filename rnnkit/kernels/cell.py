"""One Elman step, forward and backward: the article's cell.

    a_t = x_t W_xh + h_{t-1} W_hh + b_h,    h_t = phi(a_t)                     (row vectors)

Elman, Finding structure in time (1990); Goodfellow, Bengio, Courville, Deep Learning (2016), eqs. 10.8 and 10.9,
transposed.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays, check_outputs
from rnnkit.kernels.layer import set_state
from rnnkit.kernels.sequence import _rnn_backward_into, _rnn_forward


class CellGradients(NamedTuple):
    """Gradients of one step: (B, I), (B, H), (I, H), (H, H), (H,)."""

    dx_t: np.ndarray
    dh_prev: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


@jit
def _one_step(x_t):
    """(B, I) -> (1, B, I), the same memory."""
    return x_t.reshape((1, *x_t.shape))


@jit
def _rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, activation, h_t):
    set_state(h_t, _rnn_forward(_one_step(x_t), h_prev, W_xh, W_hh, b_h, activation)[1])


@jit
def _rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation):
    h_t = np.empty_like(h_prev)
    _rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, activation, h_t)
    return h_t


@jit
def _rnn_cell_backward_into(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation, dx_t, dh_prev, dW_xh, dW_hh, db_h):
    h = np.empty((2, *h_prev.shape), h_prev.dtype)
    set_state(h[0], h_prev)
    set_state(h[1], h_t)
    dx = _one_step(dx_t)
    _rnn_backward_into(dh_t, _one_step(x_t), h, W_xh, W_hh, activation, dx, dh_prev, dW_xh, dW_hh, db_h)


@jit
def _rnn_cell_backward(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation):
    dx_t, dh_prev = np.empty_like(x_t), np.empty_like(h_prev)
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(W_hh[0])
    _rnn_cell_backward_into(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation, dx_t, dh_prev, dW_xh, dW_hh, db_h)
    return CellGradients(dx_t, dh_prev, dW_xh, dW_hh, db_h)


@checked_border(_rnn_cell_forward)
def rnn_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return the next state h_t (B, H).

    x_t: (B, I) input. h_prev: (B, H) state before. W_xh: (I, H). W_hh: (H, H). b_h: (H,).
    activation: TANH, RELU, SIGMOID or IDENTITY. All arrays C-contiguous, of one dtype (float32 or float64).
    Runs on one thread. Raises ValueError naming a bad argument.
    """
    check_arrays(x_t=x_t, h_prev=h_prev, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return _rnn_cell_forward(x_t, h_prev, W_xh, W_hh, b_h, activation)


@checked_border(_rnn_cell_forward_into)
def rnn_cell_forward_into(
    x_t: np.ndarray,
    h_prev: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
    h_t: np.ndarray,
) -> None:
    """Write the next state into h_t; arguments as in `rnn_cell_forward`.

    h_t: (B, H) output; may not share memory with an input.
    """
    inputs = {"x_t": x_t, "h_prev": h_prev, "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    check_arrays(**inputs, h_t=h_t)
    check_outputs({"h_t": h_t}, inputs)
    check_activation(activation)
    _rnn_cell_forward_into(x_t, h_prev, W_xh, W_hh, b_h, activation, h_t)


@checked_border(_rnn_cell_backward)
def rnn_cell_backward(
    dh_t: np.ndarray,
    x_t: np.ndarray,
    h_prev: np.ndarray,
    h_t: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    activation: int,
) -> CellGradients:
    """Return (dx_t, dh_prev, dW_xh, dW_hh, db_h), the gradients of a loss with dL/dh_t = dh_t.

    dh_t: (B, H). x_t: (B, I). h_prev, h_t: (B, H), states before and after. W_xh: (I, H). W_hh: (H, H).
    phi' is taken from h_t: see `rnn_backward`.
    Weight gradients are sums over the batch. Layout, dtype, threads and errors as in `rnn_cell_forward`.
    """
    check_arrays(dh_t=dh_t, x_t=x_t, h_prev=h_prev, h_t=h_t, W_xh=W_xh, W_hh=W_hh)
    check_activation(activation)
    return _rnn_cell_backward(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation)


@checked_border(_rnn_cell_backward_into)
def rnn_cell_backward_into(
    dh_t: np.ndarray,
    x_t: np.ndarray,
    h_prev: np.ndarray,
    h_t: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    activation: int,
    dx_t: np.ndarray,
    dh_prev: np.ndarray,
    dW_xh: np.ndarray,
    dW_hh: np.ndarray,
    db_h: np.ndarray,
) -> None:
    """Write the gradients of one step; inputs as in `rnn_cell_backward`.

    dx_t (B, I), dh_prev (B, H), dW_xh (I, H), dW_hh (H, H), db_h (H,): outputs, overwritten; none may share memory with
    an input.
    """
    inputs = {"dh_t": dh_t, "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}
    outputs = {"dx_t": dx_t, "dh_prev": dh_prev, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h}
    check_arrays(**inputs, **outputs)
    check_outputs(outputs, inputs)
    check_activation(activation)
    _rnn_cell_backward_into(dh_t, x_t, h_prev, h_t, W_xh, W_hh, activation, dx_t, dh_prev, dW_xh, dW_hh, db_h)
