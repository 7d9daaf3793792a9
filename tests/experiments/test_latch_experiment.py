"""The latch's map by iteration and closed forms, its training against the kernels' BPTT."""

import numpy as np
import pytest
from latch import (
    COLUMNS,
    HAND_W,
    INPUTS,
    Config,
    adverse_input,
    attractor,
    claims,
    descend,
    draw,
    latched_log_norms,
    measure,
    right_share,
    train,
)

from rnnkit.kernels import TANH, rnn_backward, rnn_forward
from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables

BASE = {"w": 1.25, "seq_len": 6, "noise": 0.2, "learning_rate": 0.1, "updates": 40, "nets": 10, "seed": 0}
BASE |= {"out": "unused"}
ROUNDING = 1e-10
WEIGHTS = [1.1, 1.25, 1.5, 2.0, 5.0]


@pytest.mark.parametrize("w", WEIGHTS)
def test_beyond_the_adverse_input_the_latch_is_lost(w):
    def after(h):
        x = attractor(w)
        for _ in range(20_000):
            x = np.tanh(w * x - h)
        return x

    assert after(adverse_input(w) - 1e-4) > 0
    assert after(adverse_input(w) + 1e-4) < 0
    at = np.sqrt(1 - 1 / w)  # w (1 - x^2) = 1: two fixed points meet
    assert adverse_input(w) == pytest.approx(w * at - np.arctanh(at), abs=ROUNDING)


@pytest.mark.parametrize("w", WEIGHTS)
def test_the_latched_gradient_loses_one_factor_a_step(w):
    x = attractor(w)
    assert x == pytest.approx(np.tanh(w * x), abs=ROUNDING)
    steps = np.diff(latched_log_norms(w)[:50])
    np.testing.assert_allclose(steps, np.log(w * (1 - x * x)), rtol=1e-6)


def test_an_update_follows_the_gradient_of_bptt():
    rng, w, target, rate = np.random.default_rng(0), 1.3, 0.7, 0.1
    inputs, noise = rng.normal(size=(2, INPUTS)), rng.normal(size=(1, 2, 5))
    x = np.concatenate([inputs, noise[0]], axis=1).T[:, :, None].copy()
    one, W_hh = np.ones((1, 1)), np.array([[w]])
    h = rnn_forward(x, np.zeros((2, 1)), one, W_hh, np.zeros(1), TANH)
    gradients = rnn_backward((h[-1] - [[-target], [target]]) / 2, x, h, one, W_hh, TANH)
    trained = inputs.copy()
    assert descend(w, trained, noise, target, rate) == pytest.approx(w - rate * gradients.dW_hh[0, 0], rel=ROUNDING)
    np.testing.assert_allclose(trained, inputs - rate * gradients.dx[:INPUTS, :, 0].T, rtol=ROUNDING)


def test_right_means_the_sign_of_the_class():
    quiet, good = np.zeros((4, 10)), np.array([[-1.0] * INPUTS, [1.0] * INPUTS])
    assert right_share(HAND_W, good, quiet) == 1
    assert right_share(HAND_W, -good, quiet) == 0
    assert right_share(HAND_W, np.abs(good), quiet) == 0.5


def test_a_short_lag_is_learned_and_replicates_differ():
    config = Config(**BASE | {"updates": 2000})
    assert train(config, 0).right[-1] > 0.95
    assert train(config, 0).w != train(config, 1).w
    assert train(config, 1).w == train(config, 1).w


def test_a_sweep_is_drawn_and_judged(tmp_path):
    plan = [Config(**BASE | change).scientific() for change in ({}, {"seq_len": 12}, {"w": 3.0})]
    for scientific in plan:
        measured = measure(Config(**scientific, out="unused"))
        assert set(measured.row) == set(COLUMNS)
        record = {"config": scientific, "seconds": 0.0} | vars(measured)
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, COLUMNS)
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"success.png", "lags.png"}
    judged = claims(tables.read(tmp_path))
    assert [c.claim.claim for c in judged] == ["M1a"] * 3 + ["M1b", "M1c", "M1d"]
    assert {c.verdict for c in judged if c.claim.claim != "M1c"} == {"holds"}
    assert min(c.se for c in judged if c.claim.claim in ("M1c", "M1d")) > 0


def test_bad_keys_are_refused_in_one_line_each():
    found = faults(Config, BASE | {"w": 1.0, "seq_len": 3, "noise": -0.1, "nets": 9, "updates": 1})
    assert {f.split()[0] for f in found} == {"w", "seq_len", "noise", "nets", "updates"}
    assert "seq_len must be an integer from 4 to 10000, got 3" in found
