"""Gated recurrent unit (GRU): one step and whole sequences, forward and backward through time.

    r, z = sigmoid(x_t W_x[r,z] + h_{t-1} W_h[r,z] + b_[r,z])                               (row vectors)
    q = h_{t-1} W_hn + b_hn,    n = tanh(x_t W_xn + b_n + r q),    h_t = (1 - z) n + z h_{t-1}

Cho et al. (2014); the reset gate inside the candidate, z for what is kept, and the order r, z, n as in PyTorch,
transposed. Shapes: x (T, B, I) or symbols (T, B), integers, h_0 (B, H), W_xh (I, 3 H), W_hh (H, 3 H), and
b_h (4 H,) = [b_r, b_z, b_n, b_hn]: PyTorch's two biases of r and of z meet in a sum. All arrays C-contiguous, of one
dtype (float32 or float64). A bad argument is a ValueError that names it. Kernels run on one thread and take numbers
below the smallest normal one for 0; `rnnkit.parallel` has the sequence functions on all cores.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels import layer
from rnnkit.kernels._checks import as_symbols, check_arrays, check_outputs
from rnnkit.kernels.cells import GRU
from rnnkit.kernels.engine.weights import empty_dx
from rnnkit.kernels.layer import backward_plain, forward_plain, set_state

GATES = 3


class GRUStates(NamedTuple):
    """h (T+1, B, H), h[0] the state before the first step; gates (T, 4, B, H): r, z, n, q of each step."""

    h: np.ndarray
    gates: np.ndarray


class GRUGradients(NamedTuple):
    """Gradients of a sequence: (T, B, I), (B, H), (I, 3 H), (H, 3 H), (4 H,); dx is (T, B, 0) for symbols."""

    dx: np.ndarray
    dh_0: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


class GRUStep(NamedTuple):
    """h_t (B, H), gates_t (4, B, H): r, z, n, q."""

    h_t: np.ndarray
    gates_t: np.ndarray


class GRUCellGradients(NamedTuple):
    """Gradients of one step: (B, I), (B, H), (I, 3 H), (H, 3 H), (4 H,)."""

    dx_t: np.ndarray
    dh_prev: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


@jit
def _states(h, gates):
    return h, np.empty((0, h.shape[0], h.shape[1], h.shape[2]), h.dtype), gates


@jit
def _gru_forward_into(x, h_0, W_xh, W_hh, b_h, h, gates):
    set_state(h[0], h_0)
    forward_plain(x, W_xh, W_hh, b_h, GRU, *_states(h, gates))


@jit
def _gru_forward(x, h_0, W_xh, W_hh, b_h):
    (T, B), H = x.shape[:2], h_0.shape[1]
    h, gates = np.empty((T + 1, B, H), h_0.dtype), np.empty((T, 4, B, H), h_0.dtype)
    _gru_forward_into(x, h_0, W_xh, W_hh, b_h, h, gates)
    return GRUStates(h, gates)


@jit
def _gru_backward_into(dh, x, h, gates, W_xh, W_hh, dx, dh_0, dW_xh, dW_hh, db_h):
    carry = np.zeros((1, h.shape[1], h.shape[2]), h.dtype)
    backward_plain(dh, carry, x, W_xh, W_hh, GRU, *_states(h, gates), dx, dW_xh, dW_hh, db_h)
    set_state(dh_0, carry[0])


@jit
def _gru_backward(dh, x, h, gates, W_xh, W_hh):
    dx, dh_0 = empty_dx(x, h.dtype), np.empty_like(h[0])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty(4 * h.shape[2], h.dtype)
    _gru_backward_into(dh, x, h, gates, W_xh, W_hh, dx, dh_0, dW_xh, dW_hh, db_h)
    return GRUGradients(dx, dh_0, dW_xh, dW_hh, db_h)


@jit
def _gru_cell_forward(x_t, h_prev, W_xh, W_hh, b_h):
    h, gates = _gru_forward(x_t.reshape((1, *x_t.shape)), h_prev, W_xh, W_hh, b_h)
    return GRUStep(h[1], gates[0])


@jit
def _gru_cell_backward(dh_t, x_t, h_prev, gates_t, W_xh, W_hh):
    h = np.empty((2, *h_prev.shape), h_prev.dtype)
    set_state(h[0], h_prev)  # a GRU's gates are all that its backward pass needs of h_t
    gates = gates_t.reshape((1, *gates_t.shape))
    g = _gru_backward(dh_t, x_t.reshape((1, *x_t.shape)), h, gates, W_xh, W_hh)
    return GRUCellGradients(g.dx[0], g.dh_0, g.dW_xh, g.dW_hh, g.db_h)


def forward_by(
    run: Callable, x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> GRUStates:
    """Check and do `gru_forward` by `run`: `forward_plain`, or the same on all cores."""
    check_arrays(GATES, x=x, h_0=h_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    h, _, gates = layer.forward(run, as_symbols(x), (h_0,), (W_xh, W_hh, b_h), GRU)
    return GRUStates(h, gates)


def backward_by(
    run: Callable,
    dh: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> GRUGradients:
    """Check and do `gru_backward` by `run`: `backward_plain`, or the same on all cores."""
    check_arrays(GATES, x=x, h=h, gates=gates, W_xh=W_xh, W_hh=W_hh, dh=dh)
    carry = np.zeros((1, *h.shape[1:]), h.dtype)
    dx, *weights = layer.backward(run, dh, carry, as_symbols(x), (W_xh, W_hh), GRU, (h, layer.NONE[h.dtype][0], gates))
    return GRUGradients(dx, carry[0], *weights)


@checked_border(_gru_forward)
def gru_forward(x: np.ndarray, h_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray) -> GRUStates:
    """Return (h, gates) of a whole sequence: (T+1, B, H), (T, 4, B, H). Shapes and errors: above."""
    return forward_by(forward_plain, x, h_0, W_xh, W_hh, b_h)


@checked_border(_gru_forward_into)
def gru_forward_into(
    x: np.ndarray,
    h_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
    h: np.ndarray,
    gates: np.ndarray,
) -> None:
    """Write h (T+1, B, H) and gates (T, 4, B, H); neither may share memory with an input."""
    inputs, outputs = {"x": x, "h_0": h_0, "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}, {"h": h, "gates": gates}
    check_arrays(GATES, **inputs, **outputs)
    check_outputs(outputs, inputs)
    _gru_forward_into(as_symbols(x), h_0, W_xh, W_hh, b_h, h, gates)


@checked_border(_gru_backward)
def gru_backward(
    dh: np.ndarray, x: np.ndarray, h: np.ndarray, gates: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> GRUGradients:
    """Return (dx, dh_0, dW_xh, dW_hh, db_h): full backpropagation through time.

    dh: (T, B, H), the immediate gradient of the loss at h[1..T]; or (B, H), at h[T] alone. x: as given to
    `gru_forward`; h, gates: from it. Weight gradients are sums over steps and batch. Derivatives of gates are taken
    from the gates, 0 where one rounds to 1; their logarithms are right in `rnnkit.gradients.log_norms`.
    """
    return backward_by(backward_plain, dh, x, h, gates, W_xh, W_hh)


@checked_border(_gru_backward_into)
def gru_backward_into(
    dh: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    dx: np.ndarray,
    dh_0: np.ndarray,
    dW_xh: np.ndarray,
    dW_hh: np.ndarray,
    db_h: np.ndarray,
) -> None:
    """Write the gradients of `gru_backward`, shaped as there; no output may share memory with an input."""
    outputs = {"dx": dx, "dh_0": dh_0, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h}
    inputs = {"x": x, "h": h, "gates": gates, "W_xh": W_xh, "W_hh": W_hh, "dh": dh}
    check_arrays(GATES, **inputs, **outputs)
    check_outputs(outputs, inputs)
    _gru_backward_into(dh, as_symbols(x), h, gates, W_xh, W_hh, dx, dh_0, dW_xh, dW_hh, db_h)


@checked_border(_gru_cell_forward)
def gru_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> GRUStep:
    """Return (h_t (B, H), gates_t (4, B, H)) of one step; x_t: (B, I) or symbols (B,)."""
    check_arrays(GATES, x_t=x_t, h_prev=h_prev, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    h, _, gates = layer.forward(forward_plain, as_symbols(x_t)[None], (h_prev,), (W_xh, W_hh, b_h), GRU)
    return GRUStep(h[1], gates[0])


@checked_border(_gru_cell_backward)
def gru_cell_backward(
    dh_t: np.ndarray, x_t: np.ndarray, h_prev: np.ndarray, gates_t: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray
) -> GRUCellGradients:
    """Return (dx_t, dh_prev, dW_xh, dW_hh, db_h) of a loss with dL/dh_t = dh_t (B, H); gates_t: (4, B, H)."""
    check_arrays(GATES, x_t=x_t, h_prev=h_prev, gates_t=gates_t, W_xh=W_xh, W_hh=W_hh, dh_t=dh_t)
    carry, states = dh_t[None].copy(), (np.stack([h_prev, h_prev]), layer.NONE[h_prev.dtype][0], gates_t[None])
    dx, *weights = layer.backward(
        backward_plain, layer.no_dh(carry), carry, as_symbols(x_t)[None], (W_xh, W_hh), GRU, states
    )
    return GRUCellGradients(dx[0], carry[0], *weights)
