"""Which source files decide the numbers of an experiment, and their identity.

Its own file and what it imports from beside it; and of rnnkit what these reach by their imports, of a package the
modules alone that the imported names come from. Not `rnnkit.runner`, which plans, stores, collects and draws.
"""

import ast
import errno
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[2]
EVERYTHING = frozenset("*")


class Import(NamedTuple):
    """`from module import names` with its leading dots; `import module` has no names."""

    level: int
    module: tuple[str, ...]
    names: tuple[str, ...]


def code_identity(file: Path, *more: Path | str) -> str:
    """Return 12 hex digits of an experiment's sources, and of more: files, or texts."""
    digest = hashlib.sha256()
    own = [(path.name, path) for path in own_sources(file)]  # the same wherever the experiment is, a wheel included
    for name, path in own + [(path.relative_to(PACKAGE).as_posix(), path) for path in reached(file)]:
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    for part in more:
        digest.update(part.encode() if isinstance(part, str) else part.name.encode() + part.read_bytes())
    return digest.hexdigest()[:12]


def file_identity(file: Path) -> str:
    """Return the first 12 hex digits of a file's SHA-256; of a .py file that imports others beside it, of all of them.

    Raises OSError, also for what is no regular file: a pipe can be read only once.
    """
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "no regular file")
    digest = hashlib.sha256(file.read_bytes())
    for path in own_sources(file) if file.suffix == ".py" else []:
        if path != file:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def own_sources(file: Path) -> list[Path]:
    """Return an experiment's file, the files and packages beside it that it imports, and what those import."""
    found, left = [], [file]
    while left:
        path = left.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        for one in imports(path):
            folder = path.parents[one.level - 1] if one.level else file.parent
            for parts in [(*one.module, name) for name in one.names] or [one.module]:
                for n in range(1, len(parts) + 1):  # a.b.c: the packages a and a.b too
                    left += [folder.joinpath(*parts[:n]).with_suffix(".py"), folder.joinpath(*parts[:n], "__init__.py")]
    return sorted(found)


def reached(file: Path) -> list[Path]:
    """Return the files of rnnkit that an experiment reaches."""
    found: dict[Path, frozenset[str]] = {}
    left = [target for path in own_sources(file) for one in imports(path) for target in _targets(one)]
    while left:
        path, names = left.pop()
        known = found.get(path, frozenset())
        if names <= known or known == EVERYTHING or PACKAGE / "runner" in path.parents:
            continue
        found[path] = EVERYTHING if EVERYTHING in (names, known) else known | names
        left += [target for one in _wanted(path, names) for target in _targets(one)]
    return sorted(found)


def _wanted(path: Path, names: frozenset[str]) -> Iterator[Import]:
    """Yield the imports of a file that the names come from: of a package which imports them all, theirs alone."""
    every = imports(path)
    bound = {name for one in every for name in one.names}
    if path.name != "__init__.py" or not names <= bound:
        yield from every
        return
    for one in every:
        if picked := tuple(name for name in one.names if name in names):
            yield one._replace(names=picked)


def _targets(one: Import) -> Iterator[tuple[Path, frozenset[str]]]:
    """Yield (a file of rnnkit, the names wanted of it)."""
    if one.level or one.module[:1] != (PACKAGE.name,):
        return
    base = PACKAGE.joinpath(*one.module[1:])
    if base.with_suffix(".py").is_file():
        yield base.with_suffix(".py"), EVERYTHING
    elif base.is_dir():
        for name in one.names or ("*",):
            inner = base / f"{name}.py", base / name / "__init__.py"
            module = next((path for path in inner if path.is_file()), None)
            yield (module, EVERYTHING) if module else (base / "__init__.py", frozenset({name}))


def imports(path: Path) -> tuple[Import, ...]:
    """Return the imports of a file, anywhere in it; none of a file that is no Python."""
    status = path.stat()
    return _imports(path, status.st_mtime_ns, status.st_size)


@cache
def _imports(path: Path, _changed: int, _size: int) -> tuple[Import, ...]:
    try:
        tree, found = ast.parse(path.read_bytes()), []
    except (SyntaxError, ValueError):
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(0, tuple(name.name.split(".")), ()) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            found.append(Import(node.level, module, tuple(name.name for name in node.names)))
    return tuple(found)
