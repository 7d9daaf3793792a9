"""What tests of sweeps share: a small experiment, and a real Slurm."""

from contextlib import ExitStack

import pytest
import toy_sweep
from slurm import Slurm, SlurmError


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A cluster of one node with 16 CPUs (declared, not there), or a skip with the reason."""
    if reason := Slurm.lacking():
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            started = stack.enter_context(Slurm(tmp_path_factory.mktemp("slurm") / "state"))
        except SlurmError as error:
            pytest.skip(f"Slurm did not start: {error}")
        yield started


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The file of a small experiment in a folder of its own."""
    return toy_sweep.make(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def out(tmp_path):
    """A folder that is not there yet."""
    return tmp_path / "out"
