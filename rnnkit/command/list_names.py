"""List experiments, presets, tasks, cells, recipes and the gallery."""

import argparse
import ast
import inspect
import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from rnnkit.cells import CELLS
from rnnkit.command.words import WRONG_USE, summary
from rnnkit.networks.recipes import RECIPES
from rnnkit.runner import shipped
from rnnkit.runner.claims.report import PRESETS
from rnnkit.runner.jobs.config import did_you_mean
from rnnkit.tasks import DATA_SETS, TASKS

Lines = dict[str, str]
NARROWEST = 30  # columns of text beside the names, however narrow the terminal is


def experiments() -> Lines:
    """Return what each experiment asks, with its presets."""
    found = {}
    for name, file in shipped.experiments().items():
        presets = ", ".join(shipped.presets(name)) or "none"
        found[name] = f"{summary(file.read_text(encoding='utf-8'))} Presets: {presets}."
    return found


def presets() -> Lines:
    """Return for each preset how many experiments have it, and how long they take; the usual ones first."""
    having: dict[str, list[str]] = {name: [] for name in PRESETS}
    for experiment in shipped.experiments():
        for preset in shipped.presets(experiment):
            having.setdefault(preset, []).append(experiment)
    return {preset: _said(preset, names) for preset, names in having.items() if names}


def _said(preset: str, experiments: list[str]) -> str:
    minutes = [_minutes(name).get(preset) for name in experiments]
    known = [one for one in minutes if one is not None]
    time = f"; about {sum(known):.3g} minutes on two cores" if len(known) == len(minutes) else ""
    named = ", ".join(experiments) if len(experiments) <= 3 else f"{len(experiments)} experiments"
    return f"of {named}{time}"


def _minutes(experiment: str) -> dict[str, float]:
    """Return BUDGET_MINUTES of an experiment's file, which is not run for it."""
    tree = ast.parse(shipped.experiments()[experiment].read_text(encoding="utf-8"))
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)
                if isinstance(node.targets[0], ast.Name)}  # fmt: skip
    return ast.literal_eval(assigned["BUDGET_MINUTES"]) if "BUDGET_MINUTES" in assigned else {}


def tasks() -> Lines:
    """Return what each task asks of a net, and what each data set is."""
    return {name: _first_line(type(task)) for name, task in TASKS.items()} | {
        name: _first_line(inspect.getmodule(read)) for name, read in DATA_SETS.items()
    }


def cells() -> Lines:
    """Return the equations of each cell, or what it is called."""
    return {name: _first_line(cls) for name, cls in CELLS.items()}


def recipes() -> Lines:
    """Return the source of each recipe, and its cell."""
    return {name: f"{recipe.source}; {recipe.cell}" for name, recipe in RECIPES.items()}


def gallery() -> Lines:
    """Return the title of each page to teach with."""
    return {name: _title(file.read_text(encoding="utf-8")) for name, file in shipped.pages().items()}


def _title(text: str) -> str:
    return (
        "".join(json.loads(text)["cells"][0]["source"]).lstrip("# ").partition("\n")[0]
        if text[0] == "{"
        else summary(text)
    )


def _first_line(what: Any) -> str:
    return (inspect.getdoc(what) or "").partition("\n")[0]


KINDS: dict[str, Callable[[], Lines]] = {
    "experiments": experiments, "presets": presets, "tasks": tasks, "cells": cells, "recipes": recipes,
    "gallery": gallery,
}  # fmt: skip
USED = {
    "experiments": "rnnkit run NAME, rnnkit reproduce --only NAME",
    "presets": "preset=NAME of an experiment that has it, rnnkit reproduce --preset quick (laptop, overnight, paper)",
    "tasks": "task=NAME of an experiment that trains, rnnkit.tasks.load(NAME)",
    "cells": "cell=NAME, rnnkit.RNN(..., cell=NAME)",
    "recipes": "net=NAME of an experiment that trains, rnnkit.recipes.make(NAME, ...)",
    "gallery": "rnnkit gallery NAME writes a notebook into this folder",
}


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


def run(arguments: list[str]) -> int | None:
    """Print all kinds, a line a name; or those that are asked for, with all that is said of them."""
    parser = argparse.ArgumentParser(prog="rnnkit list", description=__doc__)
    parser.add_argument("kind", nargs="*", help=f"{', '.join(KINDS)}, in full; by default all, a line a name")
    asked = parser.parse_args(arguments).kind
    for kind in asked:
        if kind not in KINDS:
            print(f"rnnkit list: kind must be one of {', '.join(KINDS)}, got {kind}{did_you_mean(kind, KINDS)}",
                  file=sys.stderr)  # fmt: skip
            return WRONG_USE
    width = shutil.get_terminal_size((100, 24)).columns
    print("\n\n".join(told(kind, width, bool(asked)) for kind in asked or KINDS))
    return 0
