"""Where gated nets leave rest: the Jacobian against the formulas, and which side of it a small state is on."""

import numpy as np
import pytest
import sweeps
from gate_stability import COLUMNS, Config, claims, critical_gain, draw, make_net, measure, predicted

from rnnkit.runner.jobs.config import faults

BASE = {"cell": "gru", "gate_bias": 0.5, "update_bias": 0.0, "initializer": "orthogonal", "hidden_size": 16,
        "steps": 600, "replicates": 2, "seed": 0, "out": "unused"}  # fmt: skip
CELLS = [{"cell": "gru", "update_bias": 1.0}, {"cell": "lstm", "update_bias": 0.0}]


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("cell", CELLS)
def test_the_critical_gain_is_that_of_the_formula_by_the_weights_own_eigenvalues(cell):
    """Those of the candidate's block: z + (1 - z) r lambda of a GRU, f + lambda / 4 of an LSTM."""
    settings = config(**cell, initializer="gaussian")
    gain = critical_gain(settings, 0)
    W = make_net(settings, 0, gain).parameters["l0.W_hh"].reshape(16, -1, 16)
    blocks = list(make_net(settings, 0, gain).cell.entered()["h"])
    candidate = np.linalg.eigvals(W[:, blocks.index({"gru": "q", "lstm": "g"}[cell["cell"]])])
    r, z = 1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(-1.0))
    J = z + (1 - z) * r * candidate if cell["cell"] == "gru" else r + candidate / 4
    assert np.abs(J).max() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gate_bias", [-2.0, 0.0, 1.5])
def test_orthogonal_weights_come_near_the_limit(cell, gate_bias):
    settings = config(**cell, gate_bias=gate_bias, hidden_size=64)
    assert critical_gain(settings, 0) == pytest.approx(predicted(settings), rel=0.01)


@pytest.mark.parametrize("cell", CELLS)
def test_a_sweep_is_drawn_and_judged(cell, tmp_path):
    jobs = [config(**cell, gate_bias=b, hidden_size=48, steps=1500) for b in (0.0, 0.5)]
    tables = sweeps.collected(tmp_path, jobs, measure, COLUMNS)
    draw(tmp_path)
    assert (tmp_path / "critical_gain.png").stat().st_size > 5000
    assert tables.table.active_below.eq(0).all()
    assert tables.table.active_above.eq(1).all()
    judged = claims(tables)
    assert [case.claim.claim for case in judged] == ["L3a", "L3b", "L3b"] * 2
    assert {case.verdict for case in judged if case.claim.claim == "L3a"} == {"holds"}
    # the nets of a job are the same; a reset gate scales W and no more, so those of two biases are too
    assert len({case.draws for case in judged}) == (1 if cell["cell"] == "gru" else 2)


def test_an_update_gate_is_a_grus():
    found = faults(Config, BASE | {"cell": "lstm", "update_bias": 1.0})
    assert found == ["update_bias must be 0 with cell=lstm, got 1: it has no update gate"]
