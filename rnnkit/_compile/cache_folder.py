"""Where compiled kernels are kept, and why a stored kernel is never stale.

Numba keys a cached function by its *own* file: edit a callee or a constant in another file and the old machine
code is served. Here the folder itself is the key:

    ROOT / rnnkit / fingerprint / cpu / <module of the kernel>

The fingerprint covers every source file a kernel can reach, the versions of what generates and links the code, and
the NUMBA_* switches that change it. Old folders are left for other checkouts that still use them; deleting any is safe.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
from numba import config

PACKAGE = Path(__file__).resolve().parents[1]
REACHED = ("_compile", "cells", "kernels", "parametrizations")
CODE_SWITCHES = (
    "BOUNDSCHECK", "OPT", "DEBUGINFO_DEFAULT", "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "LOOP_VECTORIZE",
    "SLP_VECTORIZE", "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS", "DISABLE_INTEL_SVML",
)  # fmt: skip


def switches() -> str:
    """Return numba's switches as in force now: from the environment, .numba_config.yaml, or set in Python."""
    config.reload_config()
    return ";".join(f"{name}={getattr(config, name)}" for name in CODE_SWITCHES)


def kernel_sources() -> list[Path]:
    """Return every file that compiled code can depend on: what kernels may import, and whatever else compiles.

    The others cannot be reached from a kernel (a wall, `tests/test_walls.py`): an edit of one keeps the cache.
    """
    reached = [path for name in REACHED for path in (PACKAGE / name).rglob("*.py")]
    compiling = [path for path in PACKAGE.rglob("*.py") if b"rnnkit._compile" in path.read_bytes()]
    return sorted({*reached, *compiling, *PACKAGE.glob("_[!_]*.py")})


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
    if asked := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(asked)
    home = Path(os.path.expanduser("~"))  # stays "~" where there is no home
    for root in (Path(os.environ.get("XDG_CACHE_HOME", "")), home / ".cache"):
        if root.is_absolute():  # a relative XDG_CACHE_HOME is to be ignored, says its specification
            yield root
    user = os.getuid() if hasattr(os, "getuid") else "user"
    with contextlib.suppress(FileNotFoundError):  # no temporary folder either
        yield Path(tempfile.gettempdir()) / f"rnnkit-cache-{user}"


def make_private(folder: Path) -> None:
    """Make a folder and those above it; nobody else may write what is made, whatever the umask."""
    for level in reversed([folder, *folder.parents]):
        level.mkdir(mode=0o700, exist_ok=True)


def _check_private(folder: Path) -> None:
    """Raise PermissionError where somebody else owns or may write the folder: what lies there is unpickled."""
    if hasattr(os, "getuid"):
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        if status.st_mode & 0o022:
            raise PermissionError(f"others may write {folder}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be read")


def find_cache_folder() -> tuple[Path | None, str]:
    """Return the first folder that is there or can be made, or None, and what the user is to be told.

    One that can be read but not written serves too: kernels may have been stored when it could.
    """
    name, refused = Path("rnnkit") / FINGERPRINT / cpu_name(), []
    for root in _candidate_roots():
        try:
            folder = root.absolute() / name  # the program may change its working directory
            make_private(folder)
            for level in (folder, *list(folder.parents)[: len(name.parts) - 1]):
                _check_private(level)
        except OSError as fault:
            refused.append(str(fault))
            continue
        return folder, refused[0] if refused and os.environ.get("NUMBA_CACHE_DIR") else ""
    return None, "; ".join(refused) or "there is no home and no temporary folder"


SWITCHES = switches()
FINGERPRINT = fingerprint()
FOLDER, REFUSED = find_cache_folder()
