"""The one door to vector code: a tile of a matrix product with its sums in registers.

LLVM vectorises the loops of `rnnkit.kernels` by itself, but it does not keep a block of sums in registers over a loop;
so this one loop is written in LLVM's own vector types, which every CPU can run. `tile_product` in Python says what it
does.

Each element is one chain of fused multiply-adds in order of k: its bytes depend neither on the tile it falls into nor
on the width of the CPU's vectors.
"""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from rnnkit._jit import jit_apart

FEATURES = config.CPU_FEATURES or llvm.get_host_cpu_features().flatten()  # numba's own rule
WIDE = config.ENABLE_AVX and "+avx512f" in FEATURES.split(",")
VECTOR_BYTES = 64 if WIDE else 32  # 16 float32 or 8 float64; 8 or 4
# Sums that stay in registers: AVX-512 has 32, AVX2 16, and some hold the factors. 8 or more sums hide the latency of a
# fused multiply-add. Wider tiles load less for each sum; 5 x 4 against 5 x 2 vectors of AVX-512, 10 rows, float32
# GFLOP/s of one core: 169 and 160 at H = 128, 176 and 126 at H = 512.
SUMS, MAX_ROWS, MAX_VECTORS = (24, 12, 8) if WIDE else (12, 12, 8)
SHAPES = [(r, v) for r in range(1, MAX_ROWS + 1) for v in range(1, MAX_VECTORS + 1) if r * v <= max(SUMS, r)]
FLUSH = 0x8040  # of MXCSR: results to 0, operands to 0
_INT = ir.IntType(64)
_LANE = ir.IntType(32)


def tile_product(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep):
    """C[row, column] = keep C[row, column] + sum over k < K of A[row, k] P[column, k], for a tile of C.

    c, a, p: where the tile begins in C, A, P; c_row, a_row, a_k, ...: strides; all count elements. keep: 0 or 1.
    rows, vectors: one of SHAPES. One vector is VECTOR_BYTES of neighbouring columns. C may not overlap A or P.
    """
    C, A, P = (np.lib.stride_tricks.as_strided(M, (_reach(M),), (M.itemsize,)) for M in (C, A, P))
    lanes = VECTOR_BYTES // C.itemsize
    for row in range(rows):
        for column in range(vectors * lanes):
            vector, lane = divmod(column, lanes)
            A_row, P_column = a + row * a_row, p + vector * p_vector + lane
            with np.errstate(all="ignore"):  # compiled code does not warn either
                total = sum(A[A_row + k * a_k] * P[P_column + k * p_k] for k in range(K))
                place = c + row * c_row + column
                C[place] = C[place] + total if keep else total


def _reach(M):
    """Return how many elements lie from the first to the last of M, which may be a view."""
    return 1 + sum((n - 1) * stride for n, stride in zip(M.shape, M.strides, strict=True)) // M.itemsize


@overload(tile_product)
def _compiled_tile_product(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep):
    def call(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep):
        _call_tile(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep)

    return call


@intrinsic
def _call_tile(_typing, C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep):
    signature = types.void(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep)

    def emit(context, builder, signature, arguments):
        kinds, values = signature.args, list(arguments)
        for i in (7, 3, 0):  # an array and an offset become a pointer
            start = context.make_array(kinds[i])(context, builder, values[i]).data
            values[i : i + 2] = [builder.gep(start, [values[i + 1]])]
        function = ir.FunctionType(ir.VoidType(), [value.type for value in values])
        cell = _cell(builder.module, f"rnnkit_tile_{C.dtype}", function.as_pointer())
        builder.call(builder.load(cell), values)
        return context.get_dummy_value()

    return signature, emit


def _cell(module, symbol, kind):
    return module.globals.get(symbol) or ir.GlobalVariable(module, kind, symbol)


def _arguments(element):
    pointer, size = types.CPointer(element), types.intp
    return types.void(pointer, size, pointer, size, size, pointer, *[size] * 6)


def _tile(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep):
    _all_tiles(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep)


FLOAT32_TILE = jit_apart("rnnkit_tile_float32", _arguments(types.float32))(_tile)
FLOAT64_TILE = jit_apart("rnnkit_tile_float64", _arguments(types.float64))(_tile)


@intrinsic
def _all_tiles(_typing, C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep):
    signature = types.void(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep)

    def emit(context, builder, _signature, arguments):
        """Emit a switch with one loop for every one of SHAPES."""
        C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep = arguments
        done = builder.append_basic_block("done")
        switch = builder.switch(builder.add(builder.mul(rows, _INT(16)), vectors), done)
        for shape in SHAPES:
            block = builder.append_basic_block(f"tile_{shape[0]}x{shape[1]}")
            switch.add_case(_INT(16 * shape[0] + shape[1]), block)
            builder.position_at_end(block)
            sums = _emit_sums(builder, shape, (A, a_row, a_k), (P, p_vector, p_k), K)
            _emit_store(builder, sums, C, c_row, keep)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, emit


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
    return lambda: _exchange_mode(FLUSH, 0)


@overload(restore_denormals)
def _compiled_restore_denormals(before):
    def call(before):
        _exchange_mode(0, before)

    return call


@intrinsic
def _exchange_mode(_typing, also, instead):
    """Set MXCSR to `instead`, or where that is 0 to what it was and `also`; return what it was."""

    def emit(context, builder, _signature, arguments):
        if not llvm.get_process_triple().startswith("x86_64"):
            return _INT(0)
        also, instead = (builder.trunc(a, _LANE) for a in arguments)
        place = cgutils.alloca_once(builder, _LANE)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        read, write = (
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
            for name in ("stmxcsr", "ldmxcsr")
        )
        bytes_ = builder.bitcast(place, kind.args[0])
        builder.call(read, [bytes_])
        before = builder.load(place)
        same = builder.icmp_unsigned("==", instead, _LANE(0))
        builder.store(builder.select(same, builder.or_(before, also), instead), place)
        builder.call(write, [bytes_])
        return builder.zext(before, _INT)

    return types.int64(types.int64, types.int64), emit


def _vector(pointer):
    """Return the vector type for what a pointer points to, and the bytes of an element."""
    bytes_ = 4 if isinstance(pointer.type.pointee, ir.FloatType) else 8
    return ir.VectorType(pointer.type.pointee, VECTOR_BYTES // bytes_), bytes_


def _emit_sums(builder, shape, left, right, K):
    """Emit: for k: sums[row, v] = fma(A[row, k], P[v, k], sums[row, v]), and return the sums."""
    (A, a_row, a_k), (P, p_vector, p_k) = left, right
    (vector, bytes_), rows, vectors = _vector(P), range(shape[0]), range(shape[1])
    lanes = vector.count
    kind = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f{8 * bytes_}")
    undefined, first_lane = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(_LANE, lanes), [0] * lanes)
    zero = ir.Constant(vector, [0.0] * lanes)
    sums = {(r, v): cgutils.alloca_once_value(builder, zero) for r in rows for v in vectors}
    for place in sums.values():
        builder.store(zero, place)
    A_rows = [builder.mul(a_row, _INT(r)) for r in rows]
    P_vectors = [builder.mul(p_vector, _INT(v)) for v in vectors]
    # Pointers that step along: with index times stride, the multiplications cost as much as the sums.
    A_place, P_place = (cgutils.alloca_once(builder, start.type) for start in (A, P))
    builder.store(A, A_place)
    builder.store(P, P_place)
    with cgutils.for_range(builder, K):
        A_now, P_now = builder.load(A_place), builder.load(P_place)
        columns = [
            builder.load(builder.bitcast(builder.gep(P_now, [v]), vector.as_pointer()), align=bytes_) for v in P_vectors
        ]
        for r in rows:
            single = builder.insert_element(undefined, builder.load(builder.gep(A_now, [A_rows[r]])), _LANE(0))
            value = builder.shuffle_vector(single, undefined, first_lane)
            for v in vectors:
                builder.store(builder.call(fma, [value, columns[v], builder.load(sums[r, v])]), sums[r, v])
        builder.store(builder.gep(A_now, [a_k]), A_place)
        builder.store(builder.gep(P_now, [p_k]), P_place)
    return {place: builder.load(total) for place, total in sums.items()}


def _emit_store(builder, sums, C, c_row, keep):
    """Emit: C[row, v] = sums[row, v], with C[row, v] added where it is to be kept."""
    vector, bytes_ = _vector(C)
    places = {
        (r, v): builder.bitcast(
            builder.gep(C, [builder.add(builder.mul(c_row, _INT(r)), _INT(v * vector.count))]), vector.as_pointer()
        )
        for r, v in sums
    }
    with builder.if_else(builder.icmp_signed("!=", keep, _INT(0))) as (kept, overwritten):
        with kept:
            for i, place in places.items():
                builder.store(builder.fadd(builder.load(place, align=bytes_), sums[i]), place, align=bytes_)
        with overwritten:
            for i, place in places.items():
                builder.store(sums[i], place, align=bytes_)
