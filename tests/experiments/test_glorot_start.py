"""Starts as rnnkit.RNN draws them, compared net by net."""

import numpy as np
import pytest
from glorot_start import COLUMNS, Config, claims, draw, measure

import rnnkit
from rnnkit.initializers import achieved
from rnnkit.rng import streams
from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables

BASE = {
    "start": "glorot", "drive_variance": 0.5, "seq_len": 70, "hidden_size": 12, "batch_size": 2, "replicates": 3,
    "seed": 0, "out": "unused",
}  # fmt: skip
ROUNDING = 1e-12


def config(**changes):
    return Config(**BASE | changes)


def gains(**changes):
    return np.array([net["gain_achieved"] for net in measure(config(**changes)).nets])


def test_glorot_is_drawn_as_a_network_draws_it():
    own = [achieved(rnnkit.initializers.glorot(streams(0, i).init, 12, 12)).gain for i in range(3)]
    np.testing.assert_allclose(gains(), own, rtol=ROUNDING)
    init = streams(0, 0).init
    init.standard_normal((12, 12))  # a network draws W_xh first
    net = rnnkit.RNN(12, 12, dtype="float64", seed=streams(0, 0).init)
    np.testing.assert_allclose(net.parameters["l0.W_hh"], rnnkit.initializers.glorot(init, 12, 12), rtol=ROUNDING)


def test_starts_differ_by_their_scale_alone():
    np.testing.assert_allclose(gains(start="small"), 0.01 * np.sqrt(12) * gains(), rtol=ROUNDING)
    np.testing.assert_allclose(gains(start=1.5), 1.5 * gains(), rtol=ROUNDING)


@pytest.mark.parametrize("bad", ["identity", 0, -1.0, float("nan"), True, 101])
def test_a_start_that_is_none_is_refused(bad):
    assert faults(Config, BASE | {"start": bad}) == [
        f"start must be glorot, small or a gain from 0.001 to 100, got {bad}"
    ]


def test_a_drive_of_zero_is_refused():
    assert faults(Config, BASE | {"drive_variance": 0}) == [
        "drive_variance must be a number above 0, up to 1000, got 0"
    ]


def sweep(folder, starts):
    plan = [config(start=start).scientific() for start in starts]
    for scientific in plan:
        record = {"config": scientific, "seconds": 0.0} | vars(measure(Config(**scientific, out="unused")))
        store.write_record(folder / "jobs" / store.identity(scientific), record)
    tables.collect(folder, plan, COLUMNS)
    return tables.read(folder)


def test_a_sweep_is_drawn_and_judged(tmp_path):
    judged = claims(sweep(tmp_path, ["glorot", "small", 1.5]))
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"growth_rate.png", "lags.png"}
    assert [c.claim.claim for c in judged] == ["S5a", "S5b", "S5c", "S5d"]
    assert {c.verdict for c in judged if c.claim.claim in ("S5b", "S5c")} == {"holds"}


def test_without_the_small_start_there_is_nothing_to_compare(tmp_path):
    verdicts = {c.claim.claim: c.verdict for c in claims(sweep(tmp_path, ["glorot"]))}
    assert verdicts["S5b"] == "undecided"
