"""What the Python border of every kernel checks: shape, dtype, memory layout, integer codes.

One alphabet names every axis, so one table serves all kernels: T steps, B batch, I inputs, H hidden, S = T + 1 states,
N checkpoints, O outputs, G columns of the weights (H, 4 H of an LSTM, 3 H of a GRU), F = 4 H.
"""

from functools import lru_cache

import numpy as np

from rnnkit._arguments import check_array, is_integer, is_integers
from rnnkit.kernels.activations import ACTIVATIONS

SHAPES = {
    "x": "TBI", "h": "SBH", "dh": "TBH", "dx": "TBI", "log_norms": "SB",
    "x_t": "BI", "h_prev": "BH", "h_t": "BH", "h_0": "BH", "dh_t": "BH", "dh_T": "BH", "z": "BH",
    "dx_t": "BI", "dh_prev": "BH", "dh_0": "BH",
    "checkpoints": "NBH", "W_xh": "IG", "W_hh": "HG", "b_h": "G", "dW_xh": "IG", "dW_hh": "HG", "db_h": "G",
    "c": "SBH", "c_0": "BH", "dc_0": "BH", "dc_T": "BH", "c_prev": "BH", "c_t": "BH", "dc_t": "BH",
    "gates": "T4BH", "gates_t": "4BH", "features": "TBH", "W_hy": "HO", "b_y": "O", "dy": "TBO",
}  # fmt: skip
GATED_BIAS = {"b_h": "F", "db_h": "F"}
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
AXES = {
    "T": "step", "B": "row", "I": "input", "H": "unit", "O": "output", "N": "checkpoint", "S": "state",
    "G": "column", "F": "column",
}  # fmt: skip

SYMBOLS = np.dtype(np.int64)  # x (T, B) of numbers 0..I-1 stands for one-hot rows (T, B, I)


def as_symbols(x: np.ndarray) -> np.ndarray:
    """Return checked integers of any size as int64, which is what compiled code takes; all else as it is."""
    return x.astype(SYMBOLS, copy=False) if is_integers(x) else x


def check_arrays(n_gates: int = 1, **arrays: np.ndarray) -> None:
    """Raise ValueError naming the first argument whose type, dtype, layout or shape breaks the contract.

    n_gates: how many columns the weights have for each unit. Symbols may be integers of any size: `as_symbols` makes
    int64 of them once they are checked.
    """
    layouts: list = []  # in one row: made and hashed in less time than a tuple for each array
    for name, a in arrays.items():
        if type(a) is not np.ndarray:
            check_array(name, a)
        layouts += name, a.dtype, a.shape, a.flags.c_contiguous
    for name in _check_layouts(n_gates, *layouts):
        _check_symbols(name, arrays[name], len(arrays["W_xh"]))


def _inputs(n_gates: int) -> tuple[str, ...]:
    """Return the arguments that may be symbols: an Elman cell's one step takes numbers."""
    return ("x", "x_t") if n_gates > 1 else ("x",)


@lru_cache(maxsize=1024)  # 6 us for the five arrays of a forward pass, 1.2 when they were seen before
def _check_layouts(n_gates: int, *layouts: str | np.dtype | tuple[int, ...] | bool) -> list[str]:
    """Return the names of those that hold symbols. layouts: name, dtype, shape, whether contiguous, of each array."""
    sizes: dict[str, int] = {}
    dtype, symbols_of = None, []
    for layout in zip(*[iter(layouts)] * 4, strict=True):
        name, own, _, _ = layout
        if name in _inputs(n_gates) and own.kind in "iu":
            _check_shape(layout, SHAPES[name][:-1], sizes, n_gates)
            sizes["D"] = 0  # symbols have no gradient: their dx is (T, B, 0)
            symbols_of.append(name)
            continue
        if own not in FLOATS:
            symbols = f", or integers as symbols ({', '.join(SHAPES[name][:-1])})" if name in _inputs(n_gates) else ""
            raise ValueError(f"{name} must be float32 or float64{symbols}, got {own}")
        dtype = dtype or own
        if own != dtype:
            raise ValueError(f"{name} must be {dtype} like the arguments before it, got {own}")
        _check_shape(layout, _letters(layout, sizes, n_gates), sizes, n_gates)
    return symbols_of


def _letters(layout: tuple, sizes: dict[str, int], n_gates: int) -> str:
    name, _, shape, _ = layout
    if name == "dh" and len(shape) == 2:  # the gradient at the last step alone
        return "BH"
    letters = GATED_BIAS.get(name, SHAPES[name]) if n_gates > 1 else SHAPES[name]
    return letters.replace("I", "D") if name in ("dx", "dx_t") and "D" in sizes else letters


def _check_shape(layout: tuple, letters: str, sizes: dict[str, int], n_gates: int) -> None:
    name, _, shape, contiguous = layout
    if not contiguous:
        raise ValueError(f"{name} must be C-contiguous, got a view of shape {shape} that is not")
    times = {"F": 4, "G": n_gates}
    expected = ", ".join(f"{times[a]} H" if times.get(a, 1) > 1 else "H" if a in times else a for a in letters)
    if len(shape) != len(letters):
        raise ValueError(f"{name} must have shape ({expected}), got {shape}")
    check_axes(name, letters, shape)
    for letter, size in zip(letters, shape, strict=True):
        axis, known = letter, size
        if letter == "S":
            axis, known = "T", size - 1
        elif letter in times:
            axis, known = "H", size / times[letter]
        elif letter == "4":
            sizes["4"] = 4
        if known % 1 or sizes.setdefault(axis, known) != known:
            wanted = f"{axis} = {sizes.get(axis, 'at least 1')}" if axis != "4" else "4 gates"
            raise ValueError(
                f"{name} must have shape ({expected}) with {wanted}{' (S = T + 1)' * ('S' in letters)}, got {shape}"
            )


def check_axes(name: str, letters: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError naming the first axis that is empty; states S = T + 1 need a step too."""
    for letter, size in zip(letters, shape, strict=True):
        if size == 0 and letter in AXES:
            raise ValueError(f"{name} must have at least one {AXES[letter]}, got {letter} = 0: shape {shape}")
        if size == 1 and letter == "S":
            raise ValueError(f"{name} must have at least one step beside its first state, got T = 0: shape {shape}")


def _check_symbols(name: str, x: np.ndarray, I: int) -> None:  # noqa: E741
    low, high = x.min(), x.max()
    if low < 0 or high >= I:
        raise ValueError(
            f"{name} must hold symbols in 0..{I - 1} for a W_xh of {I} rows, got {low if low < 0 else high}"
        )


def is_code(value: object, codes: dict[str, int]) -> bool:
    """Return whether `value` is one of the integer codes; True and 1.0 are not."""
    return is_integer(value) and value in codes.values()


def check_outputs(outputs: dict[str, np.ndarray], inputs: dict[str, np.ndarray]) -> None:
    """Raise ValueError naming the first output or workspace that is read-only, or is the memory of another argument."""
    for name, array in outputs.items():
        if not array.flags.writeable:
            raise ValueError(f"{name} must be writeable, got a read-only array")
    check_no_overlap(outputs, inputs)


def check_no_overlap(written: dict[str, np.ndarray], read: dict[str, np.ndarray]) -> None:
    """Raise ValueError where an array that is written shares memory with another one; all are C-contiguous."""
    arrays = list((written | read).items())
    if len({id(a) for _, a in arrays if a.base is None}) == len(arrays):
        return  # each owns its memory: 1 us for 12 arrays, where asking of each two took 40
    for i, (name, array) in enumerate(arrays[: len(written)]):
        for other, beside in arrays[i + 1 :]:
            if np.may_share_memory(array, beside):  # bounds: of contiguous arrays that is the memory itself
                raise ValueError(f"{name} must not share memory with {other}: it would be changed while it is read")


def check_activation(activation: int) -> None:
    """Raise ValueError unless `activation` is one of the four integer codes."""
    if not is_code(activation, ACTIVATIONS):
        codes = ", ".join(f"{name.upper()}={code}" for name, code in ACTIVATIONS.items())
        raise ValueError(f"activation must be one of {codes}, got {activation!r}")
