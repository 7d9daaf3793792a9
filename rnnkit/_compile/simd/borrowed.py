"""Arrays without their owners, for functions that go through many steps.

Compiled code counts a reference to an array that has an owner wherever a function takes it up: with those of a step's
rows and tables a step of 16 units took 1.2 times as long.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def borrowed(values: Any) -> Any:
    """Return an array, or a tuple of arrays and numbers, without owners: valid until `keep` of what owns them."""
    return values


def keep(values: Any) -> None:
    """Keep what owns borrowed arrays alive up to here."""


@overload(borrowed)
def _compiled_borrowed(values):
    return lambda values: _without_owner(values)


@overload(keep)
def _compiled_keep(values):
    return lambda values: _use(values)


@intrinsic
def _without_owner(_typing, values):
    def emit(context, builder, _signature, arguments):
        return without_owner(context, builder, arguments[0], values)

    return values(values), emit


@intrinsic
def _use(_typing, values):
    def emit(context, _builder, _signature, _arguments):
        return context.get_dummy_value()

    return types.void(values), emit


def without_owner(context: Any, builder: Any, value: Any, kind: types.Type) -> Any:
    """Return a value in compiled code, its arrays without their owners."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        items = zip(cgutils.unpack_tuple(builder, value), kind, strict=True)
        return context.make_tuple(builder, kind, [without_owner(context, builder, *item) for item in items])
    return value
