"""Driven tanh nets with a fresh Gaussian W at each step: no recurrent nets, but those whose 1/H term is exact."""

import numpy as np
from common.driven import BURN_IN

from rnnkit.initializers import recurrent_weights
from rnnkit.rng import Streams, streams


def log_norms(seed: int, replicate: int, seq_len: int, batch_size: int, H: int, gain: float, s2: float) -> np.ndarray:
    """Return ln ||dL/dh_{T-k}|| (T+1, B), the loss h_T times a unit vector, of net number `replicate`.

    All W are kept: 8 H^2 bytes a step.
    """
    rng, noise = streams(seed, replicate), np.sqrt(s2)
    h, states = np.zeros((batch_size, H)), np.empty((seq_len, batch_size, H))
    for _ in range(BURN_IN):
        h = np.tanh(h @ draw(rng, H, gain) + noise * rng.data.standard_normal((batch_size, H)))
    W = np.empty((seq_len, H, H))
    for t in range(seq_len):
        W[t] = draw(rng, H, gain)
        h = states[t] = np.tanh(h @ W[t] + noise * rng.data.standard_normal((batch_size, H)))
    direction, logs = rng.evaluation.standard_normal(H), np.zeros((seq_len + 1, batch_size))
    delta = np.tile(direction / np.linalg.norm(direction), (batch_size, 1))
    for k in range(1, seq_len + 1):
        delta = (delta * (1 - states[-k] ** 2)) @ W[-k].T
        norm = np.linalg.norm(delta, axis=1)
        delta, logs[k] = delta / norm[:, None], logs[k - 1] + np.log(norm)
    return logs


def draw(rng: Streams, H: int, gain: float) -> np.ndarray:
    """Return the W (H, H) of one step."""
    return recurrent_weights("gaussian", H, rng.init, gain=gain)
