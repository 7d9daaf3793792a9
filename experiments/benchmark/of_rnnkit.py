"""Forward + BPTT by rnnkit: the two calls that a user makes. A run returns (dW_xh, dW_hh, db_h, dh_0)."""

from collections.abc import Callable

import numpy as np
from instances import Net

from rnnkit import parallel
from rnnkit._compile.jit import jit
from rnnkit.kernels import RAISE, TANH, clip_by_norm, rnn_backward, rnn_forward

LEARNING_RATE, MAX_NORM = 0.01, 1.0


def gradients(kind: str, net: Net) -> dict[str, Callable[[], tuple]]:
    """Return them by name; a loss on the last state hands over its gradient as (B, H)."""
    x, h_0, W_xh, W_hh, b_h, last = net
    zeros = np.zeros_like(h_0)

    def rnn():
        h = parallel.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        return parallel.rnn_backward(last, x, h, W_xh, W_hh, TANH)

    def lstm():
        states = parallel.lstm_forward(x, h_0, zeros, W_xh, W_hh, b_h)
        return parallel.lstm_backward(last, zeros, x, *states, W_xh, W_hh)

    def gru():
        states = parallel.gru_forward(x, h_0, W_xh, W_hh, b_h)
        return parallel.gru_backward(last, x, *states, W_xh, W_hh)

    run = {"rnn": rnn, "lstm": lstm, "gru": gru}[kind]

    def answer():
        g = run()
        return g.dW_xh, g.dW_hh, g.db_h, g.dh_0

    return {"default": answer}


@jit
def _train(x, h_0, W_xh, W_hh, b_h, target, updates):
    for _ in range(updates):
        h = rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        _, _, dW_xh, dW_hh, db_h = rnn_backward((h[-1] - target) / np.float32(x.shape[1]), x, h, W_xh, W_hh, TANH)
        clip_by_norm((dW_xh, dW_hh, db_h), MAX_NORM, RAISE, (dW_hh, W_hh))
        W_xh -= np.float32(LEARNING_RATE) * dW_xh
        W_hh -= np.float32(LEARNING_RATE) * dW_hh
        b_h -= np.float32(LEARNING_RATE) * db_h


def training(nets: list[Net], updates: int) -> dict[str, Callable[[], tuple]]:
    """Return a training loop written with the kernels, compiled, one net a thread at a time; a run returns all W_hh."""

    def run():
        started = [Net(*(a.copy() for a in net)) for net in nets]
        parallel.map_replicates(lambda r: _train(*started[r], updates), len(nets))
        return (np.stack([net.W_hh for net in started]),)

    return {"default": run}
