"""Environments of the peers, made once and kept: JAX as it is today, JAX 0.4.31, PyTorch, oneDNN compiled by g++.

Each has its own: two versions of JAX cannot share one, and rnnkit's should not change by what it is compared with. JAX
0.4.31 is the last whose CPU runtime runs a program as one piece: small nets are up to four times as fast as in later
ones. oneDNN is 2023.2, the newest on PyPI that runs without SYCL. On PyPI `torch` may be a GPU build of several GB:
where rnnkit's own environment has PyTorch, that is taken.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
WORKER = str(HERE / "worker.py")
ONEDNN = "2023.2.0"


class MissingError(Exception):
    """Why a peer cannot be had here."""


class Command(NamedTuple):
    """What starts a contender's process: words, and variables beside those of this process."""

    words: list[str]
    variables: dict[str, str]


def commands(folder: Path) -> tuple[dict[str, Command], dict[str, str]]:
    """Return (commands by contender, reasons by those that cannot be had); environments are kept in `folder`."""
    makers: dict[str, Callable[[], list[str]]] = {
        "jax": lambda: [str(python_with(folder / "jax", "jax")), WORKER, "jax"],
        "jax-0.4.31": lambda: [str(python_with(folder / "jax-0.4.31", "jax==0.4.31", "jaxlib==0.4.31")), WORKER, "jax"],
        "torch": lambda: [torch_python(folder), WORKER, "torch"],
        "onednn": lambda: [str(onednn_binary(folder / "onednn"))],
    }
    found, missing = {"rnnkit": Command([sys.executable, WORKER, "rnnkit"], {})}, {}
    for name, make in makers.items():
        print(f"environment of {name}", file=sys.stderr, flush=True)
        try:
            words = make()
        except MissingError as reason:
            missing[name] = str(reason)
            continue
        if name == "onednn":
            for threads in ("1", "2"):
                found[f"onednn-{threads}"] = Command(words, {"OMP_NUM_THREADS": threads})
        else:
            found[name] = Command(words, {})
    return found, missing


def python_with(folder: Path, *packages: str) -> Path:
    """Return the Python of an environment with these packages, made if it is not there. Raises MissingError."""
    python, made = folder / "bin" / "python", folder / "made"
    if not made.exists():
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
        made.touch()
    return python


def torch_python(folder: Path) -> str:
    """Return a Python that has PyTorch: this one if it has."""
    return sys.executable if importlib.util.find_spec("torch") else str(python_with(folder / "torch", "torch"))


def onednn_binary(folder: Path) -> Path:
    """Return the program that runs oneDNN's primitives, compiled if it is not there. Raises MissingError."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise MissingError("there is no g++ to compile onednn.cpp with")
    python_with(folder, f"onednn-cpu-gomp=={ONEDNN}", f"onednn-devel-cpu-gomp=={ONEDNN}")
    binary, source, library = folder / "worker", HERE / "onednn.cpp", folder / "lib"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        options = ["-O2", "-std=c++17", f"-I{folder / 'include'}", f"-L{library}", f"-Wl,-rpath,{library}"]
        run([compiler, *options, str(source), "-o", str(binary), "-ldnnl"])
    return binary


def run(words: list[str]) -> None:
    """Run a command in silence. Raises MissingError with the last line it printed where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"PIP_NO_INPUT": "1"})
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise MissingError(f"{' '.join(words[:6])} ... failed: {lines[-1]}")
