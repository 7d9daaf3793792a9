"""What the Python border of every kernel checks: shape, dtype, memory layout, integer codes.

One alphabet names every axis, so one table serves all kernels: T steps, B batch, I inputs, H hidden, S = T + 1 states,
N checkpoints.
"""

from functools import lru_cache

import numpy as np

from rnnkit.kernels.activations import ACTIVATIONS

SHAPES = {
    "x": "TBI", "h": "SBH", "dh": "TBH", "dx": "TBI", "log_norms": "SB",
    "x_t": "BI", "h_prev": "BH", "h_t": "BH", "h_0": "BH", "dh_t": "BH", "dh_T": "BH", "z": "BH",
    "dx_t": "BI", "dh_prev": "BH", "dh_0": "BH",
    "checkpoints": "NBH", "W_xh": "IH", "W_hh": "HH", "b_h": "H", "dW_xh": "IH", "dW_hh": "HH", "db_h": "H",
}  # fmt: skip
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


SYMBOLS = np.dtype(np.int64)  # x (T, B) of numbers 0..I-1 stands for one-hot rows (T, B, I)


def check_arrays(**arrays: np.ndarray) -> None:
    """Raise ValueError naming the first argument whose type, dtype, layout or shape breaks the contract."""
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} must be a numpy array, got {type(array).__name__}")
    _check_layouts(tuple([(name, a.dtype, a.shape, a.flags.c_contiguous) for name, a in arrays.items()]))
    if "x" in arrays and arrays["x"].dtype == SYMBOLS:
        _check_symbols(arrays["x"], len(arrays["W_xh"]))


@lru_cache(maxsize=1024)  # 6 us for the five arrays of a forward pass, 2 when they were seen before
def _check_layouts(layouts: tuple[tuple[str, np.dtype, tuple[int, ...], bool], ...]) -> None:
    sizes: dict[str, int] = {}
    dtype = None
    for layout in layouts:
        name, own, _, _ = layout
        if name == "x" and own == SYMBOLS:
            _check_shape(layout, "TB", sizes)
            sizes["D"] = 0  # symbols have no gradient: their dx is (T, B, 0)
            continue
        if own not in FLOATS:
            symbols = ", or int64 symbols (T, B)" if name == "x" else ""
            raise ValueError(f"{name} must be float32 or float64{symbols}, got {own}")
        dtype = dtype or own
        if own != dtype:
            raise ValueError(f"{name} must be {dtype} like the arguments before it, got {own}")
        _check_shape(layout, _letters(layout, sizes), sizes)


def _letters(layout: tuple, sizes: dict[str, int]) -> str:
    name, _, shape, _ = layout
    if name == "dh" and len(shape) == 2:  # the gradient at the last step alone
        return "BH"
    return "TBD" if name == "dx" and "D" in sizes else SHAPES[name]


def _check_shape(layout: tuple, letters: str, sizes: dict[str, int]) -> None:
    name, _, shape, contiguous = layout
    if not contiguous:
        raise ValueError(f"{name} must be C-contiguous, got a view of shape {shape} that is not")
    if len(shape) != len(letters) or 0 in shape[: len(letters.rstrip("D"))]:
        raise ValueError(f"{name} must have shape ({', '.join(letters)}) with no empty axis, got {shape}")
    for letter, size in zip(letters, shape, strict=True):
        if letter == "S":
            letter, size = "T", size - 1
        if (size == 0 and letter != "D") or sizes.setdefault(letter, size) != size:
            known = f"{letter} = {sizes.get(letter, 'at least 1')}"
            if "S" in letters:
                known += " (S = T + 1)"
            raise ValueError(f"{name} must have shape ({', '.join(letters)}) with {known}, got {shape}")


def _check_symbols(x: np.ndarray, I: int) -> None:  # noqa: E741
    low, high = x.min(), x.max()
    if low < 0 or high >= I:
        raise ValueError(f"x must hold symbols in 0..{I - 1} for a W_xh of {I} rows, got {low if low < 0 else high}")


def is_code(value: object, codes: dict[str, int]) -> bool:
    """Return whether `value` is one of the integer codes; True and 1.0 are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value in codes.values()


def check_outputs(**arrays: np.ndarray) -> None:
    """Raise ValueError naming the first output or workspace that cannot be written."""
    for name, array in arrays.items():
        if not array.flags.writeable:
            raise ValueError(f"{name} must be writeable, got a read-only array")


def check_activation(activation: int) -> None:
    """Raise ValueError unless `activation` is one of the four integer codes."""
    if not is_code(activation, ACTIVATIONS):
        codes = ", ".join(f"{name.upper()}={code}" for name, code in ACTIVATIONS.items())
        raise ValueError(f"activation must be one of {codes}, got {activation!r}")
