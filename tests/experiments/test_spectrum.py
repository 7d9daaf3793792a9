"""Spectra of autonomous nets against what is known of them, and the line that judges them."""

import numpy as np
import pytest
import sweeps
from spectrum import COLUMNS, PRINTED, Config, claims, draw, exponents, line_of, measure, summary

from rnnkit.gradients import theory
from rnnkit.gradients.lyapunov import entropy_rate, kaplan_yorke_dimension
from rnnkit.initializers import recurrent_weights
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults

BASE = {"gain": 2.0, "leak": 1.0, "hidden_size": 16, "steps": 60, "burn_in": 20, "replicates": 3, "seed": 0,
        "out": "unused"}  # fmt: skip
SETTLED = 0.02  # nats: a net at rest, whose first steps are not yet linear
ROUNDING = 1e-12


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize(("found", "rate", "dimension"), [
    ([0.5, 0.2, -0.3, -1.0], 0.7, 3.4),
    ([1.0, -0.5, -0.7], 1.0, 2 + 0.5 / 0.7),
    ([-0.1, -0.2], 0.0, 0.0),
    ([0.3, 0.1], 0.4, 2.0),
    ([0.0, -1.0], 0.0, 1.0),
    ([0.5, -np.inf], 0.5, 1.0),
])  # fmt: skip
def test_what_is_made_of_a_spectrum(found, rate, dimension):
    assert entropy_rate(np.array(found)) == pytest.approx(rate)
    assert kaplan_yorke_dimension(np.array(found)[::-1]) == pytest.approx(dimension)


@pytest.mark.parametrize("bad", [None, "1", [], [np.nan], [[1.0]], [np.inf], [1j]])
def test_a_spectrum_that_is_none_is_refused(bad):
    for function in (entropy_rate, kaplan_yorke_dimension):
        with pytest.raises((ValueError, TypeError), match=r"^exponents must"):
            function(bad)


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_a_net_at_rest_has_the_exponents_of_its_linear_map(leak):
    """The two largest as eigenvalues of (1 - leak) + leak W; the mean as its determinant."""
    found = exponents(config(gain=0.5, leak=leak, steps=3000, burn_in=300), 0)
    W = recurrent_weights("gaussian", 16, streams(0, 0).init, gain=0.5)
    sizes = np.sort(np.abs(np.linalg.eigvals((1 - leak) * np.eye(16) + leak * W)))[::-1]
    assert found[0] == pytest.approx(np.log(sizes[0]), abs=SETTLED)
    assert found.mean() == pytest.approx(np.log(sizes).mean(), abs=SETTLED)


def test_the_mean_exponent_in_closed_form():
    assert theory.mean_exponent(3.0) == pytest.approx(-2.2728, abs=5e-5)  # as quoted with the printed -2.27390
    q = float(theory.fixed_point(2.0, 0.0))
    a = np.sqrt(q) * streams(0).data.standard_normal(1_000_000)
    assert theory.mean_exponent(2.0) == pytest.approx(np.log(2) - 0.5 + np.log(1 - np.tanh(a) ** 2).mean(), abs=0.01)
    with pytest.raises(ValueError, match=r"^gain must"):
        theory.mean_exponent(1.0)


def test_the_mean_of_a_net_is_that_of_its_determinants():
    """The sum of all exponents is the mean of ln |det J|: checked on the net itself, far from large."""
    settings = config(steps=40)
    found, W = exponents(settings, 1), recurrent_weights("gaussian", 16, streams(0, 1).init, gain=2.0)
    h = np.tanh(2.0 * streams(0, 1).evaluation.standard_normal(16))
    logs = []
    for t in range(60):
        h = np.tanh(h @ W)
        if t >= 20:
            logs.append(np.log(1 - h**2).sum() + np.linalg.slogdet(W)[1])
    assert found.sum() == pytest.approx(np.mean(logs), rel=1e-9)


def collected(out, *changes):
    return sweeps.collected(out, [config(**c) for c in changes], measure, COLUMNS)


def test_a_sweep_is_drawn_and_judged(tmp_path):
    found = collected(tmp_path, *({"hidden_size": H, "leak": leak} for H in (12, 24) for leak in (1.0, 0.5)))
    draw(tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"spectrum.png", "limits.png"}
    judged = claims(found)
    assert len(judged) == len(PRINTED[2.0, 1.0]) + 1
    assert {claim.n for claim in judged} == {6}
    assert set(summary(np.array([0.1, -0.2]))) < set(found.table)


def test_the_line_against_one_over_n(tmp_path):
    found = collected(tmp_path, *({"hidden_size": H} for H in (12, 24)))
    x = 1 / found.nets.merge(found.table[["out", "hidden_size"]], on="out").hidden_size
    noise = np.tile([-1e-3, 0, 1e-3], 2)
    line = found._replace(nets=found.nets.assign(largest=0.3 - 2 * x.to_numpy() + noise))
    (value, slope), se, n = line_of(line, 2.0, 1.0, "largest")
    assert (value, slope, n) == (pytest.approx(0.3, abs=ROUNDING), pytest.approx(-2, abs=ROUNDING), 6)
    assert 0 < se < 2e-3


def test_of_one_size_nothing_is_decided(tmp_path):
    judged = claims(collected(tmp_path, {}))
    assert {claim.verdict for claim in judged} == {"undecided"}


def test_bad_keys_are_refused():
    assert faults(Config, BASE | {"leak": 0}) == ["leak must be a number above 0, up to 1 (1: a tanh map), got 0"]
