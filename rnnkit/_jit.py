"""The one door to `numba.njit`: its options, its cache, and the bridge from checked functions to compiled bodies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import overload

from rnnkit import _cache

OPTIONS = {
    "nogil": True,  # replicates and shards run on Python threads
    "error_model": "numpy",  # 1/0 is inf, as in NumPy; the check for zero would also stop vectorisation
    # a*b + c as one instruction: halves the cost of tanh. Flags that assume away nan and inf are never set, because
    # a non-finite value must be found; reassociation is never set, because the order of a sum is promised.
    "fastmath": {"contract"},
}


# Threads come from `prange` alone: turning array expressions into parallel loops too would treble the time to compile.
PARALLEL_LOOPS = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}


def jit(function: Callable) -> Callable:
    """Compile `function` on first call, for each dtype it meets, and keep the code for later processes."""
    return _compiled(function)


def jit_on_all_cores(function: Callable) -> Callable:
    """Do the same, and spread its `prange` loops over the cores; for `rnnkit.parallel` alone."""
    return _compiled(function, parallel=PARALLEL_LOOPS)


def _compiled(function: Callable, **more: Any) -> Callable:
    if config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(**OPTIONS, **more)(function)
    if _cache.FOLDER is not None and _cache.PACKAGE in Path(function.__code__.co_filename).resolve().parents:
        dispatcher._cache = _cache.KernelCache(function)
        _compile_under_lock(dispatcher)
    return dispatcher


def _compile_under_lock(dispatcher: Any) -> None:
    """Let one process at a time look up, compile and store; threads first, so that no two locks are taken crosswise."""
    compile_unlocked = dispatcher.compile

    def compile_locked(signature: Any) -> Any:
        with global_compiler_lock, _cache.LOCK:
            return compile_unlocked(signature)

    dispatcher.compile = compile_locked


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
