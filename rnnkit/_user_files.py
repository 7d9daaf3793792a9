"""Python files that a user names: tasks, cells, experiments. Each is run once, and anew when it has changed."""

import linecache
import sys
import traceback
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "_rnnkit_"  # of the names of their modules
_modules: dict[Path, tuple[bytes, ModuleType]] = {}


def only_class(path: str | Path, base: type, where: str) -> type:
    """Return the one subclass of `base` that the .py file at `path` defines; those it imports don't count.

    The file is run under a module name of its own; `sys.path` stays as it is. Raises ValueError that begins with
    `where`: no such file, an error in it, no class or several.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise ValueError(f"{where}: there is no such file")
    module = module_of(file, where)
    classes = {v for v in vars(module).values() if isinstance(v, type) and issubclass(v, base)}
    own = sorted((c for c in classes if c.__module__ == module.__name__), key=lambda c: c.__name__)
    if len(own) != 1:
        names = f" ({', '.join(c.__name__ for c in own)})" if own else ""
        kind = base.__name__
        raise ValueError(f"{where}: the file must define exactly one subclass of {kind}, got {len(own)}{names}")
    return own[0]


def is_user_module(name: str) -> bool:
    """Return whether a module is one of these files: nothing can import it by its name."""
    return name.startswith(PREFIX)


def describe(error: BaseException, file: Path | None = None) -> str:
    """Return what a message says of an error: its kind, its text, and the last line of `file` that it came through."""
    frames = traceback.extract_tb(error.__traceback__) if file else []
    line = next((f", line {frame.lineno}" for frame in reversed(frames) if frame.filename == str(file)), "")
    return f"{type(error).__name__}: {' '.join(str(error).split())}{line}"


def module_of(file: Path, where: str) -> ModuleType:
    """Return the file as a module, run anew where it has changed: a sweep asks for its task at every turn.

    Raises ValueError that begins with `where`.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{where}: the file cannot be read ({error.strerror})") from None
    known, module = _modules.get(file, (b"", None))
    if module is None or known != text:
        module = _run_text(file, text, where)
        _modules[file] = text, module
    return module


def _run_text(file: Path, text: bytes, where: str) -> Any:
    """Run the file as a module that stands in sys.modules: pickle, dataclasses and messages look there.

    SHA256, its global, is of the text.
    """
    module = ModuleType(f"{PREFIX}{file.stem}_{sha256(str(file).encode()).hexdigest()[:16]}")
    module.__file__, module.SHA256 = str(file), sha256(text).hexdigest()
    sys.modules[module.__name__] = module
    linecache.checkcache(str(file))
    try:
        exec(compile(text, str(file), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise ValueError(f"{where}: the file raises {describe(error, file)}") from error
    return module
