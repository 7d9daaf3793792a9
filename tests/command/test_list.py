"""What there is by name: all of it, each with a line."""

from pathlib import Path

import pytest
import reproduce

from rnnkit.cells import CELLS
from rnnkit.command import list_names
from rnnkit.networks.recipes import RECIPES
from rnnkit.runner import shipped
from rnnkit.tasks import DATA_SETS, TASKS

EXPERIMENTS = sorted(p.stem for p in (Path(__file__).resolve().parents[2] / "conf").glob("*.yaml") if p.stem != "sweep")
THERE = {
    "experiments": EXPERIMENTS, "tasks": [*TASKS, *DATA_SETS], "cells": [*CELLS], "recipes": [*RECIPES],
    "gallery": [*shipped.pages()],
    "presets": ["quick", "laptop", "overnight", "paper", "radius", "update_gate", "paper_50", "paper_100"],
}  # fmt: skip


@pytest.mark.parametrize("kind", THERE)
def test_each_name_has_a_text_of_its_own(kind):
    lines = list_names.KINDS[kind]()
    assert sorted(lines) == sorted(THERE[kind])
    assert all(len(text) > 4 for text in lines.values()), lines


@pytest.mark.parametrize("width", [72, 130])
def test_the_whole_list_has_one_line_a_name_that_fits(rnnkit, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = rnnkit("list")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    names = [name for kind in list_names.KINDS for name in list_names.KINDS[kind]()]
    assert [line.split()[0] for line in lines if line.startswith("  ")] == names
    assert max(len(line) for line in lines if line.startswith("  ")) <= width


def test_a_kind_alone_is_said_in_full(rnnkit, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    said = rnnkit("list", "cells", "experiments").stdout
    words = " ".join(said.split())
    for text in [*list_names.cells().values(), *list_names.experiments().values()]:
        assert " ".join(text.split()) in words


def test_a_preset_says_how_long_it_takes():
    minutes = sum(module.BUDGET_MINUTES["quick"] for module in reproduce.experiments().values())
    wanted = f"of {len(EXPERIMENTS)} experiments; about {minutes:.3g} minutes on two cores"
    assert list_names.presets()["quick"] == wanted


def test_a_kind_that_is_not_there_gets_the_known_ones(rnnkit):
    done = rnnkit("list", "tasks", "cell")
    assert (done.returncode, done.stdout) == (2, "")
    known = "experiments, presets, tasks, cells, recipes, gallery"
    assert done.stderr == f"rnnkit list: kind must be one of {known}, got cell; did you mean cells?\n"
