"""The whole sequence, forward and backward through time (BPTT).

    h_t = phi(x_t W_xh + h_{t-1} W_hh + b_h)                                                t = 1..T
    delta_t = (d+L/dh_t + delta_{t+1} W_hh^T) * phi'(a_t),   dL/dW_hh = sum_t h_{t-1}^T delta_t,   and so on

Werbos, Backpropagation through time (1990); Pascanu, Mikolov, Bengio (2013), eqs. 3-5, transposed to row vectors.
The products with the input, and those that give the weight gradients, do not depend on the order of steps: each is one
large GEMM outside the loop over time.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._jit import checked_border, jit
from rnnkit.kernels._checks import check_activation, check_arrays, check_outputs
from rnnkit.kernels.activations import add_and_activate, times_derivative


class SequenceGradients(NamedTuple):
    """Gradients of a sequence: (T, B, I), (B, H), (I, H), (H, H), (H,)."""

    dx: np.ndarray
    dh_0: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


@jit
def _flat(a):
    """(T, B, N) -> (T B, N), the same memory."""
    return a.reshape(a.shape[0] * a.shape[1], a.shape[2])


@jit
def _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h, z):
    h[0] = h_0
    np.dot(_flat(x), W_xh, _flat(h[1:]))
    for t in range(x.shape[0]):
        np.dot(h[t], W_hh, z)
        z += b_h
        add_and_activate(h[t + 1], z, activation)


@jit
def _rnn_forward(x, h_0, W_xh, W_hh, b_h, activation):
    h = np.empty((x.shape[0] + 1, h_0.shape[0], h_0.shape[1]), x.dtype)
    _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h, np.empty_like(h_0))
    return h


@jit
def _rnn_backward_into(dh, x, h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h, dz):
    carry = dh_0  # dL/dh_t on its way back to t = 0
    carry[:] = 0
    if dh.ndim == 2:  # known when compiled: the branch that is not taken is not in the code
        carry[:] = dh
    for t in range(x.shape[0] - 1, -1, -1):
        if dh.ndim == 3:
            carry += dh[t]
        times_derivative(carry, h[t + 1], activation, dz[t])
        np.dot(dz[t], W_hh.T, carry)
    np.dot(_flat(dz), W_xh.T, _flat(dx))
    np.dot(_flat(x).T, _flat(dz), dW_xh)
    np.dot(_flat(h[:-1]).T, _flat(dz), dW_hh)
    db_h[:] = _flat(dz).sum(axis=0)


@jit
def _rnn_backward(dh, x, h, W_xh, W_hh, activation):
    dx, dh_0, dz = np.empty_like(x), np.empty_like(h[0]), np.empty_like(h[1:])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(W_hh[0])
    _rnn_backward_into(dh, x, h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h, dz)
    return SequenceGradients(dx, dh_0, dW_xh, dW_hh, db_h)


def _check_dh(dh: np.ndarray, **others: np.ndarray) -> None:
    """`dh` comes as (T, B, H) or, for a loss on the last state alone, as (B, H)."""
    if isinstance(dh, np.ndarray) and dh.ndim == 2:
        try:
            check_arrays(**others, dh_T=dh)
        except ValueError as error:
            raise ValueError(str(error).replace("dh_T", "dh", 1)) from None
    else:
        check_arrays(**others, dh=dh)


@checked_border(_rnn_forward)
def rnn_forward(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return all states h (T+1, B, H); h[0] is h_0.

    x: (T, B, I) inputs. h_0: (B, H). W_xh: (I, H). W_hh: (H, H). b_h: (H,).
    activation: TANH, RELU, SIGMOID or IDENTITY. All arrays C-contiguous, of one dtype (float32 or float64).
    Uses the BLAS threads of the process. Raises ValueError naming a bad argument.
    """
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return _rnn_forward(x, h_0, W_xh, W_hh, b_h, activation)


@checked_border(_rnn_forward_into)
def rnn_forward_into(
    x: np.ndarray,
    h_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
    h: np.ndarray,
    z: np.ndarray,
) -> None:
    """Write all states into h; inputs as in `rnn_forward`.

    h: (T+1, B, H) output. z: (B, H) workspace, may be reused. Neither may share memory with an input.
    """
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h, h=h, z=z)
    check_outputs(h=h, z=z)
    check_activation(activation)
    _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h, z)


@checked_border(_rnn_backward)
def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Return (dx, dh_0, dW_xh, dW_hh, db_h): full backpropagation through time.

    dh: (T, B, H), the immediate gradient of the loss at h[1..T]; or (B, H), at h[T] alone.
    x: (T, B, I). h: (T+1, B, H) from `rnn_forward`. W_xh: (I, H). W_hh: (H, H).
    Weight gradients are sums over steps and batch. Layout, dtype, threads and errors as in `rnn_forward`.
    """
    _check_dh(dh, x=x, h=h, W_xh=W_xh, W_hh=W_hh)
    check_activation(activation)
    return _rnn_backward(dh, x, h, W_xh, W_hh, activation)


@checked_border(_rnn_backward_into)
def rnn_backward_into(
    dh: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    activation: int,
    dx: np.ndarray,
    dh_0: np.ndarray,
    dW_xh: np.ndarray,
    dW_hh: np.ndarray,
    db_h: np.ndarray,
    dz: np.ndarray,
) -> None:
    """Write the gradients of `rnn_backward`; inputs as there.

    dx (T, B, I), dh_0 (B, H), dW_xh (I, H), dW_hh (H, H), db_h (H,): outputs, overwritten.
    dz: (T, B, H) workspace, holds dL/da_t afterwards, may be reused. No output may share memory with an input.
    """
    _check_dh(dh, x=x, h=h, W_xh=W_xh, W_hh=W_hh, dx=dx, dh_0=dh_0, dW_xh=dW_xh, dW_hh=dW_hh, db_h=db_h, dz=dz)
    check_outputs(dx=dx, dh_0=dh_0, dW_xh=dW_xh, dW_hh=dW_hh, db_h=db_h, dz=dz)
    check_activation(activation)
    _rnn_backward_into(dh, x, h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h, dz)
