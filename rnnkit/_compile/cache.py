"""Compiled kernels on disk. Whatever is wrong with them costs time, never an answer, and is said once.

    FOLDER / <module> / <kernel>-<digest of its key>.nbc     SHA-256 of what follows, then a pickle of (key, code)

Numba's own cache raises at every call once a file of it is damaged, and lists the signatures of a function in an index:
two processes that store different ones at once can leave one that names the wrong code. Here a file is written beside
its place and moved there, so processes share nothing and need no lock. A file whose digest is wrong is not looked into
(LLVM ends the process on damaged machine code), and the kernel that is compiled instead replaces it.

This rests on `numba.core.caching` and on `CompileResult`, which are not public (`rnnkit._compile.internals`).
"""

import contextlib
import hashlib
import logging
import os
import pickle
import sys
import tempfile
from pathlib import Path

from rnnkit._compile.cache_folder import FINGERPRINT, FOLDER, PACKAGE, REFUSED, SWITCHES, make_private, switches
from rnnkit._compile.internals import CompileResult, FunctionCache, dumps

__all__ = ["FINGERPRINT", "FOLDER", "PACKAGE", "KernelCache", "faults"]
DIGEST_BYTES = hashlib.sha256().digest_size
# A pickle of another Python is another file.
PYTHON = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
# The first fault of each kind in this process: what could not be found, read or stored.
faults: dict[str, str] = {}


def _note(kind: str, fault: str) -> None:
    """Keep the first fault of a kind, and tell the user of the first of all.

    By logging, which is a line on stderr unless the program does otherwise, and not by a warning: where the program
    makes warnings errors, it would end the compilation.
    """
    if not faults:
        logging.getLogger("rnnkit").warning(
            "rnnkit: compiled kernels %s. The missing are compiled, which takes time and changes no result. Said once.",
            fault,
        )
    faults.setdefault(kind, fault)


class KernelCache(FunctionCache):
    """The stored code of one function of this package; numba calls it with its compiler lock held."""

    def __init__(self, py_func):
        self._py_func, self._name = py_func, repr(py_func)
        self.enable()

    @property
    def cache_path(self) -> str | None:
        """The folder of the function's module, or None: `dispatcher.stats` shows it."""
        if FOLDER is None:
            return None
        return str(FOLDER / Path(self._py_func.__code__.co_filename).resolve().relative_to(PACKAGE).with_suffix(""))

    def load_overload(self, sig, target_context):
        """Return the stored CompileResult for a signature, or None."""
        if REFUSED:
            _note("find", f"are stored in {FOLDER}: {REFUSED}" if FOLDER else f"cannot be stored: {REFUSED}")
        if not self._in_use():
            return None
        target_context.refresh()
        key = self._index_key(sig, target_context.codegen())
        path = self._path(key)
        try:
            payload = _read(path, key)
            return None if payload is None else CompileResult._rebuild(target_context, *payload)
        except Exception as fault:  # of any kind: unpickling runs code
            _note("read", f"cannot be read: {path}: {_reason(fault)}")
            return None

    def save_overload(self, sig, data):
        """Store a CompileResult."""
        if not self._in_use():
            return
        try:
            if data.library.has_dynamic_globals or data.lifted:
                raise TypeError(f"{self._name} holds addresses of this process")
            key = self._index_key(sig, data.codegen)
            _write(self._path(key), dumps((key, data._reduce())))
        except Exception as fault:
            _note("store", f"cannot be stored: {self.cache_path}: {_reason(fault)}")

    def flush(self):
        """Forget what is stored, as `dispatcher.recompile` asks."""
        self.disable()

    def _in_use(self) -> bool:
        return self._enabled and FOLDER is not None and switches() == SWITCHES

    def _path(self, key) -> Path:
        """Return the file of a key: signature, target, hashes of bytecode and closure; their text names it."""
        code = self._py_func.__code__
        digest = hashlib.sha256(repr((PYTHON, code.co_firstlineno, key)).encode()).hexdigest()[:24]
        name = self._py_func.__qualname__.replace("<", "").replace(">", "")  # not in names of files on Windows
        return Path(self.cache_path) / f"{name}-{digest}.nbc"


class LoopCache(KernelCache):
    """The stored code of a function made of text, which has no file: `digest` is that of the text."""

    def __init__(self, py_func, digest):
        super().__init__(py_func)
        self._digest = digest

    @property
    def cache_path(self) -> str | None:
        """The folder of all loops, or None."""
        return None if FOLDER is None else str(FOLDER / "loops")

    def _path(self, key) -> Path:
        digest = hashlib.sha256(repr((PYTHON, self._digest, key[:2])).encode()).hexdigest()[:24]
        return Path(self.cache_path) / f"{self._py_func.__name__}-{digest}.nbc"

    def _index_key(self, sig, codegen):
        """Return the key without the hash of closures: what a loop calls stands in the fingerprint."""
        return sig, codegen.magic_tuple(), self._digest


def _reason(fault):
    """Return a fault in words, without the path that an OSError ends with."""
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__


def _read(path, key):
    """Return what was stored under the key, or None; ValueError where the file is not as it was written."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, body = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("damaged")
    stored_key, payload = pickle.loads(body)
    return payload if stored_key == key else None


def _write(path, body):
    """Write a whole file or none."""
    make_private(path.parent)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.")
    try:
        with open(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
