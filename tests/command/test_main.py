"""The words of the command, its help, its version, and what it says of a word that it has not."""

import importlib
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import command

from rnnkit.command.main import usage
from rnnkit.command.words import FILES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_says_a_line_of_each_word(rnnkit, words):
    done = rnnkit(*words)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for word in FILES:
        (line,) = [line for line in lines if line.startswith(f"  {word} ")]
        assert line.endswith((".", "`."))
        assert len(line) <= 120


@pytest.mark.parametrize("word", FILES)
def test_each_word_says_how_it_is_used(rnnkit, word):
    done = rnnkit(word, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: rnnkit {word} ")


def test_an_experiment_in_place_of_a_word_is_known(rnnkit):
    assert rnnkit("latch", "-m").stderr.endswith("got latch; did you mean rnnkit run latch?\n")
    assert rnnkit("my_study.py").stderr.endswith("got my_study.py; did you mean rnnkit run my_study.py?\n")


def test_a_word_that_is_not_there_gets_the_known_ones(rnnkit):
    done = rnnkit("reproduse")
    known = ", ".join(FILES)
    assert done.stderr == f"rnnkit: WORD must be one of {known}, got reproduse; did you mean reproduce?\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_python_runs_the_same_command():
    assert command("-m", "rnnkit").stdout == usage() + "\n"


def test_the_package_declares_the_command():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts.pop("rnnkit").split(":")
    assert not scripts
    assert callable(getattr(importlib.import_module(module), function))


def test_a_report_needs_no_more_than_the_version(rnnkit):
    done = rnnkit("--version")
    said = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert done.returncode == 0
    for name in ("numpy", "numba", "llvmlite", "scipy"):
        assert said[name] == version(name)
    assert {"rnnkit", "python", "blas", "cpu", "cores", "threads", "system", "commit"} < set(said)
    assert all(value and value != "None" for value in said.values())
