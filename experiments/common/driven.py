"""Driven nets: their weights as asked for, what drives them, the states they are driven to."""

from functools import lru_cache

import numpy as np
from common.flow_config import FlowConfig

from rnnkit.cells.handles import handle_of
from rnnkit.initializers import Achieved, achieved, glorot, recurrent_weights, scale_to_spectral_radius
from rnnkit.kernels.sequence import rnn_forward
from rnnkit.rng import Streams, streams
from rnnkit.runner.jobs.config import number

BURN_IN = 50  # unrecorded steps of noise before h_0


# A sweep meets the same draws at every seq_len, scale, clip and drive, and eigenvalues were half of a job's work.
@lru_cache(maxsize=100_000)
def as_drawn(initializer: str, hidden_size: int, seed: int, replicate: int) -> Achieved:
    """Return spectral radius, gain and sigma_max of a net's W_hh as its initializer draws it."""
    return achieved(recurrent_weights(initializer, hidden_size, streams(seed, replicate).init))


def scaled_weights(config: FlowConfig, replicate: int, rng: np.random.Generator) -> np.ndarray:
    """Return W_hh (H, H) of a net, by spectral radius, by gain, or as it is drawn."""
    W_hh = recurrent_weights(config.initializer, config.hidden_size, rng, gain=number(config.gain))
    if config.spectral_radius != "none":
        present = as_drawn(config.initializer, config.hidden_size, config.seed, replicate).spectral_radius
        W_hh = scale_to_spectral_radius(W_hh, config.spectral_radius, present)
    return W_hh.astype(config.dtype)


def achieved_by(config: FlowConfig, replicate: int, W_hh: np.ndarray) -> Achieved:
    """Return spectral radius, gain and sigma_max of a net's W_hh: those of its draw times the ratio of their norms."""
    drawn = as_drawn(config.initializer, config.hidden_size, config.seed, replicate)
    gain = np.linalg.norm(W_hh.astype(np.float64)) / np.sqrt(len(W_hh))
    return Achieved(*(float(value * (gain / drawn.gain)) for value in drawn))


def drive(config: FlowConfig, rng: Streams) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (x, W_xh of one block, steps of burn-in)."""
    H, B, dtype = config.hidden_size, config.batch_size, np.dtype(config.dtype)
    if config.drive == "digits":
        pixels = _digits()[:, : config.seq_len]
        chosen = rng.data.choice(len(pixels), size=B, replace=len(pixels) < B)
        x = pixels[chosen].T[:, :, None]
        W_xh = glorot(rng.init, 1, H)
        W_xh *= np.sqrt(config.drive_variance / np.var(pixels[..., None] * W_xh))
        burn_in = 0
    else:
        burn_in = BURN_IN
        x = rng.data.standard_normal((burn_in + config.seq_len, B, H))
        W_xh = np.sqrt(config.drive_variance) * np.eye(H)
    return np.ascontiguousarray(x, dtype), W_xh.astype(dtype), burn_in


def driven_states(config: FlowConfig, rng: Streams, W_hh: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return (x, W_xh, h): the drive and the states it leads to, without burn-in."""
    x, W_xh, burn_in = drive(config, rng)
    zeros = np.zeros((config.batch_size, config.hidden_size), x.dtype)
    h = rnn_forward(x, zeros, W_xh, W_hh, zeros[0].copy(), handle_of(config.the_cell))
    return x[burn_in:], W_xh, h[burn_in:]


def _digits() -> np.ndarray:
    """Return (1797, 64) pixels in [0, 1], row by row."""
    from sklearn.datasets import load_digits  # an extra: asked for by drive=digits alone

    return load_digits().data / 16
