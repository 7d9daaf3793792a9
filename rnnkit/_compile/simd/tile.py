"""A tile of a matrix product with its sums in registers.

LLVM vectorises plain loops by itself, but it does not keep a block of sums in registers over a loop. Each element is
one chain of fused multiply-adds in order of k: its bytes depend neither on the tile it falls into nor on the width of
the CPU's vectors.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from rnnkit._compile.jit import jit_outlined
from rnnkit._compile.simd.outlined import check_contiguous, emit_outlined_call, outlined_signature
from rnnkit._compile.simd.vectors import (
    INT,
    VECTOR_BYTES,
    WIDE,
    spread,
    vector_at,
    vector_of,
)

# Sums that stay in registers: AVX-512 has 32, AVX2 16, and some hold the factors. 8 or more sums hide the latency of a
# fused multiply-add. Wider tiles load less for each sum; 5 x 4 against 5 x 2 vectors of AVX-512, 10 rows, float32
# GFLOP/s of one core: 169 and 160 at H = 128, 176 and 126 at H = 512.
SUMS = 24 if WIDE else 12
MAX_ROWS, MAX_VECTORS = 12, 8
SHAPES = [(r, v) for r in range(1, MAX_ROWS + 1) for v in range(1, MAX_VECTORS + 1) if r * v <= SUMS]


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
                position = c + row * c_row + column
                C[position] = C[position] + total if keep else total


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
    check_contiguous(C, A, P)

    def emit(context, builder, signature, arguments):
        return emit_outlined_call(context, builder, "rnnkit_tile", signature.args, arguments)

    return types.void(C, c, c_row, A, a, a_row, a_k, P, p, p_vector, p_k, K, rows, vectors, keep), emit


def _tile(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep):
    _all_tiles(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep)


FLOAT32_TILE = jit_outlined("rnnkit_tile_float32", outlined_signature("PIPIIPIIIIII", types.float32))(_tile)
FLOAT64_TILE = jit_outlined("rnnkit_tile_float64", outlined_signature("PIPIIPIIIIII", types.float64))(_tile)


@intrinsic
def _all_tiles(_typing, C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep):
    signature = types.void(C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep)

    def emit(context, builder, _signature, arguments):
        """Emit a switch with one loop for every one of SHAPES."""
        C, c_row, A, a_row, a_k, P, p_vector, p_k, K, rows, vectors, keep = arguments
        done = builder.append_basic_block("done")
        switch = builder.switch(builder.add(builder.mul(rows, INT(16)), vectors), done)
        for shape in SHAPES:
            block = builder.append_basic_block(f"tile_{shape[0]}x{shape[1]}")
            switch.add_case(INT(16 * shape[0] + shape[1]), block)
            builder.position_at_end(block)
            sums = _emit_sums(builder, shape, (A, a_row, a_k), (P, p_vector, p_k), K)
            _emit_store(builder, sums, C, c_row, keep)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, emit


def _emit_sums(builder, shape, left, right, K):
    """Emit: for k: sums[row, v] = fma(A[row, k], P[v, k], sums[row, v]), and return the sums."""
    (A, a_row, a_k), (P, p_vector, p_k) = left, right
    (vector, bytes_), rows, vectors = vector_of(P), range(shape[0]), range(shape[1])
    lanes = vector.count
    kind = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f{8 * bytes_}")
    sums = {(r, v): cgutils.alloca_once(builder, vector) for r in rows for v in vectors}
    for position in sums.values():
        builder.store(ir.Constant(vector, [0.0] * lanes), position)
    A_rows = [builder.mul(a_row, INT(r)) for r in rows]
    P_vectors = [builder.mul(p_vector, INT(v)) for v in vectors]
    # Pointers that step along: with index times stride, the multiplications cost as much as the sums.
    A_place, P_place = (cgutils.alloca_once(builder, start.type) for start in (A, P))
    builder.store(A, A_place)
    builder.store(P, P_place)
    with cgutils.for_range(builder, K):
        A_now, P_now = builder.load(A_place), builder.load(P_place)
        columns = [builder.load(vector_at(builder, P_now, v), align=bytes_) for v in P_vectors]
        for r in rows:
            value = spread(builder, builder.load(builder.gep(A_now, [A_rows[r]])), lanes)
            for v in vectors:
                builder.store(builder.call(fma, [value, columns[v], builder.load(sums[r, v])]), sums[r, v])
        builder.store(builder.gep(A_now, [a_k]), A_place)
        builder.store(builder.gep(P_now, [p_k]), P_place)
    return {position: builder.load(total) for position, total in sums.items()}


def _emit_store(builder, sums, C, c_row, keep):
    """Emit: C[row, v] = sums[row, v], with C[row, v] added where it is to be kept."""
    vector, bytes_ = vector_of(C)
    offsets = {(r, v): builder.add(builder.mul(c_row, INT(r)), INT(v * vector.count)) for r, v in sums}
    positions = {i: vector_at(builder, C, offset) for i, offset in offsets.items()}
    with builder.if_else(builder.icmp_signed("!=", keep, INT(0))) as (kept, overwritten):
        with kept:
            for i, position in positions.items():
                builder.store(builder.fadd(builder.load(position, align=bytes_), sums[i]), position, align=bytes_)
        with overwritten:
            for i, position in positions.items():
                builder.store(sums[i], position, align=bytes_)
