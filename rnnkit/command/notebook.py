"""A page of the gallery as a Jupyter notebook: a script whose text stands in its docstring and after `# %%`."""

import ast
import json
import re
import textwrap
from typing import Any

LANGUAGE = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
MATH = re.compile(r"^\.\. math::\n\n((?: +.*\n|\n)+)", re.MULTILINE)
IN_MARKDOWN = [
    (re.compile(r"^(.+)\n=+\n", re.MULTILINE), r"# \1\n"),
    (re.compile(r":math:`([^`]+)`"), r"$\1$"),
    (re.compile(r"``([^`]+)``"), r"`\1`"),
]


def notebook(script: str) -> str:
    """Return the text of an .ipynb file, without outputs."""
    docstring = ast.parse(script).body[0]
    lines = script.splitlines()
    cells = [_cell(0, "markdown", as_markdown(ast.literal_eval(docstring.value)))]
    for text, code in _parts(lines[docstring.end_lineno :]):
        cells += [_cell(len(cells), "markdown", as_markdown(text))] if text else []
        cells += [_cell(len(cells), "code", code)] if code else []
    whole = {"cells": cells, "metadata": LANGUAGE, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def as_markdown(text: str) -> str:
    """Return a page's reStructuredText, of which it has titles, formulas and code, as a notebook's Markdown."""
    text = MATH.sub(lambda found: f"$$\n{textwrap.dedent(found[1]).strip()}\n$$\n\n", f"{text.strip()}\n")
    for pattern, markdown in IN_MARKDOWN:
        text = pattern.sub(markdown, text)
    return text.strip()


def _parts(lines: list[str]) -> list[tuple[str, str]]:
    """Return (text, code) of each part of a script; the comment lines below `# %%` are its text."""
    found: list[tuple[list[str], list[str]]] = [([], [])]
    for line in lines:
        text, code = found[-1]
        if line.startswith("# %%"):
            found.append(([], []))
        elif line.startswith("#") and not code:
            text.append(line.removeprefix("#").removeprefix(" "))
        else:
            code.append(line)
    return [("\n".join(text).strip(), "\n".join(code).strip()) for text, code in found]


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    of_code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source} | of_code
