"""One layer, forward and back, by any module that has the functions of the kernels: for tests of threads."""

import numpy as np

from rnnkit.kernels import TANH

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def calls(kind, H, B, T, dtype, symbols=False):
    """Return f(module): all that forward and BPTT of one net return, and its W_hh."""
    rng, n = np.random.default_rng(0), GATES[kind]
    shapes = (T, B, 6), (B, H), (6, n * H), (H, n * H), (H if n == 1 else 4 * H,), (T, B, H)
    x, h_0, W_xh, W_hh, b_h, dh = ((0.3 * rng.standard_normal(shape)).astype(dtype) for shape in shapes)
    W_hh /= np.sqrt(H, dtype=dtype)
    if symbols:
        x = rng.integers(6, size=(T, B))

    def run(module):
        if kind == "rnn":
            h = module.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
            return h, *module.rnn_backward(dh, x, h, W_xh, W_hh, TANH)
        if kind == "lstm":
            states = module.lstm_forward(x, h_0, h_0, W_xh, W_hh, b_h)
            return *states, *module.lstm_backward(dh, h_0, x, *states, W_xh, W_hh)
        states = module.gru_forward(x, h_0, W_xh, W_hh, b_h)
        return *states, *module.gru_backward(dh, x, *states, W_xh, W_hh)

    return run, W_hh


def same(found, wanted):
    return all(a.tobytes() == b.tobytes() for a, b in zip(found, wanted, strict=True))
