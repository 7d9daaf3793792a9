"""What one driven net of any cell shows of its gradients.

The growth is that of the joint norm over all states of a unit, from the last state on, where it counts as 0.
"""

from typing import NamedTuple

import numpy as np
from common.driven import Driven, driven
from common.flow_config import FlowConfig

from rnnkit.gradients.scaled_backward import ScaledWeights, backward_scaled
from rnnkit.runner.jobs.config import number
from rnnkit.statistics import clipped_log10


class Net(NamedTuple):
    """What one net showed; log norms (T+1, B), by lag; of_states: of each state, by name.

    first_nonfinite_step: -1 where all is finite; else the rest is empty.
    """

    spectral_radius: float
    gain: float
    sigma_max: float
    log_norms: np.ndarray
    of_states: dict[str, np.ndarray]
    log10_W_hh: float
    log10_W_hh_clipped: float
    was_clipped: bool
    first_nonfinite_step: int


def measure_net(config: FlowConfig, replicate: int) -> Net:
    """Return what net number `replicate` shows."""
    net = driven(config, replicate)
    bad = np.flatnonzero(~np.isfinite(net.trace.h).all(axis=(1, 2)))
    if bad.size:
        return Net(*net.weights, np.empty((0, 0)), {}, np.nan, np.nan, False, int(bad[0]) + 1)
    found = backward_scaled(net.net, net.trace, net.last(config.batch_size))
    log_norms, of_states = by_lag(found)
    bad = np.flatnonzero(~(log_norms < np.inf).all(axis=1))  # a gradient can still overflow within one step
    if bad.size:
        return Net(*net.weights, np.empty((0, 0)), {}, np.nan, np.nan, False, config.seq_len - int(bad[0]))
    clipped = clipped_of_mean(net, found, config)
    return Net(*net.weights, log_norms, of_states, *clipped, -1)


def by_lag(found: ScaledWeights) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return (the log norms of all states together, those of each state): row k is of k steps before the last."""
    logs = found.log_norms["l0"]
    joint = logs.joint[::-1]
    return joint - joint[0], {name: a[::-1] for name, a in logs.asdict().items()}


def clipped_of_mean(net: Driven, found: ScaledWeights, config: FlowConfig) -> tuple[float, float, bool]:
    """Return log10 of the norm of the batch's mean gradient of recurrent weights, before and after clipping."""
    recurrent = [f"l0.{name}" for name in net.net.cell.recurrent().values()]
    rest = [g for name, g in found.parameters.items() if name not in recurrent]
    log_scale = found.log_scale - np.log(config.batch_size)
    own = [found.parameters[name] for name in recurrent]
    return clipped_log10(own, rest, log_scale, number(config.clip), config.clip_mode)
