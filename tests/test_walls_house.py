"""The house: no circles, a runner without science, what experiments share, Numba's internals; with planted breaches."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
from test_walls import EXPERIMENTS, PACKAGE, _name, below, breaches, files, imported

OF_SCIENCE = [
    f"rnnkit.{name}" for name in ("cells", "kernels", "networks", "gradients", "training", "parametrizations")
]
ORDER = ("_compile", "cells", "parametrizations", "kernels", "parallel", "networks", "gradients", "training")


def graph(root: Path, name: str) -> dict[str, set[str]]:
    """Return what each module of a package imports of it, imports for types alone included.

    name: of the package; nothing where its modules are imported by their own names.
    """
    paths = {".".join((*filter(None, (name,)), *p.relative_to(root).with_suffix("").parts)): p for p in files(root)}
    modules = {module.removesuffix(".__init__"): path for module, path in paths.items()}
    found = {}
    for module, path in modules.items():
        names = [n if n in modules else n.rpartition(".")[0] for n in imported(path.read_text())]
        found[module] = {n for n in names if n in modules and not module.startswith(n + ".")} - {module}
    return found


def circles(found: dict[str, set[str]]) -> list[str]:
    """Return the modules that reach themselves."""
    reached = {module: set(names) for module, names in found.items()}
    changed = True
    while changed:
        changed = False
        for names in reached.values():
            more = set().union(*(reached[name] for name in names)) - names
            names |= more
            changed |= bool(more)
    return sorted(module for module, names in reached.items() if module in names)


def backward(found: dict[str, set[str]], order: Iterable[str] = ORDER) -> list[tuple[str, str]]:
    """Return the imports of a package that stands later in the order."""
    rank = {f"rnnkit.{name}": i for i, name in enumerate(order)}

    def at(module: str) -> int | None:
        return rank.get(".".join(module.split(".")[:2]))

    pairs = [(a, b) for a, names in found.items() for b in names if at(a) is not None and at(b) is not None]
    return sorted((a, b) for a, b in pairs if at(a) < at(b))


def science(source: str) -> list[str]:
    return [name for name in imported(source) if below(name, tuple(OF_SCIENCE))]


def other_experiments(source: str, names: set[str]) -> list[str]:
    return [name for name in imported(source) if name.split(".")[0] in names]


def paths_touched(source: str) -> list[str]:
    """Every use of sys.modules, and of sys.path but a look at it; whatever sys is called."""
    found, tree = [], ast.parse(source)
    imports = [a for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    of_sys = {a.asname or a.name for a in imports if a.name == "sys"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sys":
            found += [f"sys.{a.name}" for a in node.names if a.name in ("path", "modules")]
        if isinstance(node, ast.Attribute) and _name(node.value) in of_sys:
            changed = node.attr == "path" and not isinstance(node.ctx, ast.Load)
            found += [f"sys.{node.attr}"] if node.attr == "modules" or changed else []
        inner, part = getattr(node, "value", None), isinstance(node, ast.Attribute | ast.Subscript)
        if part and isinstance(inner, ast.Attribute) and inner.attr == "path" and _name(inner.value) in of_sys:
            written = isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load)
            found += [f"sys.path.{getattr(node, 'attr', '[]')}"] if written else []
    return found


def internals(source: str) -> list[str]:
    """What is imported of Numba that starts with an underscore, or of the modules that hold its cache and compiler."""
    private = ("numba.core.caching", "numba.core.ccallback", "numba.core.compiler", "numba.core.dispatcher",
               "numba.core.compiler_lock", "numba.core.serialize", "llvmlite.binding.ffi")  # fmt: skip
    return [name for name in imported(source) if below(name, private) or (below(name, ("numba",)) and "._" in name)]


def test_no_module_reaches_itself():
    assert circles(graph(PACKAGE, "rnnkit")) == []
    of_experiments = graph(EXPERIMENTS, "")
    assert "common.cells" in of_experiments["common.training"]
    assert circles(of_experiments) == []
    assert circles(graph(EXPERIMENTS / "benchmark", "")) == []


def test_a_planted_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def test_packages_import_downwards():
    assert backward(graph(PACKAGE, "rnnkit")) == []
    assert backward({"rnnkit.kernels.a": {"rnnkit.networks.b"}}) == [("rnnkit.kernels.a", "rnnkit.networks.b")]


def test_the_runner_imports_no_network_kernel_or_cell():
    assert breaches(science, files(PACKAGE / "runner")) == {}


def test_experiments_share_through_common_alone():
    own = [p for p in EXPERIMENTS.glob("*.py") if p.stem != "reproduce"]
    names = {p.stem for p in own}
    assert breaches(other_experiments, [*own, *files(EXPERIMENTS / "common")], names) == {}


def test_no_path_of_python_is_changed():
    assert breaches(paths_touched, [*files(PACKAGE / "runner"), *files(EXPERIMENTS)]) == {}


def test_numbas_internals_are_named_in_one_file():
    assert breaches(internals, files(PACKAGE, EXPERIMENTS)).keys() == {str(Path("rnnkit", "_compile", "internals.py"))}


@pytest.mark.parametrize(
    ("found", "source"),
    [
        (science("from rnnkit.networks import RNN"), ["rnnkit.networks.RNN"]),
        (science("import rnnkit.cells.lstm"), ["rnnkit.cells.lstm"]),
        (other_experiments("from latch import claims", {"latch"}), ["latch.claims"]),
        (paths_touched("import sys\nsys.path.insert(0, '.')"), ["sys.path.insert"]),
        (paths_touched("import sys\nsys.path[:0] = ['.']"), ["sys.path.[]"]),
        (paths_touched("import sys\nsys.path += ['.']"), ["sys.path"]),
        (paths_touched("import sys as s\ns.modules['a'] = b"), ["sys.modules"]),
        (paths_touched("from sys import path"), ["sys.path"]),
        (internals("from numba.core.caching import FunctionCache"), ["numba.core.caching.FunctionCache"]),
        (internals("from numba.core.dispatcher import _FunctionCompiler"), ["numba.core.dispatcher._FunctionCompiler"]),
    ],
)
def test_a_planted_breach_is_seen(found, source):
    assert found == source
