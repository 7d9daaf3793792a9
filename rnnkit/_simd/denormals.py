"""Numbers below the smallest normal one, and a mode of the CPU that takes them for 0."""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from rnnkit._simd.vectors import INT, LANE

FLUSH = 0x8040  # of MXCSR: results to 0, operands to 0


def flush_denormals():
    """Let this thread take numbers below the smallest normal one (1.2e-38 in float32) for 0; return how it was before.

    A vanishing gradient passes through them, and a sum over such numbers takes an Intel core 150 times as long: 1,000
    steps of H = 128 took 117 ms, 9 without. Of x86 alone; others are fast anyway.
    """
    return 0


def restore_denormals(before):
    """Undo `flush_denormals`."""


@overload(flush_denormals)
def _compiled_flush_denormals():
    return lambda: _exchange_mode(FLUSH, -1)


@overload(restore_denormals)
def _compiled_restore_denormals(before):
    def call(before):
        _exchange_mode(0, before)

    return call


@intrinsic
def _exchange_mode(_typing, also, instead):
    """Set MXCSR to `instead`, or where that is below 0 to what it was and `also`; return what it was."""

    def emit(context, builder, _signature, arguments):
        if not llvm.get_process_triple().startswith("x86_64"):
            return INT(0)
        add = builder.icmp_signed("<", arguments[1], INT(0))
        also, instead = (builder.trunc(a, LANE) for a in arguments)
        place = cgutils.alloca_once(builder, LANE)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        read, write = (
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
            for name in ("stmxcsr", "ldmxcsr")
        )
        bytes_ = builder.bitcast(place, kind.args[0])
        builder.call(read, [bytes_])
        before = builder.load(place)
        builder.store(builder.select(add, builder.or_(before, also), instead), place)
        builder.call(write, [bytes_])
        return builder.zext(before, INT)

    return types.int64(types.int64, types.int64), emit
