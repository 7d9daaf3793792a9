"""What rnnkit takes from Numba and llvmlite that is not public, and the versions of Numba it is known to be there in.

A Numba that nobody tried is not refused: `rnnkit._compile.self_test` tries it, once per installation.
"""

import numba

TRIED = ("0.68",)  # minors of Numba that the whole test suite has passed on

try:
    from llvmlite.binding import ffi
    from numba.core.caching import FunctionCache
    from numba.core.ccallback import CFunc
    from numba.core.compiler import Compiler, CompileResult
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import _FunctionCompiler as FunctionCompiler
    from numba.core.serialize import dumps

    # In the order in which a compilation takes them: numba's, and llvmlite's, held inside LLVM.
    LOCKS = (global_compiler_lock._lock, ffi.lib._lock._lock)
except (ImportError, AttributeError) as error:
    raise ImportError(
        f"rnnkit rests on parts of Numba that {numba.__version__} does not have ({error}). Versions that work: "
        f"{', '.join(TRIED)}, as by pip install 'numba=={TRIED[-1]}.*'"
    ) from error

__all__ = [
    "LOCKS",
    "TRIED",
    "CFunc",
    "CompileResult",
    "Compiler",
    "FunctionCache",
    "FunctionCompiler",
    "dumps",
    "global_compiler_lock",
    "is_tried",
]


def is_tried() -> bool:
    """Return whether the installed minor of Numba is one that was tried."""
    return ".".join(numba.__version__.split(".")[:2]) in TRIED
