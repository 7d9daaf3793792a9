"""Growth of gradients against theory: fresh weights by hand, residuals of three orders, cells drawn by a generator."""

from pathlib import Path

import numpy as np
import pytest
import sweeps
from common import fresh_weights
from growth_theory import COLUMNS, Config, claims, draw, measure, residuals
from omegaconf import OmegaConf

from rnnkit.gradients import theory
from rnnkit.initializers import recurrent_weights
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults

BASE = {"seq_len": 80, "spectral_radius": "none", "gain": 1.0, "clip": "none", "clip_mode": "norm", "hidden_size": 12,
        "initializer": "fresh", "cell": "tanh", "drive": "noise", "drive_variance": 0.5, "batch_size": 2,
        "replicates": 3, "seed": 0, "dtype": "float64", "out": "unused"}  # fmt: skip
ROUNDING = 1e-9


def config(**changes):
    return Config(**BASE | changes)


def test_log_norms_of_fresh_weights_are_those_of_the_product():
    T, H, steps = 6, 5, 56
    found = fresh_weights.log_norms(0, 1, T, 1, H, 1.3, 0.5)
    rng = streams(0, 1)
    W = [recurrent_weights("gaussian", H, rng.init, gain=1.3) for _ in range(steps)]
    h, J = np.zeros(H), []
    for t in range(steps):
        h = np.tanh(h @ W[t] + np.sqrt(0.5) * rng.data.standard_normal((1, H))[0])
        J.append(np.diag(1 - h**2) @ W[t].T)
    direction = rng.evaluation.standard_normal(H)
    delta = direction / np.linalg.norm(direction)
    for k in range(1, T + 1):
        delta = delta @ J[steps - k]
        assert found[k, 0] == pytest.approx(np.log(np.linalg.norm(delta)), abs=ROUNDING)


def test_a_job_of_fresh_weights_has_the_columns_of_the_others():
    measured = measure(config())
    assert set(measured.row) <= set(COLUMNS)
    assert measured.row["growth_rate_theory"] == theory.growth_rate(1.0, 0.5, 12, "gaussian")
    assert [net["replicate"] for net in measured.nets] == [0, 1, 2]


@pytest.mark.parametrize(("changes", "told"), [
    ({"cell": "relu"}, "cell must be tanh with initializer=fresh, got relu"),
    ({"clip": 1.0}, "clip must be none with initializer=fresh, got 1.0"),
    ({"seq_len": 10**6}, "seq_len hidden_size^2 must be at most 1e+08 with initializer=fresh, got seq_len=1000000 "
                         "hidden_size=12"),
    ({"gain": "none"}, "gain must be a number with initializer=fresh, got none"),
])  # fmt: skip
def test_fresh_weights_need_what_their_theory_has(changes, told):
    assert faults(Config, BASE | changes) == [told]


def test_a_sweep_is_drawn_and_judged(tmp_path):
    jobs = [config(initializer=name, gain=g, drive_variance=s2) for name in ("gaussian", "orthogonal", "fresh")
            for g in (1.0, 2.57) for s2 in (0.1, 0.991)]  # fmt: skip
    found = sweeps.collected(tmp_path, jobs, measure, COLUMNS)
    draw(tmp_path)
    pictures = {"phase", "residuals", "lags", "growth_rate_gaussian", "growth_rate_orthogonal", "growth_rate_fresh"}
    assert {path.stem for path in tmp_path.glob("*.png")} == pictures
    judged = claims(found)
    assert [j.claim.claim for j in judged].count("G1") == 2 + 4 + 4  # of one Gaussian W where alignment is below .55
    assert {j.verdict for j in judged if j.claim.claim == "G1"} == {"undecided"}  # three nets
    precise = claims(found._replace(table=found.table.assign(growth_rate=found.table.growth_rate_theory + 0.003,
                                                             growth_rate_se=0.0004, hidden_size=100)))  # fmt: skip
    assert {j.verdict for j in precise if j.claim.claim == "G1"} == {"fails"}


def test_residuals_differ_by_the_orders(tmp_path):
    found = sweeps.collected(tmp_path, [config()], measure, COLUMNS)
    (row,) = found.table.itertuples()
    left, kappa = residuals(row), float(theory.kappa(1.0, 0.5))
    assert (left["guess"] - left["leading"]) * 12 == pytest.approx((3 * kappa - 1) / 4)
    assert left["term"] - left["leading"] == pytest.approx(-theory.finite_size(1.0, 0.5, "gaussian").c / 12)


def test_held_out_cells_are_those_of_the_generator():
    conf = Path(__file__).resolve().parents[2] / "conf" / "growth_theory.yaml"
    sweep = OmegaConf.load(conf).presets.laptop.sweep
    rng = np.random.default_rng(20261130)
    gains = rng.uniform(0.8, 3.5, 4).round(2)
    drives = np.exp(rng.uniform(np.log(0.05), np.log(4), 4)).round(3)
    assert [float(g) for g in sweep.gain.split(",")] == [1.0, *gains]
    assert [float(s2) for s2 in sweep.drive_variance.split(",")] == [0.1, *drives]
