"""Truncated gradients against a closed form and against differences of whole gradients; the bound against a sum."""

import numpy as np
import pytest
import truncation as experiment
from common.driven import driven
from common.flow_config import FlowConfig
from truncation import GRID, TAU, WINDOW, Config, claims, draw, log_bound, measure

from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables
from rnnkit.tasks.influence_balancing import truncated_derivative

ROUNDING = 1e-12  # a hundred float64 products
CANCELLED = 1e-4  # relative: at K = 60 the difference of two gradients is 1e-10 of either
BASE = {
    "system": "gaussian", "gain": 1.0, "drive_variance": 0.5, "hidden_size": 8, "seq_len": 120, "replicates": 3,
    "seed": 1, "out": "unused",
}  # fmt: skip


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("K", [1, 2, 10, 20, 40, 41, 100])
def test_truncated_bptt_gives_the_derivative_of_the_closed_form(K):
    assert experiment.balancing_derivative(K) == pytest.approx(truncated_derivative(K), abs=ROUNDING)


def test_the_bias_is_that_of_the_public_networks_truncation():
    net = experiment.measure_net(config(), 0)
    like = FlowConfig(
        **{k: v for k, v in BASE.items() if k != "system"},
        initializer="gaussian", cell="tanh", drive="noise", dtype="float64", batch_size=1,
        spectral_radius="none", clip="none", clip_mode="norm",
    )  # fmt: skip
    whole, ran, _, direction, _ = driven(like, 0)
    dy = np.zeros_like(ran.y)
    dy[-1] = direction
    full = whole.backward(ran, dy).parameters["l0.W_hh"]
    for K in (1, 5, 20, 60):  # 120 steps are a whole number of each: the last window has K steps
        cut = whole.backward(ran, dy, truncation=(K, K)).parameters["l0.W_hh"]
        bias = np.log(np.linalg.norm(full - cut) / np.linalg.norm(full))
        assert net.log_bias[GRID == K] == pytest.approx(bias, rel=CANCELLED)


def test_a_sequence_that_decays_exactly_is_bounded_by_its_geometric_sum():
    log_f = -0.3 * np.arange(150)
    bound = log_bound(log_f, 2.0, np.zeros(len(GRID)))  # every ||g_K|| is 1
    left_out = np.array([2.0 * np.exp(log_f[K] - np.log(1 - np.exp(-0.3))) for K in GRID[GRID >= TAU]])
    np.testing.assert_allclose(np.exp(bound[GRID >= TAU]), left_out / (1 - left_out.min()), rtol=1e-9)
    assert np.isnan(bound[GRID < TAU]).all()


def test_growth_anywhere_in_the_window_leaves_no_bound():
    log_f = -0.3 * np.arange(150)
    log_f[TAU + 1 : WINDOW] += 1
    assert np.isinf(log_bound(log_f, 2.0, np.zeros(len(GRID)))[GRID >= TAU]).all()


def test_cost_is_counted_and_bias_falls():
    measured = measure(config())
    assert [lag["steps_back"] for lag in measured.lags] == list(GRID)
    assert measured.row["log_bias_fall"] > 0
    assert measure(config(replicates=5)).nets[:3] == measured.nets


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"system": "sparse"}, "system must be balancing, gaussian or orthogonal, got sparse"),
        ({"seq_len": 100}, "seq_len must be an integer from 120 to 100000, got 100"),
        ({"gain": 0}, "gain must be a number from 0.001 to 100, got 0"),
        ({"replicates": 1}, "replicates must be an integer from 2 to 100000, got 1"),
    ],
)
def test_bad_input_is_refused(bad, said):
    assert faults(Config, BASE | bad) == [said]


def test_a_sweep_is_drawn_and_judged(tmp_path):
    plan = [config(system=system).scientific() for system in ("balancing", "gaussian")]
    for scientific in plan:
        record = {"config": scientific, "seconds": 0.0} | vars(measure(Config(**scientific, out="unused")))
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, experiment.COLUMNS)
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"balancing.png", "bias.png"}
    judged = claims(tables.read(tmp_path))
    assert {c.claim.claim for c in judged} == {"T1", "T2a", "T2b", "S4"}
    assert {c.verdict for c in judged if c.claim.claim == "T1"} == {"holds"}
