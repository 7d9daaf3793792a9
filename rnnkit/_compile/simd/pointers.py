"""Addresses in compiled code: what stands in a table of them, and calls through one."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rnnkit._compile.pointer_slots import slot_name
from rnnkit._compile.simd.vectors import INT

WORDS = 3  # of a row of a table: address, bytes to the next step, numbers to the next row of the batch
WORD_POINTER = types.CPointer(types.int64)


@intrinsic
def pointer_at(_typing, table, position, step, like):
    """Return the pointer in row `position` of a table, of the type of `like`, for a step."""

    def emit(_context, builder, _signature, arguments):
        table, position, step, like = arguments
        row = builder.gep(table, [builder.mul(position, INT(WORDS))])
        address, per_step = (builder.load(builder.gep(row, [INT(k)])) for k in range(2))
        return builder.inttoptr(builder.add(address, builder.mul(step, per_step)), like.type)

    return like(table, types.intp, types.intp, like), emit


@intrinsic
def words_at(_typing, address):
    """Return a pointer to the words of 64 bits at an address."""

    def emit(_context, builder, _signature, arguments):
        return builder.inttoptr(arguments[0], INT.as_pointer())

    return WORD_POINTER(types.intp), emit


@intrinsic
def numbers_at(_typing, address, like):
    """Return a pointer to numbers at an address, of the dtype of the array `like`."""

    def emit(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(types.int64, like), emit


@intrinsic
def call_loop(_typing, address, table, constants, step, rows, size):
    """Call the `call` of a cell's loop: an address, the table (., 3) of int64, the address of the constants."""

    def emit(context, builder, signature, arguments):
        address, table, *rest = arguments
        start = context.make_array(signature.args[1])(context, builder, table).data
        function = ir.FunctionType(ir.VoidType(), [INT] * 5).as_pointer()
        builder.call(builder.inttoptr(address, function), [builder.ptrtoint(start, INT), *rest])
        return context.get_dummy_value()

    return types.void(types.intp, table, types.intp, types.intp, types.intp, types.intp), emit


@intrinsic
def call_map(_typing, address, V, dW, out, fixed, constants, H, blocks):
    """Call a parametrization's function: an address, three flat arrays, two addresses, sizes."""

    def emit(context, builder, signature, arguments):
        address, *arrays = arguments[:4]
        kinds = signature.args[1:4]
        starts = [context.make_array(kind)(context, builder, a).data for kind, a in zip(kinds, arrays, strict=True)]
        function = ir.FunctionType(ir.VoidType(), [INT] * 7).as_pointer()
        values = [*(builder.ptrtoint(start, INT) for start in starts), *arguments[4:]]
        builder.call(builder.inttoptr(address, function), values)
        return context.get_dummy_value()

    return types.void(types.intp, V, dW, out, *[types.intp] * 4), emit


def address_of(symbol: str) -> Any:
    """Return a function, for compiled code, of no argument: the address that bears this name."""
    name = slot_name(symbol)

    @intrinsic
    def load(_typing):
        def emit(_context, builder, _signature, _arguments):
            slot = builder.module.globals.get(name) or ir.GlobalVariable(builder.module, INT, name)
            return builder.ptrtoint(slot, INT)

        return types.intp(), emit

    return load
