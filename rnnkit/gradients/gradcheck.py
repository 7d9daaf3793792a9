"""Proofs of gradients in one call: of a network, a cell, a parametrization, any loss, against finite differences."""

from typing import Any

import numpy as np

from rnnkit._arguments import integer
from rnnkit.gradients.cellcheck import check_cell
from rnnkit.gradients.differences import numerical_gradient, relative_error
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_net
from rnnkit.networks.rnn import RNN
from rnnkit.parametrizations import as_parametrization
from rnnkit.parametrizations.compiled import OF_PULLBACK, OF_WEIGHTS, run_compiled
from rnnkit.rng import streams

__all__ = ["check_cell", "check_network", "check_parametrization", "numerical_gradient", "relative_error"]


def check_network(net: RNN, x: np.ndarray, target: np.ndarray, **options: Any) -> dict[str, float]:
    """Return the relative error of every gradient of `net.loss_and_gradients` against finite differences, by name.

    The names are those of net.parameters, `dx` where x are numbers, and `state.h` and so on of the first states.
    options: of `loss_and_gradients`. The loss is computed 4 times for every number: meant for small nets.
    Raises ValueError unless net is float64, and for truncation: that gradient is not the loss's.
    """
    check_net(net)
    if net.dtype != np.float64:
        raise ValueError(f"net must be float64, got {net.dtype}")
    if options.get("truncation") is not None:
        raise ValueError(f"truncation must be None, got {options['truncation']}: its gradient is not the loss's")
    found = net.loss_and_gradients(x, target, **options).gradients
    x, first = x.copy(), options.get("state") or net.initial_state(x.shape[1])
    state = State(**{name: part.copy() for name, part in first.asdict().items()})
    loss_options = {name: options[name] for name in ("loss", "mask") if name in options}

    def loss() -> float:
        return net.loss(net.forward(x, state, options.get("lengths")), target, **loss_options).value

    pairs = {name: (found.parameters[name], array) for name, array in net.parameters.items()}
    if x.ndim == 3:
        pairs["dx"] = found.dx, x
    pairs |= {f"state.{k}": (getattr(found.state, k), a) for k, a in state.asdict().items()}
    return {name: relative_error(gradient, numerical_gradient(loss, a)) for name, (gradient, a) in pairs.items()}


def check_parametrization(parametrization: Any, H: int = 5) -> dict[str, float]:
    """Return the relative error of a parametrization's pullback, and of both its functions compiled, by name.

    parametrization: a name, a .py file, a class or an instance (`rnnkit.parametrizations`), which raises ValueError for
    what is none. At drawn free weights of two blocks of H units; below 1e-8 where all is right.
    """
    one, rng = as_parametrization(parametrization), streams(0).evaluation
    if one is None:
        raise ValueError("parametrization must be one, got None")
    H = integer("H", H, 1)
    V, dW = rng.standard_normal((2, H, 2 * H))
    W, dV = one.of(V), one.back(V, dW)
    numeric = numerical_gradient(lambda: float((one.of(V) * dW).sum()), V)
    compiled = [run_compiled(one, part, V, dW) for part in (OF_WEIGHTS, OF_PULLBACK)]
    return {
        "pullback": relative_error(dV, numeric),
        "weights, compiled": relative_error(compiled[0], W),
        "pullback, compiled": relative_error(compiled[1], dV),
    }
