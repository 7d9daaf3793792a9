"""Randomness comes in from outside, and threads are made in one file; each with a planted breach."""

import ast
from pathlib import Path

import pytest
from test_walls import EXPERIMENTS, PACKAGE, below, breaches, files, imported

MAKERS = {"Generator", "SeedSequence", "PCG64", "default_rng"}
SEEDED = MAKERS - {"Generator"}  # called without an argument these take entropy from the system
THREADS = ("threading", "_thread", "concurrent.futures", "multiprocessing", "joblib", "numba.prange")


def _is_numpy_random(node: ast.AST) -> bool:
    named = isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name)
    return named and node.value.id in {"np", "numpy"}


def global_randomness(source: str) -> list[str]:
    """Every use of a hidden state: `np.random.x`, the module `random`, or a generator made without a seed."""
    nodes = list(ast.walk(ast.parse(source)))
    makers = [n for n in nodes if isinstance(n, ast.Attribute) and n.attr in MAKERS and _is_numpy_random(n.value)]
    made = {id(n.value) for n in makers}
    found = ["np.random" for n in nodes if _is_numpy_random(n) and id(n) not in made]
    for name in imported(source):
        maker = name.rpartition(".")
        if below(name, ("random",)) or (below(name, ("numpy.random",)) and maker[2] not in MAKERS):
            found.append(name)
    for call in (n for n in nodes if isinstance(n, ast.Call) and not n.args and not n.keywords):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        found += [f"{name}()"] * (name in SEEDED)
    return found


def threads_made(source: str) -> list[str]:
    """Every import of a thread or process library, and `prange` or `parallel=True` as code."""
    found = [name for name in imported(source) if below(name, THREADS) or name == "concurrent"]
    for node in ast.walk(ast.parse(source)):
        if getattr(node, "id", getattr(node, "attr", "")) == "prange":
            found.append("prange")
        if isinstance(node, ast.keyword) and node.arg == "parallel":
            found.append("parallel=")
    return found


def test_no_hidden_randomness():
    assert breaches(global_randomness, files(PACKAGE, EXPERIMENTS)) == {}


def test_one_folder_makes_threads():
    makers = *files(PACKAGE / "parallel"), PACKAGE / "runner" / "several.py"  # the last one processes
    others = [p for p in files(PACKAGE, EXPERIMENTS) if p not in makers]
    # what a thread holds when it forks is its own
    assert breaches(threads_made, others) == {str(Path("rnnkit", "_compile", "forks.py")): ["threading"]}


@pytest.mark.parametrize(
    ("checker", "source"),
    [
        (global_randomness, "import numpy as np\nnp.random.seed(1)"),
        (global_randomness, "import numpy\nx = numpy.random.randn(3)"),
        (global_randomness, "import numpy as np\nR = np.random"),
        (global_randomness, "import numpy.random as r"),
        (global_randomness, "from numpy import random"),
        (global_randomness, "from numpy.random import normal"),
        (global_randomness, "import random"),
        (global_randomness, "def f():\n    from random import choice"),
        (global_randomness, "import numpy as np\nrng = np.random.default_rng()"),
        (threads_made, "import threading"),
        (threads_made, "from concurrent.futures import ThreadPoolExecutor"),
        (threads_made, "from concurrent import futures"),
        (threads_made, "import multiprocessing.pool"),
        (threads_made, "from numba import prange"),
        (threads_made, "import numba\nfor i in numba.prange(3): pass"),
        (threads_made, "@jit(parallel=True)\ndef f(): pass"),
    ],
)
def test_a_planted_breach_is_seen(checker, source):
    assert checker(source)


def test_what_is_allowed_is_not_a_breach():
    assert not global_randomness("import numpy as np\ng = np.random.Generator(np.random.PCG64(7))")
    assert not global_randomness("import numpy as np\ndef f(rng: np.random.Generator): return rng.normal()")
    assert not threads_made('"""Runs inside a prange body."""\nimport numba')
