"""What there is by name: all of it, each with a line."""

from pathlib import Path

import pytest
import reproduce

from rnnkit.cells import CELLS
from rnnkit.command import names
from rnnkit.networks.recipes import RECIPES
from rnnkit.runner import shipped
from rnnkit.tasks import DATA_SETS, TASKS

EXPERIMENTS = sorted(p.stem for p in (Path(__file__).resolve().parents[2] / "conf").glob("*.yaml") if p.stem != "sweep")
THERE = {
    "experiments": EXPERIMENTS, "tasks": [*TASKS, *DATA_SETS], "cells": [*CELLS], "recipes": [*RECIPES],
    "gallery": [*shipped.pages()],
    "presets": ["quick", "laptop", "overnight", "paper", "radius", "update_gate"],
}  # fmt: skip


@pytest.mark.parametrize("kind", THERE)
def test_each_name_has_a_text_of_its_own(kind):
    lines = names.KINDS[kind]()
    assert sorted(lines) == sorted(THERE[kind])
    assert all(len(text) > 4 for text in lines.values()), lines


@pytest.mark.parametrize("width", [72, 130])
def test_the_whole_list_has_one_line_a_name_that_fits(rnnkit, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = rnnkit("list")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    known = [name for kind in names.KINDS for name in names.KINDS[kind]()]
    assert [line.split()[0] for line in lines if line.startswith("  ")] == known
    assert max(len(line) for line in lines if line.startswith("  ")) <= width


def test_a_kind_alone_is_said_in_full(rnnkit, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    said = rnnkit("list", "cells", "experiments").stdout
    words = " ".join(said.split())
    for text in [*names.cells().values(), *names.experiments().values()]:
        assert " ".join(text.split()) in words


def test_a_preset_says_how_long_it_takes():
    minutes = sum(module.BUDGET_MINUTES["quick"] for module in reproduce.experiments().values())
    wanted = f"of {len(EXPERIMENTS)} experiments; about {minutes:.3g} minutes on two cores"
    assert names.presets()["quick"] == wanted


def test_all_is_said_of_a_name(rnnkit):
    said = rnnkit("list", "gradient_flow", "latch").stdout
    assert "Method. A net h_t = phi(" in said
    assert "Presets: quick (0.4 minutes on two cores). rnnkit run gradient_flow --help: its keys." in said
    for kind in ("experiment latch: One neuron", "task latch: One input", "page of the gallery latch: Why is"):
        assert kind in said
    assert rnnkit("list", "gru").stdout.startswith("cell gru: r, z = ")
    assert "recipe irnn: Le, Jaitly, Hinton 2015" in rnnkit("list", "irnn").stdout
    assert "Chance: " in rnnkit("list", "temporal_order").stdout
    assert "preset laptop: of " in rnnkit("list", "laptop").stdout


def test_tasks_of_one_class_say_what_is_their_own():
    lines = names.tasks()
    assert lines["temporal_order_3"].startswith("symbols_to_order 3: ")
    assert len(set(lines.values())) >= len(lines) - 1  # fashion_rows and fashion_pixels are one module


def test_a_name_that_is_not_there_gets_a_known_one(rnnkit):
    done = rnnkit("list", "tasks", "cell")
    assert (done.returncode, done.stdout) == (2, "")
    known = "experiments, presets, tasks, cells, recipes, gallery"
    wanted = f"rnnkit list: WHAT must be one of {known}, or a name of these, got cell; did you mean cells?\n"
    assert done.stderr == wanted
