"""Weights exchanged with torch.nn.RNN, LSTM and GRU of the same shape; torch itself is not imported.

    l0.W_xh (I, G)            weight_ih_l0 (G, I), transposed; so are l0.W_hh and weight_hh_l0
    l0.b_h                    bias_ih_l0 + bias_hh_l0; where they do not meet, as in a GRU's candidate, both
    l0.reverse.W_xh, ...      weight_ih_l0_reverse, ...

The gates stand in torch's order. Which cells torch has says each cell's `torch`: of Elman cells those of tanh and relu.
They have no readout: it is left alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnkit._arguments import check_real, mapping, to_dtype
from rnnkit.cells import CELLS
from rnnkit.networks.checks import check_net
from rnnkit.networks.parameters import Direction
from rnnkit.networks.rnn import RNN

KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def to_torch(net: RNN) -> dict[str, np.ndarray]:
    """Return copies of net's recurrent weights by torch's names, biases in bias_ih; bias_hh is 0 but for a GRU's b_hn.

    module.load_state_dict({k: torch.from_numpy(v) for k, v in to_torch(net).items()})

    Raises ValueError for a cell that torch does not have.
    """
    _check_cell(net)
    found, weights = {}, net.weights
    for direction in net.directions:
        W_xh, W_hh, b_h = (weights[f"{direction.name}.{kind}"] for kind in ("W_xh", "W_hh", "b_h"))
        first, second = np.zeros((2, W_hh.shape[1] // net.hidden_size, net.hidden_size), net.dtype)
        for b, (i, j) in zip(b_h.reshape(-1, net.hidden_size), _places(net), strict=True):
            (second if i is None else first)[j if i is None else i] = b
        found |= zip(_names(direction), (W_xh.T.copy(), W_hh.T.copy(), first.ravel(), second.ravel()), strict=True)
    return found


def _places(net: RNN) -> list[tuple[int | None, int | None]]:
    """Return for each block with a bias its places among those that x and h enter, which are torch's rows."""
    entered = net.cell.entered()
    of_x, of_h = ({block: i for i, block in enumerate(entered[name])} for name in ("x", net.cell.states[0]))
    return [(of_x.get(block), of_h.get(block)) for block in entered["b"]]


def from_torch(net: RNN, state_dict: Mapping[str, Any]) -> None:
    """Fill net's recurrent layers from a state dict of tensors or arrays, converted to net's dtype.

    The two biases are added where they meet. The readout is left alone. Raises ValueError for a cell that torch does
    not have, or naming an entry that is missing, unknown or of a wrong shape, before anything is changed.
    """
    _check_cell(net)
    if net.parametrization is not None:
        raise ValueError(f"net must have no parametrization to take weights as they are, got {net!r}")
    mapping("state_dict", state_dict)
    wanted = {name: array.shape for name, array in to_torch(net).items()}
    for name in sorted(wanted.keys() ^ state_dict.keys()):
        got = f"{'no' if name in wanted else 'an unknown'} {name}"
        raise ValueError(f"state_dict must have the entries of the network, got {got}")
    given = {name: _as_array(name, value) for name, value in state_dict.items()}
    for name, shape in wanted.items():
        if given[name].shape != shape:
            raise ValueError(f"state_dict's {name} must have shape {shape}, got {given[name].shape}")
        given[name] = to_dtype(f"state_dict's {name}", given[name], net.dtype)
    for direction in net.directions:
        W_xh, W_hh, b_h = _arrays(net, direction)
        W_ih_T, W_hh_T, b_ih, b_hh = (given[name] for name in _names(direction))
        W_xh[:], W_hh[:] = W_ih_T.T, W_hh_T.T
        b_ih, b_hh, b_h = (b.reshape(-1, net.hidden_size) for b in (b_ih, b_hh, b_h))
        for b, (i, j) in zip(b_h, _places(net), strict=True):
            b[:] = sum(of[k] for of, k in ((b_ih, i), (b_hh, j)) if k is not None)


def _names(direction: Direction) -> list[str]:
    return [f"{kind}_l{direction.layer}{'_reverse' if direction.reverse else ''}" for kind in KINDS]


def _arrays(net: RNN, direction: Direction) -> list[np.ndarray]:
    return [net.parameters[f"{direction.name}.{kind}"] for kind in ("W_xh", "W_hh", "b_h")]


def _as_array(name: str, value: Any) -> np.ndarray:
    """Return a tensor, from wherever it lives, or whatever NumPy takes, as an array."""
    if hasattr(value, "detach"):
        return value.detach().cpu().double().numpy()
    check_real(f"state_dict's {name}", value)
    return np.asarray(value)


def _check_cell(net: RNN) -> None:
    check_net(net)
    cls = type(net.cell)  # a user's subclass may have other equations: it says for itself that it is one of torch's
    if net.cell.torch is None or not (cls in CELLS.values() or "torch" in vars(cls)):
        known = ", ".join(name for name, cls in CELLS.items() if cls.torch is not None)
        raise ValueError(f"cell must be one of {known} to be one of torch's, got {net.cell.shown}")
