"""Docstrings of rnnkit are plain text, to be read in an editor; this makes them reStructuredText for the site.

An indented block, or one whose lines are set in columns, stays as it is. In all other paragraphs an argument that is
followed by a colon begins a line of its own, as does what is raised; what stands in backticks is code, with a link
where it names something public.
"""

import re
from collections.abc import Iterable, Iterator

import public_names

CODE = re.compile(r"`([^`]+)`")
COLUMNS = re.compile(r"\S {3,}\S")
INDENT = "  "
MARKUP = re.compile(r"([\\*_|])")


def as_rst(lines: list[str], arguments: Iterable[str] = (), module: str = "") -> list[str]:
    """Return a docstring as reStructuredText. arguments: names that begin a line where a colon follows them."""
    found: list[str] = []
    for block in joined(blocks(lines)):
        if any(COLUMNS.search(line) for line in block):
            found += [".. code-block:: text", "", *(f"    {line}" for line in block), ""]
        elif block[0].startswith(INDENT):
            found += ["::", "", *(f"    {line}" for line in block), ""]
        elif block[0].startswith("- "):
            found += [*(_inline(item, module) for item in _items(block)), ""]
        else:
            found += [*_sentences(" ".join(line.strip() for line in block), arguments, module), ""]
    return found


def blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield what stands between empty lines, what is indented there apart from what is not."""
    block: list[str] = []
    for line in [*lines, ""]:
        turns = block and line.startswith(INDENT) != block[-1].startswith(INDENT) and not block[0].startswith("- ")
        if block and (turns or not line.strip()):
            yield block
            block = []
        if line.strip():
            block.append(line)


def joined(found: Iterable[list[str]]) -> list[list[str]]:
    """Return blocks with indented ones that follow each other made one, as code with empty lines in it."""
    kept: list[list[str]] = []
    for block in found:
        if kept and kept[-1][0].startswith(INDENT) and block[0].startswith(INDENT):
            kept[-1] += ["", *block]
        else:
            kept.append(block)
    return kept


def _items(block: list[str]) -> list[str]:
    return ["- " + " ".join(item.split()) for item in re.split(r"^- ", "\n".join(block), flags=re.MULTILINE)[1:]]


def _sentences(text: str, arguments: Iterable[str], module: str) -> list[str]:
    """Return a paragraph, or a block of lines where arguments are told: one a line, its name in bold."""
    names = "|".join(re.escape(name) for name in arguments)
    if not names:
        return [_inline(text, module)]
    begins = rf"(?:(?<=^)|(?<=[.;)] ))(?:((?:{names})(?:(?:,| and) (?:{names}))*): |(?=Raises? ))"
    parts = re.split(begins, text)
    if len(parts) == 1:
        return [_inline(text, module)]
    told = [_inline(parts[0], module)] if parts[0] else []
    for name, said in zip(parts[1::2], parts[2::2], strict=True):
        told.append((f"**{_inline(name, module)}**: " if name else "") + _inline(said.strip(), module))
    return [f"| {line}" for line in told]


def _inline(text: str, module: str) -> str:
    parts = CODE.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = MARKUP.sub(r"\\\1", parts[i])
    for i in range(1, len(parts), 2):
        target = public_names.resolve(parts[i], module)
        parts[i] = f":py:obj:`{parts[i]} <{target}>`" if target else f"``{parts[i]}``"
    return "".join(parts)
