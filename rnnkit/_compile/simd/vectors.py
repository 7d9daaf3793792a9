"""How wide a vector is here, and what points to one."""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config

HOST = llvm.get_host_cpu_features().flatten()
FEATURES = HOST if config.CPU_FEATURES is None else config.CPU_FEATURES  # numba's own rule
WIDE = config.ENABLE_AVX and "+avx512f" in FEATURES.split(",")
VECTOR_BYTES = 64 if WIDE else 32  # 16 float32 or 8 float64; 8 or 4
INT, LANE = ir.IntType(64), ir.IntType(32)


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
