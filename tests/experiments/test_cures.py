"""The cures side by side: what is measured of each, its picture and verdicts; and after training."""

import cures
import cures_trained
import numpy as np
import pytest
import sweeps
from cures import COLUMNS, Config, claims, draw, make_net, measure, measure_net

from rnnkit.networks.recipes import RECIPES
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults

BASE = {"net": "tanh", "spectral_radius": "none", "drive_variance": 1.0, "seq_len": 100, "hidden_size": 8,
        "batch_size": 2, "replicates": 2, "seed": 0, "out": "unused"}  # fmt: skip


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("net", RECIPES)
def test_every_recipe_is_measured(net):
    measured = measure(config(net=net))
    assert set(measured.row) <= set(COLUMNS)
    assert measured.row["status"] == "done"
    assert len(measured.lags) == 101
    assert measured.lags[0]["log_norm"] == pytest.approx(0, abs=1e-9)
    assert (measured.row["linear_gap"] is not None) == (net == "lru")


def test_the_gradient_is_that_of_bptt():
    row, logs = measure_net(config(net="gru", seq_len=100), 1)
    rng = streams(0, 1)
    net, x = make_net(config(net="gru"), rng), rng.data.standard_normal((150, 2, 8))
    trace = net.forward(x[50:], net.forward(x[:50]).state)
    last, direction = net.initial_state(2), rng.evaluation.standard_normal(8)
    last.h[:] = direction / np.linalg.norm(direction)
    hidden = net.backward(trace, None, last, hidden=True).hidden["l0"].h
    expected = np.log(np.linalg.norm(hidden, axis=2))[::-1]  # of steps 100 to 1, from a norm of 1 on
    np.testing.assert_allclose(logs[:100], expected, rtol=0, atol=1e-9)
    assert row["log10_grad_10"] == pytest.approx(logs[10].mean() / np.log(10))


def test_a_net_at_rest_grows_by_its_largest_eigenvalue():
    row, _ = measure_net(config(net="antisymmetric", drive_variance=0.0, seq_len=3000), 0)
    assert row["largest_exponent"] == pytest.approx(row["growth_at_rest"], abs=1e-2)


def test_what_overflows_is_told():
    measured = measure(config(net="irnn", spectral_radius=1e6))
    assert measured.row == {"status": "diverged", "n": 2}
    assert measured.message == "2 of 2 nets overflow"


def test_a_sweep_is_drawn_and_judged(tmp_path):
    nets = ("tanh", "lru", "antisymmetric", "lstm")
    jobs = [config(net=net, drive_variance=s2) for net in nets for s2 in (0.1, 1.0)]
    found = sweeps.collected(tmp_path, [*jobs, config(spectral_radius=2.0)], measure, COLUMNS)
    draw(tmp_path)
    assert (tmp_path / "cures.png").stat().st_size > 5000
    lines = (tmp_path / "cures.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("| ") for line in lines) == 1 + 9  # a head, and a line a job
    judged = claims(found)
    assert [case.claim.claim for case in judged] == ["L6a"] * 2 + ["L6b", "L6c"] * 4 + ["L6a"] * 2
    assert {case.verdict for case in judged if case.claim.class_ == "check"} == {"holds"}
    of_lru = [case for case in judged if "lru" in case.statement]
    assert len({(case.claim.claim, case.measured, case.draws) for case in of_lru if case.claim.claim == "L6b"}) == 1


def test_a_radius_needs_weights_that_have_one():
    (found,) = faults(Config, BASE | {"net": "lru", "spectral_radius": 1.0})
    assert "spectral_radius=1.0 cannot be combined with cell=lru" in found
    assert faults(cures.Config, BASE | {"net": "cure"})[0].startswith("net must be one of tanh,")


TRAINED = {"task": "adding_le", "seq_len": 10, "net": "tanh", "optimizer": "adam", "hidden_size": 8, "updates": 50,
           "check_every": 25, "check_size": 50, "replicates": 2, "seed": 0, "out": "unused"}  # fmt: skip


def trained(out, *nets):
    jobs = [cures_trained.TrainingConfig(**TRAINED | {"net": net, "out": str(out)}) for net in nets]
    return sweeps.collected(out, jobs, cures_trained.measure_training, cures_trained.COLUMNS)


def test_trained_cures_are_drawn_and_judged(tmp_path):
    found = trained(tmp_path, "tanh", "lru", "gru")
    cures_trained.draw(tmp_path)
    assert (tmp_path / "adding_le.png").stat().st_size > 5000
    judged = cures_trained.claims(found)
    assert {(case.claim.claim, case.verdict, case.enough) for case in judged} == {("L7", "undecided", False)}
    assert len(judged) == 2


def test_a_cure_is_judged_where_plain_nets_fail(tmp_path):
    found = trained(tmp_path, "tanh", "lru")
    table = found.table.assign(solved_share=[0.0, 1.0], n_solved=[0, 40], n=[40, 40], updates=10_000)
    assert [claim.verdict for claim in cures_trained.claims(found._replace(table=table))] == ["holds"]
    table = table.assign(solved_share=[0.025, 0.0], n_solved=[1, 0])
    assert [claim.verdict for claim in cures_trained.claims(found._replace(table=table))] == ["fails"]
    table = table.assign(solved_share=[0.0, 0.0], n_solved=[0, 0])  # what no net learns decides nothing
    assert [claim.verdict for claim in cures_trained.claims(found._replace(table=table))] == ["undecided"]
    table = table.assign(solved_share=[1.0, 0.0])
    assert [claim.verdict for claim in cures_trained.claims(found._replace(table=table))] == ["undecided"]
