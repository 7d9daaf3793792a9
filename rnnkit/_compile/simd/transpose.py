"""A square block of a matrix, as many rows as a vector has numbers, transposed in registers.

As plain loops a matrix of 256 x 256 float32 took 19 us: LLVM moves its numbers one by one.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from rnnkit._compile.jit import jit_outlined
from rnnkit._compile.simd.outlined import check_contiguous, emit_outlined_call, outlined_signature
from rnnkit._compile.simd.vectors import INT, LANE, VECTOR_BYTES, vector_at, vector_of


def transpose_blocks(P, p, W, w, w_row, blocks):
    """P[k lanes + l] = W[l, k] for l < lanes, k < blocks lanes: some blocks side by side become rows of P.

    p, w: where the blocks begin in P and W; w_row: from one row of W to the next; all count elements. lanes: numbers in
    a vector. Both C-contiguous; they may not overlap.
    """
    P, W, lanes = P.reshape(-1), W.reshape(-1), VECTOR_BYTES // P.itemsize
    for lane in range(lanes):
        for k in range(blocks * lanes):
            P[p + k * lanes + lane] = W[w + lane * w_row + k]


@overload(transpose_blocks)
def _compiled_transpose_blocks(P, p, W, w, w_row, blocks):
    def call(P, p, W, w, w_row, blocks):
        _call_transpose_blocks(P, p, W, w, w_row, blocks)

    return call


@intrinsic
def _call_transpose_blocks(_typing, P, p, W, w, w_row, blocks):
    check_contiguous(P, W)

    def emit(context, builder, signature, arguments):
        return emit_outlined_call(context, builder, "rnnkit_transpose", signature.args, arguments)

    return types.void(P, p, W, w, w_row, blocks), emit


def _transpose(P, W, w_row, blocks):
    _emit_transpose(P, W, w_row, blocks)


FLOAT32_BLOCKS = jit_outlined("rnnkit_transpose_float32", outlined_signature("PPII", types.float32))(_transpose)
FLOAT64_BLOCKS = jit_outlined("rnnkit_transpose_float64", outlined_signature("PPII", types.float64))(_transpose)


@intrinsic
def _emit_transpose(_typing, P, W, w_row, blocks):
    def emit(context, builder, _signature, arguments):
        """Emit a loop over blocks: rows loaded, halves swapped between rows at ever smaller distances, rows stored."""
        P, W, w_row, blocks = arguments
        vector, bytes_ = vector_of(P)
        n = vector.count
        with cgutils.for_range(builder, blocks) as block:
            source = builder.gep(W, [builder.mul(block.index, INT(n))])
            to = builder.gep(P, [builder.mul(block.index, INT(n * n))])
            places = [vector_at(builder, source, builder.mul(w_row, INT(i))) for i in range(n)]
            rows = [builder.load(place, align=bytes_) for place in places]
            distance = n // 2
            while distance:
                for i in (i for i in range(n) if not i & distance):
                    rows[i], rows[i + distance] = _swapped(builder, rows[i], rows[i + distance], distance, n)
                distance //= 2
            for k, row in enumerate(rows):
                builder.store(row, vector_at(builder, to, INT(k * n)), align=bytes_)
        return context.get_dummy_value()

    return types.void(P, W, w_row, blocks), emit


def _swapped(builder, a, b, distance, n):
    """Return two vectors with the numbers of a that have this bit in their place for those of b that have not."""
    low = [i if not i & distance else n + i - distance for i in range(n)]
    high = [i + distance if not i & distance else n + i for i in range(n)]
    return (builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(LANE, n), mask)) for mask in (low, high))
