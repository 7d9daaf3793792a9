"""What a network checks of its arguments, beside what every kernel checks."""

import numpy as np

from rnnkit._arguments import check_array, check_unmasked, is_integers, shown
from rnnkit.kernels._checks import as_symbols, check_axes
from rnnkit.networks.by_state import ByState, State
from rnnkit.networks.network import Network
from rnnkit.networks.trace import Tape, Trace


def check_net(net: Network) -> None:
    """Raise ValueError for what is no RNN: an EncoderDecoder holds two."""
    if not isinstance(net, Network):
        raise ValueError(f"net must be an RNN, got {type(net).__name__}")


def as_x(net: Network, x: np.ndarray) -> np.ndarray:
    """Return a copy of x, (T, B, input_size) of the network's dtype or (T, B) symbols as int64; else raise ValueError.

    A copy, since the trace keeps it; and symbols are checked there: another thread may write into the caller's array.
    """
    if type(x) is not np.ndarray:
        check_array("x", x, _wanted_x(net))
    symbols = is_integers(x)
    fits = x.ndim == 2 if symbols else x.dtype == net.dtype and x.ndim == 3 and x.shape[2] == net.input_size
    if not fits:
        raise ValueError(f"x must be {_wanted_x(net)}, got {shown(x)}")
    check_axes("x", "TBI"[: x.ndim], x.shape)
    x = np.array(x, order="C", subok=False)
    if symbols:
        check_symbols("x", x, net.input_size)
    return as_symbols(x)


def _wanted_x(net: Network) -> str:
    """Return what a message says of x; to write it takes longer than all the checks."""
    return f"(T, B, {net.input_size}) {net.dtype}, or (T, B) integers as symbols"


def check_symbols(name: str, x: np.ndarray, n: int) -> None:
    """Raise ValueError unless an array of integers, not empty, holds symbols 0..n-1."""
    low, high = x.min(), x.max()
    if low < 0 or high >= n:
        raise ValueError(f"{name} must hold symbols in 0..{n - 1}, got {low}..{high}")


def as_lengths(lengths: np.ndarray | None, T: int, B: int, name: str = "lengths") -> np.ndarray:
    """Return a copy of lengths as (B,) int64, or (0,) for None; ValueError unless they are integers from 0 to T."""
    if lengths is None:
        return np.empty(0, np.int64)
    check_unmasked(name, lengths)
    try:
        lengths = np.array(lengths)
    except ValueError:  # lists of different lengths
        lengths = np.empty(0, object)
    if lengths.shape != (B,) or not is_integers(lengths):
        raise ValueError(f"{name} must be {B} integers, one for each row, got {shown(lengths)}")
    if lengths.min() < 0 or lengths.max() > T:
        raise ValueError(f"{name} must be from 0 to T = {T}, got {lengths.min()}..{lengths.max()}")
    return lengths.astype(np.int64, copy=False)


def check_state(net: Network, state: State, B: int, name: str = "state") -> State:
    """Return state; ValueError unless its arrays fit the network and the batch."""
    names = net.cell.states
    if not isinstance(state, ByState) or state.names != names:
        got = f"{type(state).__name__} of {', '.join(state.names)}" if isinstance(state, ByState) else shown(state)
        wanted = ", ".join(names)
        raise ValueError(f"{name} must be a State of {wanted}, as `initial_state` returns it, got {got}")
    wanted = (len(net.directions), B, net.hidden_size)
    for part, array in state.asdict().items():
        if not isinstance(array, np.ndarray) or array.shape != wanted or array.dtype != net.dtype:
            raise ValueError(f"{name}.{part} must be {wanted} {net.dtype}, got {_describe(array)}")
        check_unmasked(f"{name}.{part}", array)
    return state


def check_dstate(net: Network, dstate: State | None, B: int) -> None:
    """Raise ValueError unless dstate is None or fits the network's states."""
    if dstate is not None:
        check_state(net, dstate, B, "dstate")


def check_trace(net: Network, trace: Trace, whole: bool = True) -> None:
    """Raise ValueError unless trace is what this network's forward gave, and no weight has changed since.

    whole: it must hold all states.
    """
    check_net(net)
    if not isinstance(trace, tuple) or "tape" not in getattr(trace, "_fields", ()):
        raise ValueError(f"trace must be what `forward` returns, got {type(trace).__name__}")
    if trace.tape.arguments is not net._arguments and trace.tape.arguments != net._arguments:
        raise ValueError(f"trace must come from a network like {net!r}, got one of {dict(trace.tape.arguments)}")
    if trace.tape.weights != net.flat.data:
        raise ValueError("trace must be of the net's present weights, got one of earlier weights: run forward again")
    if whole and trace.tape.checkpoints:
        raise ValueError("trace must hold all states, got one of forward(..., checkpointing=True)")


def check_checkpointing(net: Network) -> None:
    """Raise ValueError for a network whose states cannot be made again segment by segment."""
    if net.bidirectional:
        raise ValueError(
            "checkpointing=True cannot be combined with bidirectional=True: the second direction begins at the end"
        )


def output_shape(net: Network, tape: Tape) -> tuple[int, ...]:
    """Return the shape of y: (T, B, O), or (B, O) where output is `last`."""
    steps = tape.x.shape[:2] if net.output == "every" else tape.x.shape[1:2]
    return (*steps, net.features if net.output_size is None else net.output_size)


def check_dy(net: Network, tape: Tape, dy: np.ndarray | None, optional: bool = True) -> None:
    """Raise ValueError unless dy is shaped as the outputs, by the trace's own sizes, or None where it is optional."""
    wanted = output_shape(net, tape)
    if not (dy is None and optional) and (
        not isinstance(dy, np.ndarray) or dy.shape != wanted or dy.dtype != net.dtype
    ):
        raise ValueError(f"dy must be shaped as trace.y, {wanted} {net.dtype}, got {_describe(dy)}")
    check_unmasked("dy", dy)


def check_mask(trace: Trace, mask: np.ndarray | None) -> None:
    """Raise ValueError unless mask is None or bool with an entry for each output."""
    wanted = trace.y.shape[:-1]
    check_unmasked("mask", mask)
    if mask is not None and (not isinstance(mask, np.ndarray) or mask.shape != wanted or mask.dtype != bool):
        raise ValueError(f"mask must be {wanted} bool, got {_describe(mask)}")


def _describe(given: object) -> str:
    return f"{given.shape} {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__


def check_truncation(net: Network, tape: Tape, dstate: State | None, truncation: tuple[int, int] | None) -> None:
    """Raise ValueError where truncation has no meaning."""
    if truncation is None:
        return
    if not isinstance(truncation, tuple | list) or len(truncation) != 2:
        raise ValueError(f"truncation must be (k1, k2), got {truncation!r}")
    given = f"truncation={tuple(truncation)}"
    if tape.checkpoints:
        raise ValueError(f"{given} cannot be combined with checkpointing=True: its windows overlap segments")
    if net.bidirectional:
        raise ValueError(
            f"{given} cannot be combined with bidirectional=True: the second direction begins at the last step"
        )
    if dstate is not None and tape.lengths.size and tape.lengths.min() < len(tape.x):
        raise ValueError(
            f"{given} cannot be combined with dstate and lengths={tape.lengths.min()}..{tape.lengths.max()}: "
            "shorter rows end before the last window"
        )
    if net.output == "last":
        raise ValueError(f"{given} cannot be combined with output='last': all windows but the last would have no loss")
