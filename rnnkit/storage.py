"""Networks in .npz files: the settings as JSON, one array for each weight, and the number of the format.

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
    path, settings = Path(path), {"kind": type(net).__name__} | net.settings() | saved_parts(net)
    if path.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {path.name!r}")
    if not path.parent.is_dir():
        raise ValueError(f"path must be in a folder that is there, got {str(path)!r}")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.npz")
    try:
        np.savez(beside, format=np.array(FORMAT), settings=np.array(json.dumps(settings)), **net.parameters)
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
        raise ValueError(f"{path} has format {found}; this version of rnnkit reads {FORMAT}")
    settings = str(arrays.pop("settings", "no settings"))
    try:
        of_kind = json.loads(settings)
        if of_kind.pop("kind") != kind.__name__:
            raise TypeError("it is of another kind")
        of_cell, of_map = of_kind["cell"], of_kind.get("parametrization")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} does not hold a {kind.__name__}, but {settings}: {error}") from None
    if cell is not None or isinstance(of_cell, dict):
        of_kind["cell"] = _loaded_cell(path, of_cell, cell)
    if parametrization is not None or of_map is not None:
        of_kind["parametrization"] = _loaded_map(path, of_map, parametrization)
    try:
        net = kind(**of_kind)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} does not hold a {kind.__name__}, but {settings}: {error}") from None
    _check_arrays(path, arrays, net.parameters)
    for name, array in net.parameters.items():
        array[:] = arrays[name]
    return net


def saved_parts(net: Any) -> dict:
    """Return what a file says of a net's cell and of its parametrization, where it has one."""
    settings = net.settings()
    found = {"cell": _saved_cell(settings["cell"])}
    if (one := settings.get("parametrization")) is not None:
        found["parametrization"] = {"name": one.name, "constants": dict(one.constants)}
    return found


def _saved_cell(cell: Cell) -> str | dict:
    """Return what a file says of a cell: the name of a shipped one; else its class, constants and equations."""
    if type(cell) in CELLS.values():
        return cell.name
    return {"name": cell.name, "constants": dict(cell.constants), "digest": digest(type(cell))}


def _loaded_cell(path: str | Path, saved: str | dict, cell: Any) -> Cell:
    """Return the cell that a file was saved with, from what the caller names."""
    name = saved if isinstance(saved, str) else str(saved.get("name"))
    if cell is None:
        raise ValueError(f"{path} holds a network of the cell {name}, which rnnkit does not ship: name it by cell=")
    given = as_cell(cell)
    same = given.name == saved if isinstance(saved, str) else digest(type(given)) == saved.get("digest")
    if not same:
        raise ValueError(f"cell must be the {name} that {path} was saved with, got {given.shown}: its equations differ")
    return given if isinstance(saved, str) else type(given)(**saved["constants"])


def _loaded_map(path: str | Path, saved: dict | None, given: Any) -> Parametrization:
    """Return the parametrization that a file was saved with, by its name, or as the caller names it."""
    name = None if saved is None else str(saved.get("name"))
    if given is None and name not in PARAMETRIZATIONS:
        raise ValueError(f"{path} has the parametrization {name}, which rnnkit does not ship: name it")
    one = as_parametrization(name if given is None else given)
    if one.name != name:
        raise ValueError(f"parametrization must be the {name} that {path} was saved with, got {one.name}")
    return type(one)(**saved["constants"])


def rebuild(kind: type, settings: dict, flat: np.ndarray) -> Any:
    """Return a network with these weights: what copies and pickles are made by."""
    net = kind(**settings)
    net.flat[:] = flat
    return net


def _read(path: str | Path) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as opened:  # np.load does not close what turns out to be no archive
            return arrays_of(opened)
    except FAULTS as error:
        raise ValueError(f"{path} is not a saved network: {error}") from None


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
        raise ValueError(f"{path} {'lacks' if name in wanted else 'has an unknown array'} {name}")
    for name, array in wanted.items():
        if (arrays[name].shape, arrays[name].dtype) != (array.shape, array.dtype):
            got = f"{arrays[name].shape} {arrays[name].dtype}"
            raise ValueError(f"{path}: {name} must be {array.shape} {array.dtype}, got {got}")
