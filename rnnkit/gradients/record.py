"""What the gradients of a net are at one moment of its training, in numbers that json and pandas take as they are.

    found = gradient_record(net, x, target, loss="softmax")
    pd.DataFrame(found["lags"]["l0"])           lag, log_norm, log_norm_sd, n: ln ||dL/ds_{T-lag}|| over the sequences
    found["log_weight_norms"]["l0.W_hh"]        ln ||dL/dW_hh||

Of the same sequences at every moment, records differ by the weights alone. `Protocol(record_every=...)` makes them in a
training of `rnnkit.train`; a loop of one's own calls this function.
"""

from typing import Any

import numpy as np

from rnnkit._arguments import choice
from rnnkit.gradients.in_float64 import back, logs_of, parts_of
from rnnkit.gradients.log_norms import hidden_log_norms
from rnnkit.initializers import spectral_radius
from rnnkit.kernels.losses import LOSSES
from rnnkit.networks.checks import check_net
from rnnkit.networks.rnn import RNN
from rnnkit.networks.trace import Trace
from rnnkit.rng import streams
from rnnkit.statistics import by_lag

STEPS, BURN_IN = 300, 50  # of an exponent: over 250 steps, what the first and last direction have is a hundredth


def gradient_record(
    net: RNN, x: np.ndarray, target: np.ndarray, *, loss: str = "mse", mask: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what the gradients of a loss are at the net's present weights; arguments as `RNN.loss_and_gradients`.

    n_nonfinite: weights that are not finite. loss: the mean over all outputs that count, L.
    lags: by direction (l0, l0.reverse, l1, ...), lists with an entry for each step of x: lag k is k steps before the
    last; log_norm and log_norm_sd, nats, the mean and standard deviation over the sequences of the log norm of the
    gradient at all states of a direction together, right at any size. It is that of a sequence's own part of L times B,
    so that it does not depend on B. n: sequences whose log norm is finite; others are left out, None where all are.
    log_weight_norms: by name, ln ||dL/dW||, of `RNN.backward` in net.dtype: -inf of zeros, else what came, nan or inf.
    spectral_radius: of the lowest W_hh, None where no one block has it, or it is not finite. exponent: the largest
    Lyapunov exponent, nats a step, of the net driven by the sequences one after another, 300 steps of them: as the rate
    at which a random gradient grows back, the last 50 steps left out (half of them where there are under 100), so that
    a record takes milliseconds. -inf of what dies out; None where weights or states are not finite, where units are so
    saturated that float64 loses some of their derivatives, and of a bidirectional net.
    Raises ValueError naming a bad argument.
    """
    check_net(net)
    choice("loss", loss, LOSSES)
    trace = net.forward(x)
    return record_of(net, trace, *net.loss(trace, target, loss, mask))


def record_of(net: RNN, trace: Trace, value: float, dy: np.ndarray) -> dict[str, Any]:
    """Return the same of any loss: its value, and dL/dy, shaped as trace.y."""
    gradients, B = net.backward(trace, dy), trace.x.shape[1]
    lags = {name: _lists(by_lag(of.joint[::-1] + np.log(B))) for name, of in hidden_log_norms(net, trace, dy).items()}
    return {
        "n_nonfinite": int(net.flat.size - np.isfinite(net.flat).sum()),
        "loss": float(value),
        "lags": lags,
        "log_weight_norms": {name: _log_norm(g) for name, g in gradients.parameters.items()},
        "spectral_radius": lowest_radius(net),
        "exponent": _exponent(net, trace.x),
    }


def lowest_radius(net: RNN) -> float | None:
    """Return the spectral radius of the lowest W_hh as it runs; None where no one block has it, or it is not finite."""
    W_hh = net.weights.get("l0.W_hh")
    square = W_hh is not None and W_hh.shape[0] == W_hh.shape[1]
    return spectral_radius(W_hh) if square and np.isfinite(W_hh).all() else None


def _lists(rows: list[dict[str, Any]]) -> dict[str, list]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _log_norm(gradient: np.ndarray) -> float:
    """Return ln of the norm, whose squares may leave float64."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(0.5 * np.logaddexp.reduce(2 * np.log(np.abs(gradient.astype(np.float64))), axis=None))


def _exponent(net: RNN, x: np.ndarray) -> float | None:
    if net.bidirectional or not np.isfinite(net.flat).all():
        return None
    T, B = x.shape[:2]
    row = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(T * B, 1, *x.shape[2:])[:STEPS]
    trace, rng = net.forward(row), streams(0).evaluation
    if not all(np.isfinite(states).all() for states in (trace.h, *trace.state)):
        return None
    loss = np.zeros((0, 1, net.features)), rng.standard_normal((net.layers, len(trace.state), 1, net.hidden_size))
    of_layers = logs_of(back(net, trace, parts_of(net, trace), loss, net.directions))
    if of_layers is None:
        return None
    log_norms = np.logaddexp.reduce([2 * of.joint[:, 0] for of in of_layers.values()]) / 2
    settled = len(row) - min(BURN_IN, len(row) // 2)
    alive = log_norms[settled] > -np.inf
    return float((log_norms[0] - log_norms[settled]) / settled) if alive else -np.inf
