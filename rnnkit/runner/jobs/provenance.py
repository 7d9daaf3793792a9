"""Where a number comes from: code, versions, machine, threads, and the time of compilation apart from that of work."""

import os
import platform
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import scipy
from numba import config
from numba.core import event
from threadpoolctl import threadpool_info

from rnnkit.parallel import threading_layer
from rnnkit.runner import shipped


@cache
def environment(file: Path) -> dict[str, Any]:
    """Return what all jobs of a process share; `file` is the experiment's, whose git checkout is asked."""
    versions = {name: version(name) for name in ("rnnkit", "numpy", "numba", "scipy")}
    return versions | {
        "python": platform.python_version(),
        "commit": _commit(file),
        "blas": _blas(),
        "cpu": _cpu(),
        "threads": config.NUMBA_NUM_THREADS,
        "threading": threading_layer(),
        "host": socket.gethostname(),
    }


def _commit(file: Path) -> str:
    """Return the commit that is checked out around an experiment's file; none outside of git, and of rnnkit's wheel.

    It ends in -dirty where code or configurations differ from it, or git does not know the file.
    """
    folder = file.parent
    if shipped.INSTALLED in file.parents:  # what git knows there is not rnnkit's
        return "none"
    sources = [f":(top)*.{ending}" for ending in ("py", "yaml", "toml")]
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *sources)
    known = _git(folder, "ls-files", "--", file.name)
    return f"{commit}-dirty" if commit and (changed or not known) else commit or "none"


def _git(folder: Path, *words: str) -> str:
    try:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError:  # no git here
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _blas() -> str:
    """Return the BLAS that kernels call, with the architecture it was loaded for."""
    scipy.linalg.blas  # noqa: B018  loads it
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # kernels call scipy's; NumPy brings one too, in a folder of its own
    own = [library for library in found if "scipy" in str(Path(library["filepath"]).parent)] or found
    return " ".join(str(own[0].get(key)) for key in ("internal_api", "version", "architecture")) if own else "none"


def _cpu() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@contextmanager
def compilation() -> Iterator[Callable[[], float]]:
    """Yield a function that returns the seconds of this block in which numba compiled."""
    with event.install_listener("numba:compile", event.TimingListener()) as listener:
        yield lambda: listener.duration if listener.done else 0.0


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
