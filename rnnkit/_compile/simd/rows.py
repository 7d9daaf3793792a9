"""Rows of numbers from one array into another, at other distances.

As plain loops, LLVM checks anew for each row that the arrays lie apart and handles what is left of a vector one by one:
4 to 6 ns a row, a third of the time of a net of 16 units.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from rnnkit._compile.jit import jit_outlined
from rnnkit._compile.simd.outlined import check_contiguous, emit_outlined_call, outlined_signature
from rnnkit._compile.simd.vectors import INT, LANE, spread, vector_at, vector_of

_ANY = ir.IntType(8).as_pointer()


def move_rows(out, o, out_row, A, a, a_row, rows, columns, keep):
    """out[r, j] = keep out[r, j] + A[r, j] for r < rows, j < columns.

    o, a: where the first row begins in out, A; out_row, a_row: from one row to the next; all count elements.
    keep: 0 or 1. Both C-contiguous; they may not overlap.
    """
    out, A = out.reshape(-1), A.reshape(-1)
    for r in range(rows):
        at, source = slice(o + r * out_row, o + r * out_row + columns), slice(a + r * a_row, a + r * a_row + columns)
        out[at] = out[at] + A[source] if keep else A[source]


@overload(move_rows)
def _compiled_move_rows(out, o, out_row, A, a, a_row, rows, columns, keep):
    def call(out, o, out_row, A, a, a_row, rows, columns, keep):
        _call_move_rows(out, o, out_row, A, a, a_row, rows, columns, keep)

    return call


@intrinsic
def _call_move_rows(_typing, out, o, out_row, A, a, a_row, rows, columns, keep):
    check_contiguous(out, A)

    def emit(context, builder, signature, arguments):
        return emit_outlined_call(context, builder, "rnnkit_move_rows", signature.args, arguments)

    return types.void(out, o, out_row, A, a, a_row, rows, columns, keep), emit


def _move(out, out_row, A, a_row, rows, columns, keep):
    _emit_move(out, out_row, A, a_row, rows, columns, keep)


FLOAT32_ROWS = jit_outlined("rnnkit_move_rows_float32", outlined_signature("PIPIIII", types.float32))(_move)
FLOAT64_ROWS = jit_outlined("rnnkit_move_rows_float64", outlined_signature("PIPIIII", types.float64))(_move)


@intrinsic
def _emit_move(_typing, out, out_row, A, a_row, rows, columns, keep):
    def emit(context, builder, _signature, arguments):
        """Emit a loop over rows of a loop over vectors and, under a mask, what is left; for either `keep`."""
        *positions, keep = arguments
        with builder.if_else(builder.icmp_signed("!=", keep, INT(0))) as (added, copied):
            with added:
                _emit_rows(builder, *positions, add=True)
            with copied:
                _emit_rows(builder, *positions, add=False)
        return context.get_dummy_value()

    return types.void(out, out_row, A, a_row, rows, columns, keep), emit


def _emit_rows(builder, out, out_row, A, a_row, rows, columns, add):
    vector, bytes_ = vector_of(out)
    n, zero = vector.count, ir.Constant(vector, [0.0] * vector.count)
    load, store = _masked(builder.module, vector, bytes_)
    full = builder.sdiv(columns, INT(n))
    in_vectors = builder.mul(full, INT(n))
    left = builder.sub(columns, in_vectors)
    numbers = ir.Constant(ir.VectorType(LANE, n), list(range(n)))
    mask = builder.icmp_signed("<", numbers, spread(builder, builder.trunc(left, LANE), n))
    with cgutils.for_range(builder, rows) as row:
        to, source = (builder.gep(p, [builder.mul(row.index, d)]) for p, d in ((out, out_row), (A, a_row)))
        with cgutils.for_range(builder, full) as v:
            offset = builder.mul(v.index, INT(n))
            at = vector_at(builder, to, offset)
            value = builder.load(vector_at(builder, source, offset), align=bytes_)
            if add:
                value = builder.fadd(builder.load(at, align=bytes_), value)
            builder.store(value, at, align=bytes_)
        with builder.if_then(builder.icmp_signed(">", left, INT(0))):
            at, source = (builder.bitcast(builder.gep(p, [in_vectors]), _ANY) for p in (to, source))
            value = builder.call(load, [source, LANE(bytes_), mask, zero])
            if add:
                value = builder.fadd(builder.call(load, [at, LANE(bytes_), mask, zero]), value)
            builder.call(store, [value, at, LANE(bytes_), mask])


def _masked(module, vector, bytes_):
    """Return LLVM's functions that load and store some lanes of a vector."""
    mask, name = ir.VectorType(ir.IntType(1), vector.count), f"v{vector.count}f{8 * bytes_}.p0"
    load = ir.FunctionType(vector, [_ANY, LANE, mask, vector])
    store = ir.FunctionType(ir.VoidType(), [vector, _ANY, LANE, mask])
    return (
        cgutils.get_or_insert_function(module, load, f"llvm.masked.load.{name}"),
        cgutils.get_or_insert_function(module, store, f"llvm.masked.store.{name}"),
    )
