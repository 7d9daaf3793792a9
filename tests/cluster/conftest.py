"""What tests of clusters share: a real Slurm."""

from contextlib import ExitStack

import pytest
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
