"""Docstrings of rnnkit are plain text, to be read in an editor; this makes them reStructuredText for the site.

An indented block, or one whose lines are set in columns, stays as it is. In all other paragraphs an argument that is
followed by a colon begins a line of its own, as does what is raised; what stands in backticks is code, with a link
where it names something public.
"""

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

import reference
from sphinx.application import Sphinx

CODE = re.compile(r"`([^`]+)`")
COLUMNS = re.compile(r"\S {3,}\S")
MARKUP = re.compile(r"([\\*_|])")


def as_rst(lines: list[str], arguments: Iterable[str] = (), module: str = "") -> list[str]:
    """Return a docstring as reStructuredText. arguments: names that begin a line where a colon follows them."""
    found = []
    for block in blocks(lines):
        if any(line.startswith("  ") for line in block[:1]) or any(COLUMNS.search(line) for line in block):
            found += ["::", "", *(f"    {line}" for line in block), ""]
        elif block[0].startswith("- "):
            found += [*(_inline(item, module) for item in _items(block)), ""]
        else:
            found += [*_sentences(" ".join(line.strip() for line in block), arguments, module), ""]
    return found


def blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield what stands between empty lines; an indented block goes on over one."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            if block and line.startswith("  ") != block[-1].startswith("  ") and not block[0].startswith("- "):
                yield block
                block = []
            block.append(line)
        elif block:
            yield block
            block = []


def _items(block: list[str]) -> list[str]:
    return ["- " + item.replace("\n", " ") for item in re.split(r"^- ", "\n".join(block), flags=re.M)[1:]]


def _sentences(text: str, arguments: Iterable[str], module: str) -> list[str]:
    """Return a paragraph, or a block of lines where arguments are told: one a line, its name in bold."""
    names = "|".join(re.escape(name) for name in arguments)
    if not names:
        return [_inline(text, module)]
    begins = rf"(?:(?<=^)|(?<=[.;)] ))(?:((?:{names})(?:(?:,| and) (?:{names}))*): |(?=Raises? ))"
    parts = re.split(begins, text)
    if len(parts) == 1:
        return [_inline(text, module)]
    told = [parts[0]] if parts[0] else []
    told = [_inline(part, module) for part in told]
    for name, said in zip(parts[1::2], parts[2::2], strict=True):
        told.append((f"**{_inline(name, module)}**: " if name else "") + _inline(said.strip(), module))
    return [f"| {line}" for line in told]


def _inline(text: str, module: str) -> str:
    parts = CODE.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = MARKUP.sub(r"\\\1", parts[i])
    for i in range(1, len(parts), 2):
        target = reference.resolve(parts[i], module)
        parts[i] = f":py:obj:`{parts[i]} <{target}>`" if target else f"``{parts[i]}``"
    return "".join(parts)


def _arguments(what: str, thing: Any) -> list[str]:
    """Return the names of a function's arguments, or of the fields of a class and of its constructor's arguments."""
    if what not in ("function", "method", "class", "exception"):
        return []
    try:
        names = [name for name in inspect.signature(thing).parameters if name != "self"]
    except (TypeError, ValueError):
        names = []
    return names + [name for name in getattr(thing, "__annotations__", {}) if name not in names]


def _process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    module = name if what == "module" else getattr(thing, "__module__", "") or ""
    lines[:] = as_rst(lines, _arguments(what, thing), module)


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of a NamedTuple, which its own docstring and signature tell, and what pydantic adds."""
    if type(thing).__name__ == "_tuplegetter" or name in ("model_config", "model_post_init"):
        return True
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}
