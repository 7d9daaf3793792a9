"""Driven tanh nets with a fresh Gaussian W at each step: no recurrent nets, but those whose 1/H term is exact."""

import numpy as np
from common.driven import BURN_IN

from rnnkit.initializers import recurrent_weights
from rnnkit.rng import streams


def log_norms(seed: int, replicate: int, seq_len: int, batch_size: int, H: int, gain: float, s2: float) -> np.ndarray:
    """Return ln ||dL/dh_{T-k}|| (T+1, B), the loss h_T times a unit vector, of net number `replicate`.

    Each W is drawn twice, forward and back, since all of them would not fit in memory.
    """
    rng = streams(seed, replicate)
    draws = rng.init.bit_generator.seed_seq.spawn(BURN_IN + seq_len)

    def weights(t: int) -> np.ndarray:
        return recurrent_weights("gaussian", H, np.random.default_rng(draws[t]), gain=gain)

    h, states = np.zeros((batch_size, H)), np.empty((seq_len, batch_size, H))
    for t in range(BURN_IN + seq_len):
        h = np.tanh(h @ weights(t) + np.sqrt(s2) * rng.data.standard_normal((batch_size, H)))
        if t >= BURN_IN:
            states[t - BURN_IN] = h
    direction, logs = rng.evaluation.standard_normal(H), np.zeros((seq_len + 1, batch_size))
    delta = np.tile(direction / np.linalg.norm(direction), (batch_size, 1))
    for k in range(1, seq_len + 1):
        delta = (delta * (1 - states[seq_len - k] ** 2)) @ weights(BURN_IN + seq_len - k).T
        norm = np.linalg.norm(delta, axis=1)
        delta, logs[k] = delta / norm[:, None], logs[k - 1] + np.log(norm)
    return logs
