"""What is public, and where the pages of the reference document it; known without a build."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

PAGES = Path(__file__).parents[1] / "reference"
DIRECTIVE = re.compile(r"^\.\. automodule:: ([\w.]+)\n((?: +:.*\n)*)", re.MULTILINE)
PACKAGES = [
    f"rnnkit{name}"
    for name in (
        "", ".cells", ".gradients", ".kernels", ".networks", ".parallel", ".parametrizations", ".reference", ".tasks",
        ".training", ".results", ".runner.claims", ".runner.tables",
    )
]  # fmt: skip


def names_of(module: ModuleType) -> list[str]:
    """Return the public names of a module: those it exports, or else the functions and classes that it defines."""
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


@cache
def documented() -> dict[str, object]:
    """Return what the pages of the reference document, by its name in full, in the order of the pages."""
    found: dict[str, object] = {}
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for name, options in DIRECTIVE.findall(text):
            module = import_module(name)
            members = _members(module, options, text) if ":members:" in options else []
            found |= {name: module} | {f"{name}.{own}": getattr(module, own) for own in members}
    return found


def _members(module: ModuleType, options: str, page: str) -> list[str]:
    """Return the names that `automodule` documents, and the constants that stand in the page beside it.

    autodoc knows nothing of a constant that is imported: those are `.. py:data::` in the page.
    """
    left_out = re.split(r"[,\s]+", "".join(re.findall(r":exclude-members: (.*)", options)))
    things = {name: getattr(module, name) for name in names_of(module) if name not in left_out}
    things = {name: thing for name, thing in things.items() if not isinstance(thing, ModuleType)}
    return [name for name, thing in things.items() if callable(thing) or f" {name}\n" in page]


def undocumented() -> list[str]:
    """Return the public names of the packages that no page documents, there or by another name."""
    found = documented()
    known = {id(thing) for thing in found.values() if callable(thing) or isinstance(thing, ModuleType)}
    names = [(import_module(package), own) for package in PACKAGES for own in names_of(import_module(package))]
    exported = {f"{package.__name__}.{own}": getattr(package, own) for package, own in names}
    return [name for name, thing in exported.items() if name not in found and id(thing) not in known]


def resolve(text: str, module: str) -> str:
    """Return the documented name that a docstring of `module` means by `text`, or nothing."""
    found = documented()
    if text in found:
        return text
    thing = getattr(import_module(module), text, None) if module and text.isidentifier() else None
    return next((name for name, other in found.items() if thing is not None and other is thing), "")
