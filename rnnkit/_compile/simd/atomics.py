"""Words of memory that several threads read and write, each access whole and all in one order; and calls by address.

    words   int64 array; i says which word is meant

In compiled code alone: without a compiler nothing here has a second thread.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rnnkit._compile.simd.vectors import INT, LANE

ORDER = "seq_cst"
WORDS = types.int64[::1]
YIELD = ("llvm.aarch64.hint", [LANE(1)])
PAUSE = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": YIELD, "arm64": YIELD}  # macOS says arm64


def _word(context, builder, values):
    words = context.make_array(WORDS)(context, builder, values[0])
    return builder.gep(words.data, [values[1]])


@intrinsic
def load(_typing, words, i):
    """Return words[i]."""

    def emit(context, builder, _signature, values):
        return builder.load_atomic(_word(context, builder, values), ORDER, 8)

    return types.int64(WORDS, types.int64), emit


@intrinsic
def store(_typing, words, i, value):
    """Set words[i]."""

    def emit(context, builder, _signature, values):
        builder.store_atomic(values[2], _word(context, builder, values), ORDER, 8)
        return context.get_dummy_value()

    return types.void(WORDS, types.int64, types.int64), emit


@intrinsic
def exchange(_typing, words, i, value):
    """Set words[i]; return what it was."""

    def emit(context, builder, _signature, values):
        return builder.atomic_rmw("xchg", _word(context, builder, values), values[2], ORDER)

    return types.int64(WORDS, types.int64, types.int64), emit


@intrinsic
def add(_typing, words, i, value):
    """Add to words[i]; return what it was."""

    def emit(context, builder, _signature, values):
        return builder.atomic_rmw("add", _word(context, builder, values), values[2], ORDER)

    return types.int64(WORDS, types.int64, types.int64), emit


@intrinsic
def replace(_typing, words, i, before, after):
    """Set words[i] to `after` if it is `before`; return whether it was."""

    def emit(context, builder, _signature, values):
        found = builder.cmpxchg(_word(context, builder, values), values[2], values[3], ORDER, ORDER)
        return builder.extract_value(found, 1)

    return types.boolean(WORDS, types.int64, types.int64, types.int64), emit


@intrinsic
def pause(_typing):
    """Tell the core that this thread only waits: its other thread, and its power, are free meanwhile."""

    def emit(context, builder, _signature, _values):
        name, arguments = PAUSE.get(llvm.get_process_triple().split("-")[0], (None, []))
        if name:
            kind = ir.FunctionType(ir.VoidType(), [a.type for a in arguments])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
        return context.get_dummy_value()

    return types.void(), emit


@intrinsic
def call_address(_typing, address, arguments):
    """Call what stands at an address with a tuple of integers or pointers; what it returns is lost."""

    def emit(_context, builder, _signature, values):
        arguments = cgutils.unpack_tuple(builder, values[1])
        kind = ir.FunctionType(ir.VoidType(), [INT] * len(arguments)).as_pointer()
        builder.call(builder.inttoptr(values[0], kind), arguments)
        return _context.get_dummy_value()

    return types.void(types.int64, types.UniTuple(types.int64, len(arguments))), emit
