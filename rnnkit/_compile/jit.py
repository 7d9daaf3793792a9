"""The one door to `numba.njit`: its options, its cache, and the bridge from checked functions to compiled bodies."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import config, types
from numba.extending import overload

import rnnkit._compile.forks  # noqa: F401  a fork waits until no thread compiles
from rnnkit._compile import cache
from rnnkit._compile.internals import CFunc, Compiler, FunctionCompiler, global_compiler_lock
from rnnkit._compile.memory import keep_memory
from rnnkit._compile.pointer_slots import OUTLINED, Outlined

_before_first: list[Callable[[], None]] = [keep_memory]
OPTIONS = {
    "nogil": True,  # replicates and shards run on Python threads
    "error_model": "numpy",  # 1/0 is inf, as in NumPy; the check for zero would also stop vectorisation
    # a*b + c as one instruction: halves the cost of tanh. Flags that assume away nan and inf are never set, because
    # a non-finite value must be found; reassociation is never set, because the order of a sum is promised.
    "fastmath": {"contract"},
    "no_cfunc_wrapper": True,  # of the jitted: compiled for each, and nothing here passes one on as a value
}


def jit(function: Callable) -> Callable:
    """Compile `function` on first call, for each dtype it meets, and keep the code for later processes."""
    if config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(**OPTIONS)(function)
    if _is_ours(function):
        dispatcher._cache = cache.KernelCache(function)
        _provide_first(dispatcher)
    return dispatcher


def jit_inlined(function: Callable) -> Callable:
    """Do `jit`, with the code put into each caller: for parts of a step.

    Left to LLVM they were calls, of whose many arguments those on the stack took as long as the arithmetic of a net of
    16 units: forward + BPTT of one row, 200 steps, took 95 us for 55.
    """
    if config.DISABLE_JIT:
        return function
    return numba.njit(forceinline=True, **OPTIONS)(function)


def jit_outlined(symbol: str, signature: Any, at_once: bool = True) -> Callable[[Callable], Outlined]:
    """Decorate a function that is compiled once for this signature; kernels call it through the slot `symbol`.

    at_once: before any kernel is compiled or loaded; else when a kernel that calls it is compiled, or first calls it.
    """

    def decorate(function: Callable) -> Outlined:
        def compile_() -> CFunc:
            compiled = CFunc(function, (signature.args, signature.return_type), locals={}, options=OPTIONS)
            compiled._cache = cache.KernelCache(function)
            compiled.compile()
            return compiled

        return Outlined(symbol, sum(map(_words, signature.args)), compile_, at_once)

    return decorate


class _NoAliasCompiler(FunctionCompiler):
    """Compiles a function whose pointers do not overlap."""

    def _customize_flags(self, flags: Any) -> Any:
        flags = super()._customize_flags(flags)
        flags.noalias = True
        return flags


def compile_loop(text: str, names: dict[str, Any], dtype: str) -> CFunc:
    """Compile the `call` that a text defines, of (table, constants, step, rows, size), for a dtype.

    Its `loop` takes pointers that do not overlap. names: what the text may call. What is compiled is kept under the
    text's hash.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    space = {"__name__": __name__, **names}  # numba asks for a module that a later process has too
    exec(compile(text, f"<rnnkit loop {digest}>", "exec"), space)
    for name in ("loop", "call"):  # whose symbols must differ: what was stored by other processes may bear the same
        space[name].__name__ = space[name].__qualname__ = f"{name}_{digest}"
    loop = numba.njit(**OPTIONS)(space["loop"])
    loop._compiler = _NoAliasCompiler(loop.py_func, loop.targetdescr, loop.targetoptions, {}, Compiler)
    call, space["loop"] = space["call"], loop
    table, constants = types.CPointer(types.int64), types.CPointer(getattr(types, dtype))
    signature = types.void(table, constants, types.intp, types.intp, types.intp)
    compiled = CFunc(call, (signature.args, signature.return_type), locals={}, options=OPTIONS)
    compiled._cache = cache.LoopCache(call, digest)
    compiled.compile()
    return compiled


MAP = """
def call(V, dW, out, fixed, constants, H, blocks):
    v, d, o = carray(V, (H, blocks * H)), carray(dW, (H, blocks * H)), carray(out, (H, blocks * H))
    f = carray(fixed, (H, H))
    for k in range(blocks):
        first = k * H
        block = np.ascontiguousarray(v[:, first : first + H])
        derivative = np.ascontiguousarray(d[:, first : first + H])
        for i in range(H):
            for j in range(H):
                o[i, first + j] = np.nan  # stays where the function raises, which compiled code cannot hand on
        if np.isfinite(block.sum()):  # else linear algebra may raise
            found = function({arguments})
            for i in range(H):
                for j in range(H):
                    o[i, first + j] = found[i, j]
"""


def compile_map(function: Callable, n_arrays: int, has_fixed: bool, n_constants: int, dtype: str) -> CFunc:
    """Compile a function of (H, H) arrays, of each block of a matrix, for a dtype: of 1 or 2 arrays, and the rest.

    One of this package is kept for later processes. A user's may read what its bytecode does not show, such as a number
    beside it in its file, and is compiled by each process.
    """
    arguments = ["block", "derivative"][:n_arrays] + ["f"] * has_fixed + [f"constants[{i}]" for i in range(n_constants)]
    text = MAP.format(arguments=", ".join(arguments))
    digest = hashlib.sha256(f"{function.__module__}.{function.__qualname__}{text}".encode()).hexdigest()[:24]
    compiled_function = numba.njit(**OPTIONS)(function)
    space = {"__name__": __name__, "np": np, "carray": numba.carray, "function": compiled_function}
    exec(compile(text, f"<rnnkit map {digest}>", "exec"), space)
    call = space["call"]
    call.__name__ = call.__qualname__ = f"map_{digest}"
    pointer = types.CPointer(getattr(types, dtype))
    signature = types.void(*[pointer] * 5, types.intp, types.intp)
    compiled = CFunc(call, (signature.args, signature.return_type), locals={}, options=OPTIONS)
    if _is_ours(function):
        compiled._cache = cache.LoopCache(call, digest)
    compiled.compile()
    return compiled


def _is_ours(function: Callable) -> bool:
    """Return whether the fingerprint of the cache covers a function."""
    return cache.PACKAGE in Path(function.__code__.co_filename).resolve().parents


def _words(kind: Any) -> int:
    """Return how many numbers of 64 bits an argument is passed as.

    64-bit ARM passes a tuple of one type, which LLVM takes for an array, whole in registers or whole on the stack; so
    that the numbers still follow each other, such a tuple stands behind the 8 numbers that fill the registers.
    """
    if isinstance(kind, types.Array):  # two pointers of numba's, size, size of an element, data, shape, strides
        return 5 + 2 * kind.ndim
    return sum(map(_words, kind)) if isinstance(kind, types.BaseTuple) else 1


def before_first_kernel(check: Callable[[], None]) -> None:
    """Have `check` called once in this process, before the first kernel is compiled or loaded; it may raise."""
    _before_first.append(check)


def _provide_first(dispatcher: Any) -> None:
    """Before a kernel is compiled or loaded, see to what it may call."""
    compile_kernel = dispatcher.compile

    def compile_after(signature: Any) -> Any:
        for check in _before_first:
            check()
        _before_first.clear()
        with global_compiler_lock:
            for function in OUTLINED:
                if function.at_once:
                    function.provide()
        return compile_kernel(signature)

    dispatcher.compile = compile_after


def checked_border(body: Callable) -> Callable[[Callable], Callable]:
    """Decorate a Python function that checks its arguments; called from njit code it is `body`, unchecked.

    The decorated function and `body` take the same arguments, by position when called from njit code.
    """

    def decorate(checked: Callable) -> Callable:
        @overload(checked, strict=False)
        def _typed(*args):  # noqa: ANN002
            return lambda *args: body(*args)

        return checked

    return decorate
