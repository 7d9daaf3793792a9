"""What there is by name, each with a line: experiments, presets, tasks, cells, recipes, the gallery."""

import ast
import inspect
import json
from collections.abc import Callable
from typing import Any

from rnnkit.cells import CELLS
from rnnkit.command.words import summary
from rnnkit.networks.recipes import RECIPES
from rnnkit.runner import shipped
from rnnkit.runner.claims.report import PRESETS
from rnnkit.tasks import DATA_SETS, TASKS
from rnnkit.tasks.task import Task

Lines = dict[str, str]


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
    times = [minutes(name).get(preset) for name in experiments]
    known = [one for one in times if one is not None]
    time = f"; about {sum(known):.3g} minutes on two cores" if len(known) == len(times) else ""
    named = ", ".join(experiments) if len(experiments) <= 3 else f"{len(experiments)} experiments"
    return f"of {named}{time}"


def minutes(experiment: str) -> dict[str, float]:
    """Return BUDGET_MINUTES of an experiment's file, which is not run for it."""
    tree = ast.parse(shipped.experiments()[experiment].read_text(encoding="utf-8"))
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)
                if isinstance(node.targets[0], ast.Name)}  # fmt: skip
    return ast.literal_eval(assigned["BUDGET_MINUTES"]) if "BUDGET_MINUTES" in assigned else {}


def tasks() -> Lines:
    """Return what each task asks of a net, and what each data set is."""
    return {name: f"{_own(task)}{_first_line(type(task))}" for name, task in TASKS.items()} | {
        name: _first_line(inspect.getmodule(read)) for name, read in DATA_SETS.items()
    }


def _own(task: Task) -> str:
    """Return what a task has that others of its class have not."""
    others = [vars(other) for other in TASKS.values() if type(other) is type(task) and other is not task]
    own = {key: value for key, value in vars(task).items() if any(other[key] != value for other in others)}
    said = [f"{key} {value}" for key, value in own.items() if key not in ("name", "output_size")]
    return f"{', '.join(said)}: " if said else ""


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
