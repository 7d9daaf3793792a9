"""What `lyapunov` measures of a net, for a cell that the kernels of log norms do not know."""

from typing import NamedTuple

import numpy as np
from common.cell_flow import log_norms_by_lag, make_net, weights_of
from common.driven import drive
from common.flow_config import FlowConfig

from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.networks.by_state import State
from rnnkit.networks.rnn import RNN
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import number
from rnnkit.statistics import NEAR


class Exponents(NamedTuple):
    """log_norms: (T+1, B) by lag, nan of states that are not finite.

    weight_log_ratios: (B,), of ||dL/dW|| at all steps over that at half of them.
    """

    gain: float
    log_norms: np.ndarray
    exponent: float
    weight_log_ratios: np.ndarray


def measure_exponents(config: FlowConfig, replicate: int) -> Exponents:
    """Return what net number `replicate` shows; nan for weights that the cell does not have."""
    rng, cell, H = streams(config.seed, replicate), config.the_cell, config.hidden_size
    x, W_xh, burn_in = drive(config, rng)
    options = {"initializer": config.initializer, "gain": number(config.gain), "dtype": config.dtype}
    net = make_net(cell, H, len(W_xh), rng, **options)
    net.parameters["l0.W_xh"][:] = np.tile(W_xh, len(cell.entered()["x"]))
    direction = rng.evaluation.standard_normal(H)
    state, x = net.forward(x[:burn_in]).state, x[burn_in:]
    trace = net.forward(x, state)
    logs = log_norms_by_lag(net, trace, direction / np.linalg.norm(direction)).joint
    if not np.isfinite(trace.h).all():
        logs[:] = np.nan
    alone = [State(**{name: a[:, [b]] for name, a in state.asdict().items()}) for b in range(config.batch_size)]
    first = net.forward(np.ascontiguousarray(x[:, :1]), alone[0])
    has = weights_of(net)
    ratios = [_weight_log_ratio(net, x[:, [b]], one, direction) for b, one in enumerate(alone)]
    exponent = float(lyapunov_exponents(net, first, n=1, burn_in=NEAR)[0])
    return Exponents(has.gain if has else np.nan, logs, exponent, np.array(ratios))


def _weight_log_ratio(net: RNN, x: np.ndarray, state: State, direction: np.ndarray) -> float:
    """Return ln of the norm of the recurrent weights' gradient at all steps over that at half of them."""
    if not net.cell.recurrent():
        return np.nan
    norms = []
    for steps in (len(x), len(x) // 2):
        last = net.initial_state(1)
        last[0][:] = direction
        found = backward_scaled(net, net.forward(np.ascontiguousarray(x[:steps]), state), last)
        names = [f"l0.{name}" for name in net.cell.recurrent().values()]
        size = np.linalg.norm(np.concatenate([found.parameters[name].ravel() for name in names]))
        norms.append(np.log(size) + found.log_scale)
    return float(norms[0] - norms[1])
