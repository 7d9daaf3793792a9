"""Networks in .npz files: the constructor's arguments as JSON, one array for each weight, and the number of the format.

A shipped cell is saved by its name. One of a user's own is saved by its class, its constants and a digest of its
equations: to load runs no code but what the caller names.
"""

import json
import os
import uuid
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rnnkit._arguments import check_path
from rnnkit.cells import CELLS, Cell, as_cell
from rnnkit.cells.files import digest
from rnnkit.parametrizations import PARAMETRIZATIONS, Parametrization, as_parametrization

FORMAT = 1
TRIES = 5  # NumPy parses headers by `ast`, which in CPython 3.11 may stumble over another thread that does (gh-106905)
ZIP = b"PK\x03\x04"  # how an archive begins
# What zipfile and NumPy raise on a file that is no .npz, or a damaged one.
FAULTS = (ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


def save(path: str | Path, net: Any) -> None:
    """Write beside `path` first: an interruption leaves what was there."""
    check_path("path", path)
    path, arguments = Path(path), {"kind": type(net).__name__} | net.arguments() | saved_parts(net)
    if path.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {path.name!r}")
    if not path.parent.is_dir():
        raise ValueError(f"path must be in a folder that is there, got {str(path)!r}")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.npz")
    try:
        np.savez(beside, format=np.array(FORMAT), settings=np.array(json.dumps(arguments)), **net.parameters)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | Path, kind: type, cell: Any = None, parametrization: Any = None) -> Any:
    """Return a `kind` (a network's class) with the weights of a file that `save` wrote.

    cell, parametrization: where they are not shipped; their constants are those of the file.
    """
    check_path("path", path)
    arrays = _read(path)
    found = arrays.pop("format", np.array("none"))
    if found.shape != () or found != FORMAT:
        raise ValueError(f"{path} must have format {FORMAT} for this version of rnnkit, got {found}")
    arguments = str(arrays.pop("settings", "no arguments"))
    try:
        of_kind = json.loads(arguments)
        if of_kind.pop("kind") != kind.__name__:
            raise TypeError(f"kind must be {kind.__name__}")
        of_kind["cell"] = _loaded_cell(of_kind["cell"], cell)
        if parametrization is not None or "parametrization" in of_kind:
            of_kind["parametrization"] = _loaded_map(of_kind.get("parametrization"), parametrization)
        net = kind(**of_kind)
    except _Unlike as error:
        raise ValueError(f"{path}: {error}") from None
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} must hold a saved {kind.__name__}, got {arguments} ({error})") from None
    _check_arrays(path, arrays, net.parameters)
    for name, array in net.parameters.items():
        array[:] = arrays[name]
    return net


def saved_parts(net: Any) -> dict:
    """Return what a file says of a net's cell and of its parametrization, where it has one."""
    arguments = net.arguments()
    found = {"cell": _saved_cell(arguments["cell"])}
    if (one := arguments.get("parametrization")) is not None:
        found["parametrization"] = {"name": one.name, "constants": dict(one.constants)}
    return found


def _saved_cell(cell: Cell) -> str | dict:
    """Return what a file says of a cell: the name of a shipped one; else its class, constants and equations."""
    if type(cell) in CELLS.values():
        return cell.name
    return {"name": cell.name, "constants": dict(cell.constants), "digest": digest(type(cell))}


class _Unlike(Exception):  # noqa: N818  what is to be said after the path
    """A cell or a parametrization that the caller has to name, or names wrongly."""


def _loaded_cell(saved: str | dict, given: Any) -> Cell:
    """Return the cell that a file was saved with: a shipped one by its name, another as the caller names it.

    A name in a file is never taken for a path: to load one runs nothing.
    """
    name = saved if isinstance(saved, str) else saved["name"]
    if given is None and isinstance(saved, dict):
        raise _Unlike(f"cell must be given for a network of {name}, which rnnkit does not ship, got none")
    if isinstance(saved, str) and saved not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {saved!r}")
    one = as_cell(saved if given is None else given)
    wanted = digest(CELLS[saved]) if isinstance(saved, str) else saved["digest"]
    if digest(type(one)) != wanted:
        raise _Unlike(f"cell must have the equations of {name} that the network was saved with, got {one.shown}")
    return one if isinstance(saved, str) else type(one)(**saved["constants"])


def _loaded_map(saved: dict | None, given: Any) -> Parametrization:
    """Return the parametrization that a file was saved with, by its name, or as the caller names it."""
    name = None if saved is None else saved["name"]
    if given is None and name not in PARAMETRIZATIONS:
        raise _Unlike(f"parametrization must be given for a network of {name}, which rnnkit does not ship, got none")
    one = as_parametrization(name if given is None else given)
    if one.name != name:
        raise _Unlike(f"parametrization must be {name}, which the network was saved with, got {one.name}")
    return type(one)(**saved["constants"])


def rebuild(kind: type, arguments: dict, flat: np.ndarray) -> Any:
    """Return a network with these weights: what copies and pickles are made by."""
    net = kind(**arguments)
    net.flat[:] = flat
    return net


def _read(path: str | Path) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as opened:  # np.load does not close what turns out to be no archive
            return arrays_of(opened)
    except FAULTS as error:
        raise ValueError(f"{path} must be a saved network, got a file that cannot be read ({error})") from None


def arrays_of(opened: BinaryIO) -> dict[str, np.ndarray]:
    """Return the arrays of an open .npz file; ValueError, or another of FAULTS, for what is none."""
    if opened.read(len(ZIP)) != ZIP or not zipfile.is_zipfile(opened):
        raise ValueError("no .npz")
    for tried in range(TRIES):
        opened.seek(0)
        try:
            file = np.load(opened, allow_pickle=False)
            return {name: file[name] for name in file.files}
        except OSError as error:  # of places that lie before the file's beginning
            raise ValueError(str(error)) from None
        except SystemError:
            if tried == TRIES - 1:
                raise
    raise AssertionError


def _check_arrays(path: str | Path, arrays: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    for name in sorted(arrays.keys() ^ wanted.keys()):
        got = f"{'no' if name in wanted else 'an unknown'} {name}"
        raise ValueError(f"{path} must have the arrays of the network, got {got}")
    for name, array in wanted.items():
        if (arrays[name].shape, arrays[name].dtype) != (array.shape, array.dtype):
            got = f"{arrays[name].shape} {arrays[name].dtype}"
            raise ValueError(f"{path}: {name} must be {array.shape} {array.dtype}, got {got}")
