"""Driven nets of any cell: their weights as asked for, what drives them, the states they are driven to."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from common.flow_config import FlowConfig

from rnnkit.cells.cell import Cell
from rnnkit.initializers import Achieved, achieved, glorot, recurrent_weights, scale_to_spectral_radius
from rnnkit.networks.by_state import State
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.rng import Streams, streams
from rnnkit.runner.jobs.config import number
from rnnkit.tasks.digits import WHITE, read_digits

BURN_IN = 50  # unrecorded steps of noise before h_0


class Driven(NamedTuple):
    """A net of one layer and no readout, the trace of its steps after the burn-in, and what its loss is made of.

    first: the states before the trace. direction: (H,), of norm 1; the loss of a sample is h_T times that.
    weights: what the recurrent weights have, the mean over their blocks; nan of a cell without any.
    """

    net: RNN
    trace: Trace
    first: State
    direction: np.ndarray
    weights: Achieved

    def last(self, samples: int) -> State:
        """Return dL/dstate of the last states, for the sum of the losses of so many samples."""
        last = self.net.initial_state(samples)
        last[0][:] = self.direction
        return last

    def alone(self, b: int) -> Trace:
        """Return the trace of sample b alone."""
        first = State.of(self.first.names, [a[:, [b]] for a in self.first])
        return self.net.forward(np.ascontiguousarray(self.trace.x[:, [b]]), first)


def driven(config: FlowConfig, replicate: int) -> Driven:
    """Return net number `replicate`, driven through its burn-in and all of its steps."""
    rng, cell = streams(config.seed, replicate), config.the_cell
    blocks = scaled_blocks(config, replicate, rng.init)
    direction = rng.evaluation.standard_normal(config.hidden_size)
    x, W_xh, burn_in = drive(config, rng)
    net = RNN(len(W_xh), config.hidden_size, None, cell=cell, seed=rng.init, dtype=config.dtype)
    net.parameters["l0.W_xh"][:] = np.tile(W_xh, len(cell.entered()["x"]))
    for name, W in zip(cell.recurrent().values(), blocks, strict=True):
        net.parameters[f"l0.{name}"][:] = np.hstack(W)
    zeros = net.initial_state(config.batch_size)
    first = net.forward(x[:burn_in], zeros).state if burn_in else zeros
    weights = achieved_by(config, replicate, [W for blocks_of_state in blocks for W in blocks_of_state])
    return Driven(net, net.forward(x[burn_in:], first), first, direction / np.linalg.norm(direction), weights)


def block_counts(cell: Cell) -> list[int]:
    """Return how many blocks each state enters, of those that enter any."""
    return [len(cell.entered()[state]) for state in cell.recurrent()]


# A sweep meets the same draws at every seq_len, scale, clip and drive, and eigenvalues were half of a job's work.
@lru_cache(maxsize=100_000)
def as_drawn(initializer: str, hidden_size: int, seed: int, replicate: int, blocks: int) -> list[Achieved]:
    """Return spectral radius, gain and sigma_max of each block of recurrent weights as its initializer draws it."""
    rng = streams(seed, replicate).init
    return [achieved(recurrent_weights(initializer, hidden_size, rng)) for _ in range(blocks)]


def scaled_blocks(config: FlowConfig, replicate: int, rng: np.random.Generator) -> list[list[np.ndarray]]:
    """Return the blocks (H, H) of each state's recurrent weights, by spectral radius, by gain, or as they are drawn."""
    blocks = block_counts(config.the_cell)
    drawn = iter(as_drawn(config.initializer, config.hidden_size, config.seed, replicate, sum(blocks)))

    def block() -> np.ndarray:
        W, present = (
            recurrent_weights(config.initializer, config.hidden_size, rng, gain=number(config.gain)),
            next(drawn),
        )
        if config.spectral_radius != "none":
            W = scale_to_spectral_radius(W, config.spectral_radius, present.spectral_radius)
        return W.astype(config.dtype)

    return [[block() for _ in range(n)] for n in blocks]


def achieved_by(config: FlowConfig, replicate: int, blocks: list[np.ndarray]) -> Achieved:
    """Return spectral radius, gain and sigma_max, means over blocks: those of each draw times the ratio of norms."""
    if not blocks:
        return Achieved(np.nan, np.nan, np.nan)
    drawn = as_drawn(config.initializer, config.hidden_size, config.seed, replicate, len(blocks))
    gains = [np.linalg.norm(W.astype(np.float64)) / np.sqrt(len(W)) for W in blocks]
    return Achieved(
        *np.mean([np.multiply(has, gain / has.gain) for has, gain in zip(drawn, gains, strict=True)], axis=0)
    )


def drive(config: FlowConfig, rng: Streams) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (x, W_xh of one block, steps of burn-in)."""
    H, B, dtype = config.hidden_size, config.batch_size, np.dtype(config.dtype)
    if config.drive == "digits":
        pixels = read_digits().pixels[:, : config.seq_len] / WHITE
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
