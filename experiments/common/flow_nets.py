"""What one driven net shows of its gradients: by the kernels of log norms, or of any cell."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from common import cell_flow
from common.driven import achieved_by, drive, driven_states, scaled_weights
from common.flow_config import FlowConfig

from rnnkit.cells.handles import handle_of
from rnnkit.initializers import Achieved
from rnnkit.kernels.activations import ACTIVATIONS
from rnnkit.kernels.jacobians import rnn_backward_scaled
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import number
from rnnkit.statistics import clipped_log10


class Net(NamedTuple):
    """What one net showed; log norms are (T+1, B)."""

    spectral_radius: float
    gain: float
    sigma_max: float
    log_norms: np.ndarray
    log10_W_hh: float
    log10_W_hh_clipped: float
    was_clipped: bool
    first_nonfinite_step: int  # -1: none
    of_states: Mapping[str, np.ndarray] = MappingProxyType({})  # log norms of each state, of a cell of several


def measure_net(config: FlowConfig, replicate: int) -> Net:
    """Return what net number `replicate` shows."""
    if handle_of(config.the_cell) not in ACTIVATIONS.values():
        return measure_any(config, replicate)
    dtype, activation, rng = np.dtype(config.dtype), handle_of(config.the_cell), streams(config.seed, replicate)
    W_hh = scaled_weights(config, replicate, rng.init)
    has = achieved_by(config, replicate, W_hh)
    direction = rng.evaluation.standard_normal(config.hidden_size)
    dh_T = np.tile((direction / np.linalg.norm(direction)).astype(dtype), (config.batch_size, 1))
    x, W_xh, h = driven_states(config, rng, W_hh)
    bad_steps = np.flatnonzero(~np.isfinite(h).all(axis=(1, 2)))
    no_bias = np.zeros(config.hidden_size, dtype)
    gradients = rnn_backward_scaled(dh_T / dtype.type(config.batch_size), x, h, W_xh, W_hh, no_bias, activation)
    log_norms = gradients.log_norms.astype(np.float64) + np.log(config.batch_size)  # of each sample's own loss
    if not bad_steps.size:  # a gradient can still overflow within one step
        bad_steps = config.seq_len - np.flatnonzero(~(log_norms < np.inf).all(axis=1))
    if bad_steps.size:
        return Net(*has, np.empty((0, 0)), np.nan, np.nan, False, int(bad_steps[0]))
    return Net(*has, log_norms, *clipped_log10(gradients, number(config.clip), config.clip_mode), -1)


def measure_any(config: FlowConfig, replicate: int) -> Net:
    """Return what net number `replicate` shows, of a cell that the kernels of log norms do not know."""
    rng, cell, H = streams(config.seed, replicate), config.the_cell, config.hidden_size
    options = {"initializer": config.initializer, "gain": number(config.gain)}
    options |= {"spectral_radius": number(config.spectral_radius), "dtype": config.dtype}
    x, W_xh, burn_in = drive(config, rng)
    net = cell_flow.make_net(cell, H, len(W_xh), rng, **options)
    net.parameters["l0.W_xh"][:] = np.tile(W_xh, len(cell.entered()["x"]))
    direction = rng.evaluation.standard_normal(H)
    flow = cell_flow.measure(net, x, burn_in, (direction / np.linalg.norm(direction)).astype(config.dtype))
    has = flow.weights or Achieved(np.nan, np.nan, np.nan)
    if flow.first_nonfinite_step >= 0:
        return Net(*has, np.empty((0, 0)), np.nan, np.nan, False, flow.first_nonfinite_step)
    clipped = clipped_log10(flow.gradients, number(config.clip), config.clip_mode)
    return Net(*has, flow.log_norms, *clipped, -1, flow.of_states)
