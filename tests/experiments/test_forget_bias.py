"""The half-life of a gradient in an LSTM's cell, with and without weights."""

import numpy as np
import pytest
from forget_bias import COLUMNS, QUOTED, Config, claims, draw, half_life, log_norms, measure

from rnnkit.runner.jobs import store
from rnnkit.runner.tables import table as tables

ROUNDING = 1e-12  # a hundred float64 products and the logarithm
BASE = {
    "forget_bias": 1.0,
    "seq_len": 100,
    "hidden_size": 6,
    "batch_size": 2,
    "replicates": 3,
    "seed": 0,
    "out": "unused",
}


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("b", [-1.0, 0.0, 1.0, 5.0])
def test_without_weights_each_step_has_the_factor_of_the_gate(b):
    found = log_norms(config(forget_bias=b), "zero", 0)
    expected = -np.arange(101) * np.log1p(np.exp(-b))
    np.testing.assert_allclose(found, np.tile(expected[:, None], (1, 2)), rtol=ROUNDING, atol=ROUNDING)


def test_the_printed_half_lives_are_those_of_the_formula():
    for b, (printed, half_a_unit) in QUOTED.items():
        assert abs(np.log(2) / np.log1p(np.exp(-b)) - printed) <= half_a_unit


def test_weights_change_the_rate_and_not_its_beginning():
    zero, glorot = (log_norms(config(), weights, 0) for weights in ("zero", "glorot"))
    np.testing.assert_allclose(zero[0], glorot[0], atol=ROUNDING)
    assert np.abs(zero[-1] - glorot[-1]).min() > 0.1


def test_replicates_are_different_nets():
    assert not np.allclose(log_norms(config(), "glorot", 0)[-1], log_norms(config(), "glorot", 1)[-1])
    assert measure(config(replicates=5)).nets[:3] == measure(config()).nets


def test_half_life():
    assert half_life(-np.log(2)) == 1
    assert half_life(0.0) is None
    assert half_life(0.1) is None
    assert half_life(None) is None


def test_a_gradient_that_leaves_float64_has_no_rate_and_no_verdict_in_favour():
    measured = measure(config(forget_bias=-20.0))
    assert set(measured.row) == set(COLUMNS)
    assert measured.row["growth_rate"] is None
    assert measured.row["half_life"] is None


def test_a_sweep_is_drawn_and_only_printed_biases_are_judged(tmp_path):
    plan = [config(forget_bias=b).scientific() for b in (0.0, 0.5, 5.0)]
    for scientific in plan:
        record = {"config": scientific, "seconds": 0.0} | vars(measure(Config(**scientific, out="unused")))
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, COLUMNS)
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"growth_rate.png", "lags.png", "lags_glorot.png"}
    judged = claims(tables.read(tmp_path))
    assert [c.verdict for c in judged] == ["holds", "holds"]
    assert [c.bar for c in judged] == [1.0, 103.2]
