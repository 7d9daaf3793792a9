"""Compiled loops give what their text gives as plain Python, in both dtypes, and are kept."""

import subprocess
import sys

import numpy as np
import pytest
from cell_cases import EVERY, random_cells
from hypothesis import given, settings
from numba import config
from test_derivatives import values_of
from test_source import run

from rnnkit.cells import GRU
from rnnkit.cells.loops import compiled
from rnnkit.cells.plan import Plan
from rnnkit.cells.source import backward_source, forward_source

ROUNDINGS = 200  # of the last place, relative to the largest number: a step has some tens of operations
SIZES = (1, 7, 64, 200)
pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")


def check(cls, dtype, size):
    plan, values = Plan(cls), {name: v[:size] for name, v in values_of(cls).items()}
    constants = np.array([values[name][0] for name in cls.constants] or [0.0])
    names = (*cls.blocks, *cls.states, *cls.per_unit)
    adjoints = {f"d_{name}": np.linspace(-1, 1, size) for name in cls.states}
    arrays = {name: values[name].astype(dtype).astype(np.float64) for name in names}
    wanted = run(forward_source(plan), dict(arrays), constants)
    wanted = run(backward_source(plan), wanted | {name: a.copy() for name, a in adjoints.items()}, constants)
    found = {name: np.full(size, np.nan, dtype) for name in wanted}
    for name, a in arrays.items():
        found[name][:] = a
    compiled(cls, forward_source, dtype).run(found, constants.astype(dtype))
    for name, a in adjoints.items():
        found[name][:] = a
    compiled(cls, backward_source, dtype).run(found, constants.astype(dtype))
    for name, a in wanted.items():
        if np.isnan(a).all():  # neither read nor written
            continue
        largest = max(1, np.abs(a).max())
        tolerance = ROUNDINGS * np.finfo(dtype).eps * largest
        np.testing.assert_allclose(found[name], a, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", EVERY)
def test_every_cell(cls, dtype):
    for size in SIZES:
        check(cls, dtype, size)


@settings(max_examples=4)
@given(random_cells())
def test_random_cells(cls):
    check(cls, "float32", 33)
    check(cls, "float64", 33)


def test_a_later_process_loads_what_was_compiled():
    code = """
from numba.core import event
from rnnkit.cells import GRU
from rnnkit.cells.loops import compiled
from rnnkit.cells.source import backward_source, forward_source
with event.install_recorder("numba:compile") as seen:
    addresses = [compiled(GRU, source, "float32").address for source in (forward_source, backward_source)]
print(all(addresses), len(seen.buffer))
"""
    for source in (forward_source, backward_source):
        compiled(GRU, source, "float32")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True 0\n", "")
