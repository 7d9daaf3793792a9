"""Long short-term memory (LSTM): one step and whole sequences, forward and backward through time.

    a_t = x_t W_xh + h_{t-1} W_hh + b_h = [a_i, a_f, a_g, a_o]                              (row vectors)
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o),    g = tanh(a_g)
    c_t = f c_{t-1} + i g,    h_t = o tanh(c_t)

Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber, Cummins (2000); equations, and the order
i, f, g, o of the gates, as in PyTorch, transposed. Shapes: x (T, B, I) or symbols (T, B), integers, h_0, c_0 (B, H),
W_xh (I, 4 H), W_hh (H, 4 H), b_h (4 H,). All arrays C-contiguous, of one dtype (float32 or float64). A bad argument is
a ValueError that names it. Kernels run on one thread and take subnormals for 0;
`rnnkit.parallel` has the sequence functions on all cores.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels import layer
from rnnkit.kernels._checks import as_symbols, check_arrays, check_outputs
from rnnkit.kernels.cells import LSTM
from rnnkit.kernels.engine.weights import empty_dx
from rnnkit.kernels.layer import backward_plain, forward_plain, set_state

GATES = 4


class LSTMStates(NamedTuple):
    """h and c (T+1, B, H), h[0] and c[0] those before the first step; gates (T, 4, B, H): i, f, g, o of each step."""

    h: np.ndarray
    c: np.ndarray
    gates: np.ndarray


class LSTMGradients(NamedTuple):
    """Gradients of a sequence: (T, B, I), (B, H), (B, H), (I, 4 H), (H, 4 H), (4 H,); dx is (T, B, 0) for symbols."""

    dx: np.ndarray
    dh_0: np.ndarray
    dc_0: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


class LSTMStep(NamedTuple):
    """h_t and c_t (B, H), gates_t (4, B, H): i, f, g, o."""

    h_t: np.ndarray
    c_t: np.ndarray
    gates_t: np.ndarray


class LSTMCellGradients(NamedTuple):
    """Gradients of one step: (B, I), (B, H), (B, H), (I, 4 H), (H, 4 H), (4 H,)."""

    dx_t: np.ndarray
    dh_prev: np.ndarray
    dc_prev: np.ndarray
    dW_xh: np.ndarray
    dW_hh: np.ndarray
    db_h: np.ndarray


@jit
def _states(h, c, gates):
    return h, c.reshape((1, *c.shape)), gates


@jit
def _lstm_forward_into(x, h_0, c_0, W_xh, W_hh, b_h, h, c, gates):
    set_state(h[0], h_0)
    set_state(c[0], c_0)
    forward_plain(x, W_xh, W_hh, b_h, LSTM, *_states(h, c, gates))


@jit
def _lstm_forward(x, h_0, c_0, W_xh, W_hh, b_h):
    (T, B), H = x.shape[:2], h_0.shape[1]
    h, c = np.empty((T + 1, B, H), h_0.dtype), np.empty((T + 1, B, H), h_0.dtype)
    gates = np.empty((T, GATES, B, H), h_0.dtype)
    _lstm_forward_into(x, h_0, c_0, W_xh, W_hh, b_h, h, c, gates)
    return LSTMStates(h, c, gates)


@jit
def _lstm_backward_into(dh, dc_T, x, h, c, gates, W_xh, W_hh, dx, dh_0, dc_0, dW_xh, dW_hh, db_h):
    carry = np.zeros((2, h.shape[1], h.shape[2]), h.dtype)
    set_state(carry[1], dc_T)
    backward_plain(dh, carry, x, W_xh, W_hh, LSTM, *_states(h, c, gates), dx, dW_xh, dW_hh, db_h)
    set_state(dh_0, carry[0])
    set_state(dc_0, carry[1])


@jit
def _lstm_backward(dh, dc_T, x, h, c, gates, W_xh, W_hh):
    dx, dh_0, dc_0 = empty_dx(x, h.dtype), np.empty_like(h[0]), np.empty_like(h[0])
    dW_xh, dW_hh, db_h = np.empty_like(W_xh), np.empty_like(W_hh), np.empty_like(W_hh[0])
    _lstm_backward_into(dh, dc_T, x, h, c, gates, W_xh, W_hh, dx, dh_0, dc_0, dW_xh, dW_hh, db_h)
    return LSTMGradients(dx, dh_0, dc_0, dW_xh, dW_hh, db_h)


@jit
def _lstm_cell_forward(x_t, h_prev, c_prev, W_xh, W_hh, b_h):
    h, c, gates = _lstm_forward(x_t.reshape((1, *x_t.shape)), h_prev, c_prev, W_xh, W_hh, b_h)
    return LSTMStep(h[1], c[1], gates[0])


@jit
def _lstm_cell_backward(dh_t, dc_t, x_t, h_prev, c_prev, c_t, gates_t, W_xh, W_hh):
    h, c = np.empty((2, *h_prev.shape), h_prev.dtype), np.empty((2, *h_prev.shape), h_prev.dtype)
    set_state(h[0], h_prev)
    set_state(c[0], c_prev)
    set_state(c[1], c_t)
    gates = gates_t.reshape((1, *gates_t.shape))
    g = _lstm_backward(dh_t, dc_t, x_t.reshape((1, *x_t.shape)), h, c, gates, W_xh, W_hh)
    return LSTMCellGradients(g.dx[0], g.dh_0, g.dc_0, g.dW_xh, g.dW_hh, g.db_h)


def forward_by(
    run: Callable,
    x: np.ndarray,
    h_0: np.ndarray,
    c_0: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
    b_h: np.ndarray,
) -> LSTMStates:
    """Check and do `lstm_forward` by `run`: `forward_plain`, or the same on all cores."""
    check_arrays(GATES, x=x, h_0=h_0, c_0=c_0, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    h, inner, gates = layer.forward(run, as_symbols(x), (h_0, c_0), (W_xh, W_hh, b_h), LSTM)
    return LSTMStates(h, inner[0], gates)


def backward_by(
    run: Callable,
    dh: np.ndarray,
    dc_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> LSTMGradients:
    """Check and do `lstm_backward` by `run`: `backward_plain`, or the same on all cores."""
    check_arrays(GATES, x=x, h=h, c=c, gates=gates, W_xh=W_xh, W_hh=W_hh, dh=dh, dc_T=dc_T)
    carry = np.zeros((2, *dc_T.shape), dc_T.dtype)
    carry[1] = dc_T
    dx, *weights = layer.backward(run, dh, carry, as_symbols(x), (W_xh, W_hh), LSTM, (h, c[None], gates))
    return LSTMGradients(dx, *carry, *weights)


@checked_border(_lstm_forward)
def lstm_forward(
    x: np.ndarray, h_0: np.ndarray, c_0: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> LSTMStates:
    """Return (h, c, gates) of a whole sequence: (T+1, B, H), (T+1, B, H), (T, 4, B, H). Shapes and errors: above."""
    return forward_by(forward_plain, x, h_0, c_0, W_xh, W_hh, b_h)


@checked_border(_lstm_forward_into)
def lstm_forward_into(x, h_0, c_0, W_xh, W_hh, b_h, h, c, gates) -> None:
    """Write h (T+1, B, H), c (T+1, B, H) and gates (T, 4, B, H); none may share memory with an input."""
    inputs = {"x": x, "h_0": h_0, "c_0": c_0, "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    outputs = {"h": h, "c": c, "gates": gates}
    check_arrays(GATES, **inputs, **outputs)
    check_outputs(outputs, inputs)
    _lstm_forward_into(as_symbols(x), h_0, c_0, W_xh, W_hh, b_h, h, c, gates)


@checked_border(_lstm_backward)
def lstm_backward(
    dh: np.ndarray,
    dc_T: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    gates: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> LSTMGradients:
    """Return (dx, dh_0, dc_0, dW_xh, dW_hh, db_h): full backpropagation through time.

    dh: (T, B, H), the immediate gradient of the loss at h[1..T]; or (B, H), at h[T] alone. dc_T: (B, H), at c[T].
    x: as given to `lstm_forward`; h, c, gates: from it. Weight gradients are sums over steps and batch. Derivatives of
    gates are taken from the gates, 0 where one rounds to 1; their logarithms are right in `rnnkit.gradients.log_norms`.
    """
    return backward_by(backward_plain, dh, dc_T, x, h, c, gates, W_xh, W_hh)


@checked_border(_lstm_backward_into)
def lstm_backward_into(dh, dc_T, x, h, c, gates, W_xh, W_hh, dx, dh_0, dc_0, dW_xh, dW_hh, db_h) -> None:
    """Write the gradients of `lstm_backward`, shaped as there; no output may share memory with an input."""
    outputs = {"dx": dx, "dh_0": dh_0, "dc_0": dc_0, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h}
    inputs = {"x": x, "h": h, "c": c, "gates": gates, "W_xh": W_xh, "W_hh": W_hh, "dh": dh, "dc_T": dc_T}
    check_arrays(GATES, **inputs, **outputs)
    check_outputs(outputs, inputs)
    _lstm_backward_into(dh, dc_T, as_symbols(x), h, c, gates, W_xh, W_hh, dx, dh_0, dc_0, dW_xh, dW_hh, db_h)


@checked_border(_lstm_cell_forward)
def lstm_cell_forward(
    x_t: np.ndarray, h_prev: np.ndarray, c_prev: np.ndarray, W_xh: np.ndarray, W_hh: np.ndarray, b_h: np.ndarray
) -> LSTMStep:
    """Return (h_t (B, H), c_t (B, H), gates_t (4, B, H)) of one step; x_t: (B, I) or symbols (B,)."""
    check_arrays(GATES, x_t=x_t, h_prev=h_prev, c_prev=c_prev, W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    h, inner, gates = layer.forward(forward_plain, as_symbols(x_t)[None], (h_prev, c_prev), (W_xh, W_hh, b_h), LSTM)
    return LSTMStep(h[1], inner[0, 1], gates[0])


@checked_border(_lstm_cell_backward)
def lstm_cell_backward(
    dh_t: np.ndarray,
    dc_t: np.ndarray,
    x_t: np.ndarray,
    h_prev: np.ndarray,
    c_prev: np.ndarray,
    c_t: np.ndarray,
    gates_t: np.ndarray,
    W_xh: np.ndarray,
    W_hh: np.ndarray,
) -> LSTMCellGradients:
    """Return (dx_t, dh_prev, dc_prev, dW_xh, dW_hh, db_h) of a loss with dL/dh_t = dh_t, dL/dc_t = dc_t (B, H).

    dc_t: without the path through h_t. gates_t: (4, B, H) from `lstm_cell_forward`.
    """
    step = {"h_prev": h_prev, "c_prev": c_prev, "c_t": c_t, "gates_t": gates_t}
    check_arrays(GATES, x_t=x_t, **step, W_xh=W_xh, W_hh=W_hh, dh_t=dh_t, dc_t=dc_t)
    carry, states = np.stack([dh_t, dc_t]), (np.stack([h_prev, h_prev]), np.stack([c_prev, c_t])[None], gates_t[None])
    dx, *weights = layer.backward(
        backward_plain, layer.no_dh(carry), carry, as_symbols(x_t)[None], (W_xh, W_hh), LSTM, states
    )
    return LSTMCellGradients(dx[0], *carry, *weights)
