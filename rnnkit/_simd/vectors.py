"""How wide a vector is here, and how a kernel calls code that was compiled apart."""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core.errors import TypingError

HOST = llvm.get_host_cpu_features().flatten()
FEATURES = HOST if config.CPU_FEATURES is None else config.CPU_FEATURES  # numba's own rule
WIDE = config.ENABLE_AVX and "+avx512f" in FEATURES.split(",")
VECTOR_BYTES = 64 if WIDE else 32  # 16 float32 or 8 float64; 8 or 4
INT, LANE = ir.IntType(64), ir.IntType(32)


def apart_signature(letters: str, element: types.Type) -> Any:
    """Return the signature of code compiled apart: a pointer to elements for each P, an integer for each I."""
    return types.void(*(types.CPointer(element) if letter == "P" else types.intp for letter in letters))


def check_apart(*arrays: types.Type) -> None:
    """Refuse, when compiled, what a pointer would misread: arrays of two dtypes, or neither float32 nor float64."""
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) > 1 or not dtypes <= {types.float32, types.float64}:
        raise TypingError(f"arrays must all be float32 or all float64, got {', '.join(map(str, arrays))}")


def emit_call_apart(context: Any, builder: Any, name: str, kinds: tuple, arguments: tuple) -> Any:
    """Emit a call of code compiled apart, through its cell; an array and the offset after it become a pointer."""
    values, rest = [], iter(zip(kinds, arguments, strict=True))
    for kind, value in rest:
        if isinstance(kind, types.Array):
            start = context.make_array(kind)(context, builder, value).data
            offset = next(rest)
            values.append(builder.gep(start, [context.cast(builder, offset[1], offset[0], types.intp)]))
        else:  # a narrower integer would leave part of its argument undefined
            values.append(context.cast(builder, value, kind, types.intp))
    symbol = f"{name}_{kinds[0].dtype}"
    function = ir.FunctionType(ir.VoidType(), [value.type for value in values]).as_pointer()
    cell = builder.module.globals.get(symbol) or ir.GlobalVariable(builder.module, function, symbol)
    builder.call(builder.load(cell), values)
    return context.get_dummy_value()


def vector_of(pointer: Any) -> tuple[Any, int]:
    """Return the type of a vector of what a pointer points to, and the bytes of an element."""
    bytes_ = 4 if isinstance(pointer.type.pointee, ir.FloatType) else 8
    return ir.VectorType(pointer.type.pointee, VECTOR_BYTES // bytes_), bytes_


def vector_at(builder: Any, pointer: Any, offset: Any) -> Any:
    """Return a pointer to the vector that begins `offset` elements on."""
    return builder.bitcast(builder.gep(pointer, [offset]), vector_of(pointer)[0].as_pointer())


def spread(builder: Any, value: Any, n: int) -> Any:
    """Return a vector of n times the value."""
    kind = ir.VectorType(value.type, n)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, LANE(0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(LANE, n), [0] * n))
