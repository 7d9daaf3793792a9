"""The one door to vector code: a tile of a matrix product with its sums in registers.

LLVM vectorises the loops of `rnnkit.kernels` by itself, but it does not keep a block of sums in registers over a loop;
so this one loop is written in LLVM's own vector types, which every CPU can run. `add_tile` in Python says what it
does.

Each element is one chain of fused multiply-adds in order of t, then k, and one addition to C: its bytes depend neither
on the tile it falls into nor on the width of the CPU's vectors.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numpy.lib.stride_tricks import as_strided

VECTOR_BYTES = 32  # 8 float32 or 4 float64
MAX_ROWS = 6
# Vectors a tile may hold, by its rows: rows x vectors sums fit 12 of AVX2's 16 registers, and 8 or more of them hide
# the latency of a fused multiply-add; the narrow ones finish what those leave over.
WIDTHS = {1: (8, 4, 2, 1), 2: (4, 2, 1), 3: (4, 2, 1), 4: (2, 1), 5: (2, 1), 6: (2, 1)}
_INT = ir.IntType(64)
_LANE = ir.IntType(32)


def add_tile(C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors):
    """C[row, column] += sum over t < T and k < K of A[row, t, k] P[column, t, k], for a tile of C.

    c, a, p: where the tile begins in C, A, P; c_row, a_row, a_t, ...: strides; all count elements.
    rows, vectors: a pair of WIDTHS. One vector is VECTOR_BYTES of neighbouring columns. C may not overlap A or P.
    """
    A = as_strided(A, (a + (rows - 1) * a_row + (T - 1) * a_t + (K - 1) * a_k + 1,), (A.itemsize,))  # A may be a view
    C, P = C.reshape(-1), P.reshape(-1)
    lanes = VECTOR_BYTES // C.itemsize
    steps = [(t, k) for t in range(T) for k in range(K)]
    for row in range(rows):
        for column in range(vectors * lanes):
            vector, lane = divmod(column, lanes)
            A_row, P_column = a + row * a_row, p + vector * p_vector + lane
            terms = [A[A_row + t * a_t + k * a_k] * P[P_column + t * p_t + k * p_k] for t, k in steps]
            C[c + row * c_row + column] += sum(terms)


@overload(add_tile)
def _compiled_add_tile(C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors):
    def call(C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors):
        _simd_tile(C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors)

    return call


@intrinsic
def _simd_tile(_typing, C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors):
    signature = types.void(C, c, c_row, A, a, a_row, a_t, a_k, P, p, p_vector, p_t, p_k, T, K, rows, vectors)

    def emit(context, builder, signature, arguments):
        kinds, values = signature.args, list(arguments)
        for i in (8, 3, 0):  # an array and an offset become a pointer
            start = context.make_array(kinds[i])(context, builder, values[i]).data
            values[i : i + 2] = [builder.gep(start, [values[i + 1]])]
        builder.call(_tile_function(builder.module, values[0].type), values)
        return context.get_dummy_value()

    return signature, emit


def _tile_function(module, pointer):
    """Return the function of all tiles: a switch with one loop nest for every pair of WIDTHS.

    It is never inlined: LLVM would work through a copy of it in every product of every kernel.
    """
    kind = ir.FunctionType(ir.VoidType(), [pointer, _INT, pointer, _INT, _INT, _INT, pointer] + [_INT] * 7)
    function = cgutils.get_or_insert_function(module, kind, f"rnnkit_add_tile_{pointer.pointee}")
    if function.blocks:
        return function
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    C, c_row, A, a_row, a_t, a_k, P, p_vector, p_t, p_k, T, K, rows, vectors = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    done = function.append_basic_block("done")
    switch = builder.switch(builder.add(builder.mul(rows, _INT(16)), vectors), done)
    for shape in [(n, width) for n, widths in WIDTHS.items() for width in widths]:
        block = function.append_basic_block(f"tile_{shape[0]}x{shape[1]}")
        switch.add_case(_INT(16 * shape[0] + shape[1]), block)
        builder.position_at_end(block)
        _emit_tile(builder, shape, (C, c_row), (A, a_row, a_t, a_k), (P, p_vector, p_t, p_k), (T, K))
        builder.branch(done)
    builder.position_at_end(done)
    builder.ret_void()
    return function


def _emit_tile(builder, shape, target, left, right, counts):
    """Emit: sums = 0; for t, k: sums[row][v] = fma(A[row, t, k], P[v, t, k], sums[row][v]); C[row, v] += sums."""
    (C, c_row), (A, a_row, a_t, a_k), (P, p_vector, p_t, p_k) = target, left, right
    element = C.type.pointee
    bytes_ = 4 if isinstance(element, ir.FloatType) else 8
    lanes = VECTOR_BYTES // bytes_
    vector = ir.VectorType(element, lanes)
    fma_type = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, fma_type, f"llvm.fma.v{lanes}f{8 * bytes_}")
    undefined, first_lane = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(_LANE, lanes), [0] * lanes)

    def at(pointer, stride, i):
        return builder.gep(pointer, [builder.mul(stride, i)])

    def as_vector(pointer):
        return builder.bitcast(pointer, vector.as_pointer())

    def spread(pointer):
        single = builder.insert_element(undefined, builder.load(pointer), _LANE(0))
        return builder.shuffle_vector(single, undefined, first_lane)

    rows, vectors = range(shape[0]), range(shape[1])
    zero = ir.Constant(vector, [0.0] * lanes)
    sums = {(r, v): cgutils.alloca_once(builder, vector) for r in rows for v in vectors}
    for pointer in sums.values():
        builder.store(zero, pointer)
    A_rows = [builder.mul(a_row, _INT(r)) for r in rows]
    P_vectors = [builder.mul(p_vector, _INT(v)) for v in vectors]
    with cgutils.for_range(builder, counts[0]) as outer:
        # Pointers that step along: with index times stride, the multiplications cost as much as the sums.
        A_place = cgutils.alloca_once_value(builder, at(A, a_t, outer.index))
        P_place = cgutils.alloca_once_value(builder, at(P, p_t, outer.index))
        with cgutils.for_range(builder, counts[1]):
            A_k, P_k = builder.load(A_place), builder.load(P_place)
            columns = [builder.load(as_vector(builder.gep(P_k, [v])), align=bytes_) for v in P_vectors]
            for r in rows:
                value = spread(builder.gep(A_k, [A_rows[r]]))
                for v in vectors:
                    builder.store(builder.call(fma, [value, columns[v], builder.load(sums[r, v])]), sums[r, v])
            builder.store(builder.gep(A_k, [a_k]), A_place)
            builder.store(builder.gep(P_k, [p_k]), P_place)
    for r in rows:
        for v in vectors:
            place = as_vector(at(at(C, c_row, _INT(r)), _INT(lanes), _INT(v)))
            total = builder.fadd(builder.load(place, align=bytes_), builder.load(sums[r, v]))
            builder.store(total, place, align=bytes_)
