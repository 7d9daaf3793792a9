"""Where compiled kernels are stored, and why a stored kernel is never stale.

Numba keys a cached function by its *own* file: edit a callee or a constant in another file and the old machine
code is served. Here the folder itself is the key:

    ROOT / rnnkit / fingerprint / cpu / <module of the kernel>

The fingerprint covers every source file a kernel can reach, the versions of what generates and links the code, and
the NUMBA_* switches that change it. Old folders are left for other checkouts that still use them; deleting any is safe.

This rests on `numba.core.caching`, which is not public: pyproject.toml pins numba's minor, and
tests/test_cache.py holds it.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
from filelock import FileLock, Timeout
from numba import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator

PACKAGE = Path(__file__).resolve().parent
CODE_SWITCHES = (
    "BOUNDSCHECK", "OPT", "DEBUGINFO_DEFAULT", "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "LOOP_VECTORIZE",
    "SLP_VECTORIZE", "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS", "DISABLE_INTEL_SVML",
)  # fmt: skip


def switches() -> str:
    """Return numba's switches as in force now: from the environment, .numba_config.yaml, or set in Python."""
    config.reload_config()
    return ";".join(f"{name}={getattr(config, name)}" for name in CODE_SWITCHES)


def kernel_sources() -> list[Path]:
    """Return every file that compiled code can depend on: the kernels, what they may import, and who else compiles.

    The others cannot be reached from a kernel (a wall, `tests/test_walls.py`): an edit of one keeps the cache.
    """
    inside = [*(PACKAGE / "kernels").rglob("*.py"), *(PACKAGE / "_simd").rglob("*.py"), *PACKAGE.glob("_[!_]*.py")]
    return sorted([*inside, *(p for p in PACKAGE.glob("[!_]*.py") if b"rnnkit._jit" in p.read_bytes())])


def fingerprint() -> str:
    """Return a name that changes whenever the machine code could."""
    digest = hashlib.sha256()
    for path in kernel_sources():
        digest.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes() + b"\0")
    for distribution in ("numba", "llvmlite", "numpy", "scipy"):
        digest.update(f"{distribution}={version(distribution)};".encode())
    digest.update(SWITCHES.encode())
    return digest.hexdigest()[:16]


def cpu_name() -> str:
    """Return the processor type: two of them sharing a disk must not share machine code."""
    features = llvm.get_host_cpu_features().flatten().encode()
    return f"{llvm.get_host_cpu_name()}-{hashlib.sha256(features).hexdigest()[:8]}"


def _candidate_roots() -> Iterator[Path]:
    for variable in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    yield Path(os.path.expanduser("~")) / ".cache"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    with contextlib.suppress(FileNotFoundError):  # no temporary folder either
        yield Path(tempfile.gettempdir()) / f"rnnkit-cache-{user}"


def _is_private(folder: Path) -> bool:
    """Return whether nobody else owns or may write the folder: what lies there is unpickled."""
    if not hasattr(os, "getuid"):
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def find_cache_folder() -> Path | None:
    """Return the first folder that can be written and locked, or None: then kernels compile in every process."""
    name = Path("rnnkit") / FINGERPRINT / cpu_name()
    for root in _candidate_roots():
        folder = root / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not all(_is_private(level) for level in (folder, *list(folder.parents)[: len(name.parts) - 1])):
                continue
            with FileLock(folder / ".lock", timeout=0):
                return folder
        except Timeout:  # another process looks up or stores there at this moment
            return folder
        except (
            OSError,
            RuntimeError,
            NotImplementedError,
        ):  # read-only, not a folder, no home, or no file locks there
            continue
    return None


SWITCHES = switches()
FINGERPRINT = fingerprint()
FOLDER = find_cache_folder()
# Two processes that store different signatures of one kernel on a cold cache can both claim the same data file, and
# the index then names the wrong code. Held to look up and to store, not to compile: two processes that compile
# different kernels do not wait for each other. A thread that takes it holds numba's own lock already.
LOCK = FileLock(FOLDER / ".lock") if FOLDER else None


def _after_fork() -> None:
    global LOCK
    LOCK = FileLock(FOLDER / ".lock") if FOLDER else None  # the parent's refuses to work here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _KernelLocator(UserProvidedCacheLocator):
    """Tell numba to store a kernel of this package below FOLDER."""

    def __init__(self, py_func, py_file):
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        module = Path(py_file).resolve().relative_to(PACKAGE).with_suffix("")
        self._cache_path = str(FOLDER / module)

    def get_source_stamp(self) -> str:
        return FOLDER.parent.name

    @classmethod
    def from_function(cls, py_func, py_file) -> "_KernelLocator":
        return cls(py_func, py_file)


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (_KernelLocator,)


class KernelCache(FunctionCache):
    """Numba's cache of one function, with the locator above in place of numba's own."""

    _impl_class = _KernelCacheImpl

    def load_overload(self, sig, target_context):
        if switches() != SWITCHES:
            return None
        with LOCK:
            return super().load_overload(sig, target_context)

    def save_overload(self, sig, data):
        if switches() == SWITCHES:
            with LOCK:
                super().save_overload(sig, data)
