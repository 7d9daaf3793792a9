"""What a network checks of its arguments, beside what every kernel checks."""

from typing import TYPE_CHECKING

import numpy as np

from rnnkit.kernels._checks import SYMBOLS

if TYPE_CHECKING:
    from rnnkit.networks import RNN
    from rnnkit.passes import Run, State


def check_x(net: "RNN", x: np.ndarray) -> None:
    """Raise ValueError unless x is (T, B, input_size) of the network's dtype, or (T, B) int64 symbols."""
    wanted = f"(T, B, {net.input_size}) {net.dtype}, or (T, B) int64 symbols"
    if not isinstance(x, np.ndarray):
        raise ValueError(f"x must be a numpy array {wanted}, got {type(x).__name__}")
    symbols = x.dtype == SYMBOLS
    fits = x.ndim == 2 if symbols else x.dtype == net.dtype and x.ndim == 3 and x.shape[2] == net.input_size
    if not fits or 0 in x.shape:
        raise ValueError(f"x must be {wanted}, got {x.shape} {x.dtype}")
    if not x.flags.c_contiguous:
        raise ValueError(f"x must be C-contiguous, got a view of shape {x.shape} that is not")
    if symbols and not (x.min() >= 0 and x.max() < net.input_size):
        raise ValueError(f"x must hold symbols in 0..{net.input_size - 1}, got {x.min()}..{x.max()}")


def check_lengths(lengths: np.ndarray | None, T: int, B: int) -> np.ndarray:
    """Return lengths as (B,) int64, or (0,) for None; ValueError unless they are integers from 1 to T."""
    if lengths is None:
        return np.empty(0, np.int64)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(f"lengths must be {B} integers, one for each row, got {lengths.shape} {lengths.dtype}")
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths must be from 1 to T = {T}, got {lengths.min()}..{lengths.max()}")
    return np.ascontiguousarray(lengths, np.int64)


def check_state(net: "RNN", state: "State", B: int, name: str = "state") -> "State":
    """Return state; ValueError unless its arrays fit the network and the batch."""
    for part, array in zip(("h", "c"), state, strict=True):
        wanted = (len(net.ways), B, net.hidden_size)
        if array is None and (part == "h" or net.cell != "lstm"):
            if part == "c":
                continue
            raise ValueError(f"{name}.h must have shape {wanted}, got None")
        if array is None or (part == "c" and net.cell != "lstm"):
            raise ValueError(f"{name}.c must be {'an array' if array is None else 'None'} for cell={net.cell}")
        if array.shape != wanted or array.dtype != net.dtype:
            raise ValueError(f"{name}.{part} must be {wanted} {net.dtype}, got {array.shape} {array.dtype}")
    return state


def check_dstate(net: "RNN", dstate: "State | None", B: int) -> None:
    """Raise ValueError unless dstate is None or fits the network's states."""
    if dstate is not None:
        check_state(net, dstate, B, "dstate")


def check_dy(run: "Run", dy: np.ndarray | None) -> None:
    """Raise ValueError unless dy is None or shaped as the outputs."""
    if dy is not None and (not isinstance(dy, np.ndarray) or dy.shape != run.y.shape or dy.dtype != run.y.dtype):
        got = f"{dy.shape} {dy.dtype}" if isinstance(dy, np.ndarray) else type(dy).__name__
        raise ValueError(f"dy must be shaped as run.y, {run.y.shape} {run.y.dtype}, got {got}")


def check_truncation(net: "RNN", truncation: tuple[int, int] | None) -> None:
    """Raise ValueError where truncation has no meaning."""
    if truncation is None:
        return
    if not isinstance(truncation, tuple | list) or len(truncation) != 2:
        raise ValueError(f"truncation must be (k1, k2), got {truncation!r}")
    if net.bidirectional:
        raise ValueError("truncation has no place beside bidirectional: the second direction begins at the last step")
    if net.output == "last":
        raise ValueError("truncation has no place beside output='last': all windows but the last would have no loss")
