"""The moments against sums over lags, the carried sensitivity against BPTT."""

import numpy as np
import pytest
from sensitivity import BLOCK, COLUMNS, Config, chains, claims, draw, measure, moments

from rnnkit.gradients import theory
from rnnkit.kernels import IDENTITY, rnn_backward, rnn_forward
from rnnkit.rng import streams
from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables

BASE = {"lam": 0.9, "horizon": 10.0, "chains": 400, "seed": 0, "out": "unused"}
ROUNDING = 1e-11


@pytest.mark.parametrize("lam", [0.0, 0.5, 0.99])
def test_moments_by_the_sums_over_all_lags(lam):
    k = np.arange(1, 5000)
    assert moments(lam) == pytest.approx((1 + np.sum(lam ** (2.0 * k)), np.sum((k * lam ** (k - 1.0)) ** 2)))
    assert moments(lam) == pytest.approx((theory.memory_variance(lam), theory.memory_sensitivity(lam)), rel=ROUNDING)


def test_the_carried_sensitivity_is_the_gradient_of_bptt():
    lam, steps = 0.95, 40
    found = chains(lam, steps, 3, seed=7)
    one, W_hh = np.ones((1, 1)), np.array([[lam]])
    noise = streams(7, 0).data.standard_normal((steps, BLOCK, 1))
    for i, (h_T, s_T) in enumerate(found):
        x = noise[:, i : i + 1].copy()
        h = rnn_forward(x, np.zeros((1, 1)), one, W_hh, np.zeros(1), IDENTITY)
        gradients = rnn_backward(one, x, h, one, W_hh, IDENTITY)
        assert h[-1, 0, 0] == pytest.approx(h_T, rel=ROUNDING)
        assert gradients.dW_hh[0, 0] == pytest.approx(s_T, rel=ROUNDING)


def test_more_chains_begin_with_the_same_ones():
    np.testing.assert_array_equal(chains(0.5, 10, 120, 0)[:7], chains(0.5, 10, 7, 0))
    assert len(np.unique(chains(0.5, 10, 120, 0)[:, 0])) == 120


def test_a_sweep_is_drawn_and_judged(tmp_path):
    plan = [Config(**BASE | change).scientific() for change in ({}, {"lam": 0.0}, {"horizon": 1.0})]
    for scientific in plan:
        measured = measure(Config(**scientific, out="unused"))
        assert set(measured.row) == set(COLUMNS)
        record = {"config": scientific, "seconds": 0.0} | vars(measured)
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, COLUMNS)
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"sensitivity.png"}
    judged = claims(tables.read(tmp_path))
    names = ["G8a", "G8b"] * 2 + ["G8c"] + ["G8a", "G8b"] * 2 + ["G8c", "G8a", "G8a", "G8c"]
    assert [c.claim.claim for c in judged] == names
    assert {c.verdict for c in judged if c.claim.claim != "G8b"} == {"holds"}
    assert "fails" not in {c.verdict for c in judged}


def test_bad_keys_are_refused_in_one_line_each():
    found = faults(Config, BASE | {"lam": 1.0, "horizon": 0.5, "chains": 1})
    assert {f.split()[0] for f in found} == {"lam", "horizon", "chains"}
    assert "lam must be a number from 0 to 0.9999, got 1.0" in found
