"""The whole sequence, forward and backward through time (BPTT).

    h_t = phi(x_t W_xh + h_{t-1} W_hh + b_h)                                                t = 1..T
    delta_t = (d+L/dh_t + delta_{t+1} W_hh^T) * phi'(a_t),   dL/dW_hh = sum_t h_{t-1}^T delta_t,   and so on

Werbos, Backpropagation through time (1990); Pascanu, Mikolov, Bengio (2013), eqs. 3-5, transposed to row vectors.
Subnormals count as 0 (`rnnkit._compile.simd.subnormals`). The steps themselves are in `engine/`.
`rnnkit.parallel` has the same functions, spread over the cores.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels import layer
from rnnkit.kernels._checks import as_symbols, check_activation, check_arrays, check_outputs
from rnnkit.kernels.activations import check_code
from rnnkit.kernels.engine.weights import empty_dx
from rnnkit.kernels.layer import backward_plain, first_alone, forward_plain, set_state


class SequenceGradients(NamedTuple):
    """Gradients of a sequence: (T, B, I), (B, H), (I, H), (H, H), (H,); dx is (T, B, 0) for symbols."""

    dx: np.ndarray
    dh_0: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


@jit
def _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h):
    check_code(activation)
    set_state(h[0], h_0)
    forward_plain(x, W_xh, W_hh, b_h, activation, *first_alone(h))


@jit
def _rnn_forward(x, h_0, W_xh, W_hh, b_h, activation):
    h = np.empty((x.shape[0] + 1, h_0.shape[0], h_0.shape[1]), h_0.dtype)
    _rnn_forward_into(x, h_0, W_xh, W_hh, b_h, activation, h)
    return h


@jit
def _rnn_backward_into(dh, x, h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h):
    check_code(activation)
    carry = np.zeros((1, h.shape[1], h.shape[2]), h.dtype)
    backward_plain(dh, carry, x, W_xh, W_hh, activation, *first_alone(h), dx, dW_xh, dW_hh, db_h)
    set_state(dh_0, carry[0])


@jit
def _rnn_backward(dh, x, h, W_xh, W_hh, activation):
    dx, dh_0 = empty_dx(x, h.dtype), np.empty_like(h[0])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(W_hh[0])
    _rnn_backward_into(dh, x, h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h)
    return SequenceGradients(dx, dh_0, dW_xh, dW_hh, db_h)


def forward_by(run, x, h_0, W_xh, W_hh, b_h, activation) -> np.ndarray:
    """Check and do `rnn_forward` by `run`: `forward_plain`, or the same on all cores."""
    check_arrays(x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    check_activation(activation)
    return layer.forward(run, as_symbols(x), (h_0,), (W_xh, W_hh, b_h), activation)[0]


def backward_by(run, dh, x, h, W_xh, W_hh, activation) -> SequenceGradients:
    """Check and do `rnn_backward` by `run`: `backward_plain`, or the same on all cores."""
    check_arrays(x=x, h=h, W_xh=W_xh, W_hh=W_hh, dh=dh)
    check_activation(activation)
    carry = np.zeros((1, *h.shape[1:]), h.dtype)
    states = layer.with_nothing_else(h)
    dx, *weights = layer.backward(run, dh, carry, as_symbols(x), (W_xh, W_hh), activation, states)
    return SequenceGradients(dx, carry[0], *weights)


@checked_border(_rnn_forward)
def rnn_forward(
    x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray, activation: int
) -> np.ndarray:
    """Return all states h (T+1, B, H); h[0] is h_0.

    x: (T, B, I) inputs, or (T, B) integers in 0..I-1, symbols that stand for one-hot rows. From njit code, where nobody
    checks, int64: there one outside makes nan of its row from its step on, and of the gradient of W_xh. h_0: (B, H).
    W_xh: (I, H). W_hh: (H, H). b_h: (H,). activation: TANH, RELU, SIGMOID or IDENTITY. All arrays C-contiguous, of one
    dtype (float32 or float64). Runs on one thread. Subnormals (1.2e-38 in float32) count as 0. Raises ValueError naming
    a bad argument.
    """
    return forward_by(forward_plain, x, h_0, W_xh, W_hh, b_h, activation)


@checked_border(_rnn_forward_into)
def rnn_forward_into(
    x: np.ndarray,
    h_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    activation: int,
    h: np.ndarray,
) -> None:
    """Write all states into h; inputs as in `rnn_forward`.

    h: (T+1, B, H) output; may not share memory with an input.
    """
    inputs = {"x": x, "h_0": h_0, "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    check_arrays(**inputs, h=h)
    check_outputs({"h": h}, inputs)
    check_activation(activation)
    _rnn_forward_into(as_symbols(x), h_0, W_xh, W_hh, b_h, activation, h)


@checked_border(_rnn_backward)
def rnn_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, activation: int
) -> SequenceGradients:
    """Return (dx, dh_0, dW_xh, dW_hh, db_h): full backpropagation through time.

    dh: (T, B, H), the immediate gradient of the loss at h[1..T]; or (B, H), at h[T] alone.
    x: as given to `rnn_forward`. h: (T+1, B, H) from it. W_xh: (I, H). W_hh: (H, H).
    Weight gradients are sums over steps and batch. Layout, dtype, threads and errors as in `rnn_forward`.
    phi' is taken from the states, as other libraries do. Where one rounds to 1 it is 0: of tanh from |a| = 9 on in
    float32, 19 in float64, of sigmoid from 17 and 37; towards 0 a sigmoid stops at e^-86 and e^-700. The logarithm is
    right everywhere in `rnnkit.gradients.scaled_backward`.
    """
    return backward_by(backward_plain, dh, x, h, W_xh, W_hh, activation)


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
) -> None:
    """Write the gradients of `rnn_backward`; inputs as there.

    dx (T, B, I), dh_0 (B, H), dW_xh (I, H), dW_hh (H, H), db_h (H,): outputs, overwritten; none may share memory with
    an input.
    """
    inputs = {"x": x, "h": h, "W_xh": W_xh, "W_hh": W_hh, "dh": dh}
    outputs = {"dx": dx, "dh_0": dh_0, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h}
    check_arrays(**inputs, **outputs)
    check_outputs(outputs, inputs)
    check_activation(activation)
    _rnn_backward_into(dh, as_symbols(x), h, W_xh, W_hh, activation, dx, dh_0, dW_xh, dW_hh, db_h)
