"""The runner knows no experiment by name; with planted breaches."""

import ast
import re

import pytest
from test_walls import EXPERIMENTS, PACKAGE, breaches, files, imported

PLANTED = [
    "import experiments.adding",
    "from experiments import adding",
    "n = 'adding'",
    "p = 'experiments/adding.py'",
    "f'{x}.adding'",
]


def experiments_named(source: str, experiments: set[str]) -> list[str]:
    """Experiments imported, or named in a string that is a name, a file or a path, not prose."""
    strings = [n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    words = [
        w for text in (*strings, *imported(source)) if not re.search(r"\s", text) for w in re.findall(r"\w+", text)
    ]
    return [word for word in words if word in experiments]


def test_the_runner_knows_no_experiment_by_name():
    experiments = {p.stem for p in EXPERIMENTS.glob("*.py")} - {"reproduce"}
    assert breaches(experiments_named, files(PACKAGE / "runner"), experiments) == {}


@pytest.mark.parametrize("source", PLANTED)
def test_a_planted_experiment_is_seen(source):
    assert experiments_named(source, {"adding"}) == ["adding"]


def test_prose_is_not_a_breach():
    assert not experiments_named("'adding a row to the table'", {"adding"})
