"""List experiments, presets, tasks, cells, recipes and the gallery; or say all of one of them."""

import argparse
import ast
import inspect
import shutil
import sys
import textwrap
from typing import Any

from rnnkit.cells import CELLS
from rnnkit.command.names import KINDS, USED, minutes
from rnnkit.command.words import WRONG_USE
from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import did_you_mean
from rnnkit.tasks import DATA_SETS, TASKS

NARROWEST = 30  # columns of text beside the names, however narrow the terminal is
OF_ONE_LINE = {"presets": "preset", "recipes": "recipe", "gallery": "page of the gallery"}


def told(kind: str, width: int, whole: bool) -> str:
    """Return the names of a kind, each with its text: all of it, wrapped to a width, or what one line holds."""
    lines = KINDS[kind]()
    left = max(map(len, lines)) + 4
    width = max(width, left + NARROWEST)
    shown = [f"{kind}: {USED[kind]}"]
    for name, text in lines.items():
        indent = {"initial_indent": f"  {name:{left - 2}}", "subsequent_indent": left * " "}
        most = {} if whole else {"max_lines": 1, "placeholder": " ..."}
        shown += textwrap.wrap(text, width, **indent, **most, break_on_hyphens=False)
    return "\n".join(shown)


def described(name: str) -> str | None:
    """Return all that is said of a name, or None where nothing has it."""
    found = []
    if name in shipped.experiments():
        text = ast.get_docstring(ast.parse(shipped.experiments()[name].read_text(encoding="utf-8"))) or ""
        text = text.replace(f"python experiments/{name}.py", f"rnnkit run {name}")
        times = ", ".join(f"{preset} ({time:g} minutes on two cores)" for preset, time in minutes(name).items())
        found.append(f"experiment {name}: {text}\n\nPresets: {times}. rnnkit run {name} --help: its keys.")
    found += [f"{kind} {name}: {inspect.getdoc(what)}" for kind, what in _classes(name)]
    for kind, word in OF_ONE_LINE.items():
        lines = KINDS[kind]()
        found += [f"{word} {name}: {lines[name]} ({USED[kind]})"] if name in lines else []
    return "\n\n".join(found) or None


def _classes(name: str) -> list[tuple[str, Any]]:
    """Return (kind, what has the docstring) of the cell, task and data set of a name."""
    found = [("cell", CELLS[name])] if name in CELLS else []
    found += [("task", type(TASKS[name]))] if name in TASKS else []
    return found + ([("task", inspect.getmodule(DATA_SETS[name]))] if name in DATA_SETS else [])


def run(arguments: list[str]) -> int | None:
    """Print all kinds, a line a name; or the kinds and names that are asked for, with all that is said of them."""
    parser = argparse.ArgumentParser(prog="rnnkit list", description=__doc__)
    parser.add_argument(
        "what", nargs="*", help=f"{', '.join(KINDS)}, or a name: say all of it; by default a line of each name"
    )
    asked = parser.parse_args(arguments).what
    width = shutil.get_terminal_size((100, 24)).columns
    texts = []
    for what in asked or KINDS:
        text = told(what, width, bool(asked)) if what in KINDS else described(what)
        if text is None:
            names = [*KINDS, *(name for lines in KINDS.values() for name in lines())]
            close = did_you_mean(what, names)
            wanted = f"one of {', '.join(KINDS)}, or a name of these"
            print(f"rnnkit list: WHAT must be {wanted}, got {what}{close}", file=sys.stderr)
            return WRONG_USE
        texts.append(text)
    print("\n\n".join(texts))
    return 0
