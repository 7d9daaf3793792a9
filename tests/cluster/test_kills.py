"""A process of a sweep is killed at random moments: the same line again gives the table of a sweep left in peace."""

import os

import kills
import pytest

KILLS = 2  # of each kind, one of each sweep; `make soak` makes 20


@pytest.fixture(scope="module")
def whole():
    return {sweep: kills.undisturbed(sweep) for sweep in kills.SWEEPS}


def check(kind, whole, environment):
    outcomes = list(kills.trials(kind, KILLS, whole, environment))
    assert len(outcomes) == KILLS
    assert [str(outcome) for outcome in outcomes if not outcome.same or outcome.again] == []


@pytest.mark.parametrize("kind", ["client", "client of workers", "worker"])
def test_a_kill_on_this_machine_loses_nothing(kind, whole):
    check(kind, whole, dict(os.environ))


@pytest.mark.parametrize("kind", ["client of Slurm", "Slurm job"])
def test_a_kill_on_slurm_loses_nothing(kind, whole, slurm):
    check(kind, whole, os.environ | slurm.env)
