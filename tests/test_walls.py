"""The walls of the house: what may import what, read from the source, each with a planted breach."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from rnnkit.cells import CELLS

PACKAGE = Path(find_spec("rnnkit").origin).parent
EXPERIMENTS = PACKAGE.parent / "experiments"
TIMEOUT = 120  # seconds for one process: an import takes about 1; only a hang reaches it
KERNELS_MAY_IMPORT = (
    "numpy",
    "numba",
    "math",
    "typing",
    "collections.abc",
    "functools",
    "rnnkit._arguments",
    "rnnkit._compile",
    "rnnkit.cells",
    "rnnkit.parametrizations",
    "rnnkit.kernels",
)
CELLS_MAY_IMPORT = (
    *(name for name in KERNELS_MAY_IMPORT if name not in ("rnnkit.kernels", "rnnkit.parametrizations")),
    "rnnkit._with_constants",
    "llvmlite.binding",
    "hashlib",
    "itertools",
    "os",
    "pathlib",
    "sys",
    "ctypes",
    "dataclasses",
    "inspect",
    "keyword",
    "traceback",
    "types",
)
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "jitclass"}
RUNNER_ALONE = ("hydra", "omegaconf", "pandas", "matplotlib", "pydantic", "tqdm")
IMPORTERS = {"import_module", "__import__"}
IMPORT_ALL = f"""
import sys
from numba.core import event
with event.install_recorder("numba:compile") as compiled:
    import rnnkit, rnnkit.kernels
print(sorted(set({RUNNER_ALONE}) & set(sys.modules)), len(compiled.buffer))
"""


def files(*folders: Path, but: str = "") -> list[Path]:
    """Return the sources below the folders, without those below the folder `but`."""
    found = [p for folder in folders for p in sorted(folder.rglob("*.py"))]
    return [p for p in found if not but or PACKAGE / but not in p.parents]


def imported(source: str) -> Iterator[str]:
    """Yield every name imported, dotted in full; a relative import keeps its dots."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ("." * node.level + f"{node.module or ''}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in IMPORTERS:
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def foreign_imports(source: str, allowed: tuple[str, ...] = KERNELS_MAY_IMPORT) -> list[str]:
    """What a kernel file imports beyond its wall."""
    return [name for name in imported(source) if not below(name, allowed)]


def foreign_to_cells(source: str) -> list[str]:
    """What a file of cells imports beyond its wall: kernels stand above it."""
    return foreign_imports(source, CELLS_MAY_IMPORT)


def heavy_imports(source: str) -> list[str]:
    return [name for name in imported(source) if below(name, RUNNER_ALONE)]


def compilers_named(source: str) -> list[str]:
    """Every use of numba's compilers as code: `njit` under any owner, the others as numba's own."""
    found = [name for name in imported(source) if name.split(".")[0] == "numba" and name.split(".")[-1] in COMPILERS]
    for node in ast.walk(ast.parse(source)):
        owner = _name(node.value) if isinstance(node, ast.Attribute) else ""
        name = _name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        if name == "njit" or (owner in {"numba", "nb"} and name in COMPILERS):
            found.append(name)
    return found


def vector_code(source: str) -> list[str]:
    """Every door to LLVM's own code: `llvmlite` but for its binding, and numba's `intrinsic`."""
    found = [name for name in imported(source) if below(name, ("llvmlite",)) and not below(name, ("llvmlite.binding",))]
    found += [name for name in imported(source) if name.startswith("numba.") and name.endswith(".intrinsic")]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and (_name(node.value), node.attr) == ("llvmlite", "ir"):
            found.append("llvmlite.ir")
        if isinstance(node, ast.Name | ast.Attribute) and _name(node) == "intrinsic":
            found.append("intrinsic")
    return found


NAMES_OF_CELLS = set(CELLS)
MAY_NAME_CELLS = {  # and why
    "cells": "where they are",
    "reference": "written out",
    "kernels/__init__.py": "public", "kernels/activations.py": "public codes", "kernels/cells.py": "public codes",
    "kernels/lstm.py": "public functions", "kernels/gru.py": "public functions",
    "kernels/losses.py": "a loss", "kernels/answers.py": "a loss", "tasks/data_set.py": "a loss",
    "tasks/polyphony.py": "a loss", "tasks/user_file.py": "a loss", "initializers.py": "the identity matrix",
    "training/checkpoints.py": "the identity of a training",
    "gradients/wide.py": "functions of a step",
    "networks/network.py": "a default", "networks/encoder_decoder.py": "a default", "networks/recipes.py": "of papers",
    "warmup.py": "compiles them",
}  # fmt: skip


def cells_named(source: str) -> list[str]:
    """Every name of a shipped cell: as a constant's value, of its class, or of the codes that kernels export."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [getattr(node, "value", None)] if isinstance(node, ast.Constant) else []
        named = {ast.Name: "id", ast.alias: "name", ast.Attribute: "attr"}.get(type(node))
        names += [getattr(node, named)] if named and not getattr(node, named).islower() else []  # of a class or a code
        found += [name for name in names if isinstance(name, str) and name.lower() in NAMES_OF_CELLS]
    return found


def breaches(checker, paths, *arguments) -> dict[str, list[str]]:
    found = {str(p.relative_to(PACKAGE.parent)): checker(p.read_text(), *arguments) for p in paths}
    return {path: names for path, names in found.items() if names}


def test_kernels_import_kernels_and_the_compiler_only():
    assert breaches(foreign_imports, files(PACKAGE / "kernels")) == {}
    assert breaches(foreign_to_cells, files(PACKAGE / "cells")) == {}


def test_no_file_but_those_of_cells_names_one_or_asks_which_it_is():
    found = {Path(path).relative_to("rnnkit") for path in breaches(cells_named, files(PACKAGE))}
    allowed = {path for path in found for name in MAY_NAME_CELLS if Path(name) in (path, *path.parents)}
    assert found - allowed == set()
    assert {name for name in MAY_NAME_CELLS if not any(Path(name) in (p, *p.parents) for p in found)} == set()


def test_the_compiler_is_named_at_its_door_only():
    assert breaches(compilers_named, files(PACKAGE, EXPERIMENTS)).keys() == {str(Path("rnnkit", "_compile", "jit.py"))}


def test_vector_code_is_written_behind_its_door_only():
    assert breaches(vector_code, files(PACKAGE, but="_compile/simd") + files(EXPERIMENTS)) == {}
    assert breaches(vector_code, files(PACKAGE / "_compile" / "simd"))


def test_only_the_runner_imports_the_heavy_libraries():
    assert breaches(heavy_imports, files(PACKAGE, but="runner")) == {}


def test_importing_the_package_loads_nothing_heavy_and_compiles_nothing(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "NUMBA_CACHE_DIR": str(tmp_path)}
    for extra, expected in (("", "[] 0"), ("import tqdm, numba; numba.njit(lambda: 1)()", "['tqdm'] 2")):
        code = IMPORT_ALL.replace("    import rnnkit,", f"    {extra or 'pass'}\n    import rnnkit,")
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
        assert (done.returncode, done.stdout.strip()) == (0, expected), done.stderr
        assert not list(tmp_path.rglob("*.nb?"))


def test_importing_the_package_leaves_the_environment_as_it_is():
    code = "import os; before = dict(os.environ); import rnnkit, rnnkit.kernels; print(dict(os.environ) == before)"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=TIMEOUT)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize(
    ("checker", "source"),
    [
        (foreign_imports, "import scipy.linalg"),
        (foreign_imports, "from rnnkit import networks"),
        (foreign_imports, "from ..networks import RNN"),
        (foreign_imports, "from rnnkit._jitter import x"),
        (foreign_imports, "def f():\n    import os"),
        (foreign_to_cells, "from rnnkit.kernels.layer import forward_layer"),
        (cells_named, 'gated = cell == "lstm"'),
        (cells_named, 'if cell in ("gru", x): pass'),
        (cells_named, "from rnnkit.cells import Tanh"),
        (cells_named, "gated = isinstance(cell, cells.LSTM)"),
        (cells_named, "match cell:\n    case Tanh(): pass"),
        (cells_named, "from rnnkit.kernels.cells import LSTM"),
        (compilers_named, "from numba import njit as fast"),
        (compilers_named, "import numba\n@numba.njit(cache=True)\ndef f(): pass"),
        (compilers_named, "import numba\n@numba.jit\ndef f(): pass"),
        (vector_code, "from llvmlite import ir"),
        (vector_code, "import llvmlite.ir as ir"),
        (vector_code, "import llvmlite.binding\nllvmlite.ir.IntType(64)"),
        (vector_code, "def f():\n    import llvmlite"),
        (vector_code, "from numba.extending import overload, intrinsic as inner"),
        (vector_code, "from numba import extending\n@extending.intrinsic\ndef f(context): pass"),
        (heavy_imports, "def f():\n    import pandas as pd"),
        (heavy_imports, "from hydra.core import hydra_config"),
        (heavy_imports, "import importlib\nimportlib.import_module('matplotlib.pyplot')"),
    ],
)
def test_a_planted_breach_is_seen(checker, source):
    assert checker(source)


def test_what_is_allowed_is_not_a_breach():
    assert not foreign_imports(
        "import numpy as np\nfrom rnnkit._compile.jit import jit\nfrom rnnkit.kernels.cell import x"
    )
    assert not foreign_imports("from rnnkit._compile.simd.tile import tile_product")
    assert not compilers_named('"""Uses numba.njit."""\nfrom rnnkit._compile.jit import jit\n@jit\ndef f(): pass')
    assert not vector_code("import llvmlite.binding as llvm\nfrom llvmlite import binding")
    assert not vector_code("from numba.extending import overload")
