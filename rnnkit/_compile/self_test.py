"""Whether a version of Numba that nobody tried still has what rnnkit rests on.

It runs once per installation, in a process of its own, since wrong machine code may end one: before the first kernel is
compiled or loaded there. Each check is a function that raises; what they compile is kept like all kernels.
"""

import ctypes
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable

import numba
import numpy as np

from rnnkit._compile.cache_folder import FOLDER
from rnnkit._compile.internals import LOCKS, TRIED, is_tried
from rnnkit._compile.jit import before_first_kernel, checked_border, compile_loop, jit
from rnnkit._compile.simd.pointers import pointer_at
from rnnkit._compile.simd.subnormals import FLUSH, flush_subnormals, restore_subnormals
from rnnkit._compile.simd.tile import VECTOR_BYTES, tile_product

RUNNING = "RNNKIT_SELF_TEST"  # set in the process that runs it: it needs no other
MARK = "self-test-passed"
PATIENCE = 600  # seconds: a slow machine compiles for a minute; only a deadlock lasts as long
LOOP = """
def loop(a, b, n):
    for i in range(n):
        b[i] = a[i] + 1

def call(table, constants, step, rows, size):
    loop(pointer_at(table, 0, step, constants), pointer_at(table, 1, step, constants), size)
"""


def once() -> None:
    """Run the self-test unless this Numba was tried, or it has passed here. Raises RuntimeError where it fails."""
    if is_tried() or os.environ.get(RUNNING) or (FOLDER is not None and (FOLDER / MARK).exists()):
        return
    command = [sys.executable, "-c", "from rnnkit._compile.self_test import main; main()"]
    done = subprocess.run(command, env=os.environ | {RUNNING: "1"}, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise RuntimeError(
            f"rnnkit was not tried with Numba {numba.__version__}, and its self-test fails: {why}. Versions that work: "
            f"{', '.join(TRIED)}, as by pip install 'numba=={TRIED[-1]}.*'"
        )
    logging.getLogger("rnnkit").warning(
        "rnnkit was not tried with Numba %s; its self-test passes. Said once per installation.", numba.__version__
    )
    if FOLDER is not None:
        (FOLDER / MARK).touch()


before_first_kernel(once)


@jit
def _total(a):
    total = 0.0
    for x in a:
        total += x
    return total


@checked_border(_total)
def _checked_total(a: np.ndarray) -> float:
    return -1.0  # what compiled code must not call


@jit
def _through_border(a):
    return _checked_total(a)


@jit
def _tile(C, A, P):
    tile_product(C, 0, C.size, A, 0, A.size, 1, P, 0, P.size, C.size, 1, 1, 1, 0)


@jit
def _mode_within():
    before = flush_subnormals()
    within = flush_subnormals()
    restore_subnormals(before)
    return within


def a_kernel_is_compiled_stored_and_loaded() -> None:
    """Numba's FunctionCache and CompileResult."""
    a = np.arange(4.0)
    _expect(_total(a), 6.0)
    again = jit(_total.py_func)
    _expect(again(a), 6.0)
    if FOLDER is not None:
        _expect(sum(again.stats.cache_hits.values()), 1)


def compiled_code_calls_the_body_behind_a_checked_border() -> None:
    """Numba's overload."""
    _expect(_through_border(np.arange(4.0)), 6.0)


def outlined_code_is_called_through_its_slot() -> None:
    """LLVM's symbols and Numba's intrinsics and C callbacks."""
    C = np.zeros(VECTOR_BYTES // 8)
    _tile(C, np.array([2.0]), np.arange(float(C.size)))
    _expect(C.tolist(), (2.0 * np.arange(C.size)).tolist())


def a_loop_of_text_runs() -> None:
    """Numba's compiler with a flag of our own, and its C callbacks."""
    a, b, constants = np.arange(5.0), np.zeros(5), np.zeros(1)
    table = np.array([a.ctypes.data, 0, 5, b.ctypes.data, 0, 5], np.int64)
    compiled = compile_loop(LOOP, {"pointer_at": pointer_at}, "float64")
    compiled.ctypes(_pointer(table, "q"), _pointer(constants, "d"), 0, 1, 5)
    _expect(b.tolist(), (a + 1).tolist())


def subnormals_are_flushed() -> None:
    """Assembly in LLVM."""
    _expect(_mode_within() & FLUSH, FLUSH)


def locks_can_be_held() -> None:
    """Those that a fork takes."""
    for lock in LOCKS:
        _expect(lock.acquire(timeout=1), True)
        lock.release()


CHECKS: tuple[Callable[[], None], ...] = (
    locks_can_be_held,
    a_kernel_is_compiled_stored_and_loaded,
    compiled_code_calls_the_body_behind_a_checked_border,
    outlined_code_is_called_through_its_slot,
    a_loop_of_text_runs,
    subnormals_are_flushed,
)


def _pointer(array: np.ndarray, letter: str) -> object:
    kind = {"q": ctypes.c_int64, "d": ctypes.c_double}[letter]
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found} where {wanted} was to come")


def main() -> None:
    """Run the checks; the last line of what a failing one prints says which it is."""
    for check in CHECKS:
        try:
            check()
        except BaseException as fault:
            traceback.print_exc()
            sys.exit(f"{check.__name__.replace('_', ' ')}: {type(fault).__name__}: {' '.join(str(fault).split())}")
