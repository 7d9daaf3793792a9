"""The README's Python examples run and print what it says."""

import doctest
from pathlib import Path

import numpy as np

from rnnkit.cells import as_cell
from rnnkit.tasks import load

README = Path(__file__).parents[1] / "README.md"


def test_every_example_prints_what_the_readme_says():
    failed, tried = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
    assert tried > 20  # the examples are there


def test_the_readmes_own_task_is_one(tmp_path):
    listing = README.read_text().split("# first_symbol.py\n")[1].split("```")[0]
    (tmp_path / "first_symbol.py").write_text(listing)
    task = load(str(tmp_path / "first_symbol.py"))
    assert task.sample(np.random.default_rng(0), 5, 7).x.shape == (7, 5)


def test_the_readmes_own_cell_is_one(tmp_path):
    listing = README.read_text().split("# leaky.py\n")[1].split("```")[0]
    (tmp_path / "leaky.py").write_text(listing)
    assert dict(as_cell(tmp_path / "leaky.py").constants) == {"alpha": 0.1}
