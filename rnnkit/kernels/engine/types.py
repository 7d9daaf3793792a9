"""The types of what tasks take; see `layer.py` for what it is."""

from numba import types

FORMS = [(float_, x) for float_ in (types.float32, types.float64) for x in (float_[:, :, ::1], types.int64[:, ::1])]
WORDS = types.int64[::1]


def forward_types(float_: types.Float, x: types.Array) -> tuple:
    """Return the types of the arguments of `forward_rows`."""
    row, rows, four = float_[::1], float_[:, ::1], float_[:, :, :, ::1]
    states = types.Tuple([float_[:, :, ::1], four, four])
    layout = types.Tuple([types.intp, types.intp, WORDS])
    return types.intp, types.intp, x, types.Tuple([rows, rows, row, WORDS]), types.intp, states, layout, WORDS


def backward_types(float_: types.Float, x: types.Array) -> tuple:
    """Return the types of the arguments of `backward_rows`."""
    rows, cube, (*_, states, layout, _) = float_[:, ::1], float_[:, :, ::1], forward_types(float_, x)
    weights, parts = types.Tuple([rows, float_[::1], WORDS]), types.Tuple([rows, cube, rows])
    back = weights, types.intp, states, layout, cube, cube, parts, float_[:, :, :, ::1], WORDS
    return types.intp, types.intp, cube, x, *back
