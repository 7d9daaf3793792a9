"""What a network checks of its arguments, beside what every kernel checks."""

from typing import TYPE_CHECKING

import numpy as np

from rnnkit.kernels._checks import SYMBOLS

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run, State


def as_x(net: "RNN", x: np.ndarray) -> np.ndarray:
    """Return x, (T, B, input_size) of the network's dtype or (T, B) integers, in one piece; else raise ValueError."""
    wanted = f"(T, B, {net.input_size}) {net.dtype}, or (T, B) integers as symbols"
    if not isinstance(x, np.ndarray):
        raise ValueError(f"x must be a numpy array {wanted}, got {type(x).__name__}")
    symbols = np.issubdtype(x.dtype, np.integer)
    fits = x.ndim == 2 if symbols else x.dtype == net.dtype and x.ndim == 3 and x.shape[2] == net.input_size
    if not fits or 0 in x.shape:
        raise ValueError(f"x must be {wanted}, got {x.shape} {x.dtype}")
    if symbols and not (x.min() >= 0 and x.max() < net.input_size):
        raise ValueError(f"x must hold symbols in 0..{net.input_size - 1}, got {x.min()}..{x.max()}")
    return np.ascontiguousarray(x, SYMBOLS if symbols else net.dtype)


def check_lengths(lengths: np.ndarray | None, T: int, B: int) -> np.ndarray:
    """Return lengths as (B,) int64, or (0,) for None; ValueError unless they are integers from 1 to T."""
    if lengths is None:
        return np.empty(0, np.int64)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(f"lengths must be {B} integers, one for each row, got {lengths.shape} {lengths.dtype}")
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths must be from 1 to T = {T}, got {lengths.min()}..{lengths.max()}")
    return np.array(lengths, np.int64)  # a copy: the run keeps it


def check_state(net: "RNN", state: "State", B: int, name: str = "state") -> "State":
    """Return state; ValueError unless its arrays fit the network and the batch."""
    if not isinstance(state, tuple) or getattr(state, "_fields", ()) != ("h", "c"):
        raise ValueError(f"{name} must be a State (h, c), as `initial_state` returns it, got {type(state).__name__}")
    wanted = (len(net.ways), B, net.hidden_size)
    for part, array in state._asdict().items():
        if part == "c" and net.cell != "lstm":
            if array is not None:
                raise ValueError(f"{name}.c must be None for cell={net.cell}, got {_describe(array)}")
        elif not isinstance(array, np.ndarray) or array.shape != wanted or array.dtype != net.dtype:
            raise ValueError(f"{name}.{part} must be {wanted} {net.dtype}, got {_describe(array)}")
    return state


def check_dstate(net: "RNN", dstate: "State | None", B: int) -> None:
    """Raise ValueError unless dstate is None or fits the network's states."""
    if dstate is not None:
        check_state(net, dstate, B, "dstate")


def check_run(net: "RNN", run: "Run", dy: np.ndarray | None) -> None:
    """Raise ValueError unless run is of a net like this one, and dy is None or shaped as the outputs."""
    if run.settings != net.settings():
        raise ValueError(f"run must come from a network like {net!r}, got one of {run.settings}")
    if dy is not None and (not isinstance(dy, np.ndarray) or dy.shape != run.y.shape or dy.dtype != run.y.dtype):
        raise ValueError(f"dy must be shaped as run.y, {run.y.shape} {run.y.dtype}, got {_describe(dy)}")


def check_mask(run: "Run", mask: np.ndarray | None) -> None:
    """Raise ValueError unless mask is None or bool with an entry for each output."""
    wanted = run.y.shape[:-1]
    if mask is not None and (not isinstance(mask, np.ndarray) or mask.shape != wanted or mask.dtype != bool):
        raise ValueError(f"mask must be {wanted} bool, got {_describe(mask)}")


def _describe(given: object) -> str:
    return f"{given.shape} {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__


def check_truncation(net: "RNN", run: "Run", dstate: "State | None", truncation: tuple[int, int] | None) -> None:
    """Raise ValueError where truncation has no meaning."""
    if truncation is None:
        return
    if not isinstance(truncation, tuple | list) or len(truncation) != 2:
        raise ValueError(f"truncation must be (k1, k2), got {truncation!r}")
    if net.bidirectional:
        raise ValueError("truncation has no place beside bidirectional: the second direction begins at the last step")
    if dstate is not None and run.lengths.size and run.lengths.min() < len(run.x):
        raise ValueError("truncation has no place beside dstate and lengths: shorter rows end before the last window")
    if net.output == "last":
        raise ValueError("truncation has no place beside output='last': all windows but the last would have no loss")
