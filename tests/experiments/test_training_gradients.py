"""When gradients rise and errors fall: by hand, in tables made by hand, and in a sweep that is run."""

import numpy as np
import pandas as pd
import pytest
import sweeps
from training_gradients import (
    EXPERIMENT,
    FEWEST,
    RISE,
    Config,
    claims,
    draw,
    far_gradient,
    first_update,
    measure,
    milestones,
)

from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import Tables
from rnnkit.statistics import VANISHED

SMALL = {
    "task": "temporal_order", "seq_len": 10, "net": "basic_tanh", "hidden_size": 5, "spectral_radius": 0.8,
    "batch_size": 4, "updates": 150, "check_every": 25, "check_size": 40, "stop": "never", "replicates": 3,
    "record_every": 50, "record_size": 6, "learning_rate": 0.1, "seed": 0, "out": "unused",
}  # fmt: skip
CHANCE = 0.75


def curve(far, error):
    return pd.DataFrame({"update": 50 * np.arange(len(far)), "far_gradient": far, "error": error})


def test_the_far_gradient_is_of_the_earliest_fifth_against_the_last_step():
    log_norms = [-1.0, *[-5.0] * 7, -9.0, -11.0]  # lags 8 and 9 of ten
    assert far_gradient({"log_norm": log_norms}) == -9.0
    assert np.isnan(far_gradient({"log_norm": [*log_norms[:-1], None]}))
    assert far_gradient({"log_norm": [-1.0, -2.0, -4.0]}) == -3.0  # of three steps the first


def test_milestones_of_a_net_that_learns():
    far = [-10.0, -9.5, -8.9, -5.5, -2.0, -1.0]
    found = milestones(curve(far, [None, 0.75, 0.7, 0.5, 0.37, 0.0]), 200, CHANCE)
    assert found == {"far_start": -10.0, "far_highest": -1.0, "rise": 100, "half_rise": 150, "fall": 200}


def test_what_comes_after_the_solve_does_not_move_the_half():
    far = [-10.0, -8.0, -4.0, -4.0, 20.0]
    assert milestones(curve(far, [None, 0.7, 0.0, 0.0, 0.0]), 100, CHANCE)["half_rise"] == 100


@pytest.mark.parametrize("far", [[-10.0, -10.0 + 0.9 * RISE, -10.0], [-10.0, -12.0, -15.0], [np.nan, -1.0, 0.0]])
def test_a_gradient_that_does_not_rise_has_no_half_of_it(far):
    found = milestones(curve(far, [None, 0.75, 0.75]), None, CHANCE)
    assert (found["rise"], found["half_rise"], found["fall"]) == (None, None, None)


def test_a_net_that_diverges_has_milestones_up_to_there():
    found = milestones(curve([-3.0, 40.0, np.nan], [None, None, None]), None, CHANCE)
    assert found == {"far_start": -3.0, "far_highest": 40.0, "rise": 50, "half_rise": 50, "fall": None}
    assert first_update(curve([0.0], [None]), pd.Series([False])) is None


def tables(radius=0.8, n=10, **columns):
    usual = {"replicate": range(n), "outcome": "solved", "rise": 100, "half_rise": 200, "fall": 300}
    nets = pd.DataFrame(usual | {"far_highest": -1.0, "out": "jobs/a"} | columns)
    table = pd.DataFrame({"out": ["jobs/a"], "spectral_radius": [radius], "updates": [1000]})
    return Tables(table, nets, pd.DataFrame(), pd.DataFrame())


def verdicts(found):
    return {claim.claim.claim: (claim.verdict, claim.n) for claim in claims(found)}


def test_the_order_is_judged_over_solved_nets():
    assert verdicts(tables()) == {"D1a": ("holds", 10), "D1b": ("holds", 10), "D2": ("undecided", 0)}
    late = verdicts(tables(rise=300, half_rise=301))  # at the same record is not before
    assert (late["D1a"], late["D1b"]) == (("fails", 10), ("fails", 10))
    never = verdicts(tables(rise=np.nan, half_rise=np.nan))
    assert (never["D1a"], never["D1b"]) == (("fails", 10), ("fails", 10))
    half = verdicts(tables(rise=[100] * 5 + [400] * 5))
    assert half["D1a"] == ("undecided", 10)


@pytest.mark.parametrize("found", [tables(radius=1.0), tables(outcome="unsolved"), tables(radius=np.nan)])
def test_without_solved_nets_of_vanishing_gradients_the_order_is_undecided(found):
    assert {verdicts(found)[name] for name in ("D1a", "D1b")} == {("undecided", 0)}


def test_of_few_nets_nothing_is_decided():
    few = verdicts(tables(n=FEWEST - 1, rise=1000))
    assert few["D1a"] == ("undecided", FEWEST - 1)
    few = tables(n=FEWEST - 1, outcome="unsolved", far_highest=-30.0 + np.arange(FEWEST - 1))
    assert verdicts(few)["D2"] == ("undecided", FEWEST - 1)


@pytest.mark.parametrize(("level", "verdict"), [(VANISHED - 5, "holds"), (VANISHED + 5, "fails")])
def test_nets_that_do_not_learn_are_judged_by_their_highest(level, verdict):
    found = tables(radius=0.2, outcome="unsolved", far_highest=level + np.linspace(-0.5, 0.5, 10))
    assert verdicts(found)["D2"] == (verdict, 10)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"record_every": 30}, "record_every must be a multiple of check_every=25, got 30"),
        ({"record_every": 0}, "record_every must be an integer from 1 to 1e9, a multiple of check_every, got 0"),
        ({"record_size": 0}, "record_size must be an integer from 1 to 100000, got 0"),
    ],
)
def test_a_bad_key_is_named(keys, told):
    assert faults(Config, SMALL | keys) == [told]


def collected(out, *changes):
    configs = [Config(**SMALL | {"out": str(out)} | change) for change in changes]
    return sweeps.collected(out, configs, measure, EXPERIMENT.columns)


def test_a_sweep_is_drawn_and_judged(tmp_path):
    found = collected(tmp_path, *({"spectral_radius": radius} for radius in (0.2, 8.0)))
    draw(tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"lags.png", "updates.png"}
    assert [claim.claim.claim for claim in claims(found)] == ["D1a", "D1b", "D2"]
    assert len(found.lags) == 2 * 4 * 10
    assert len(found.history) == 2 * 3 * 4
    assert {"log_norm_l0.W_hh", "spectral_radius", "exponent", "error"} < set(found.history)
    wide = found.lags[found.lags.out == found.table.out[0]].pivot(index="lag", columns="update", values="log_norm")
    assert (list(wide.columns), list(wide.index)) == ([0, 50, 100, 150], list(range(10)))
    first = found.history[(found.history.out == found.table.out[0]) & (found.history["update"] == 0)]
    by_hand = wide[0][8:].mean() - wide[0][0]  # means over lags and nets change places
    assert first.far_gradient.mean() == pytest.approx(by_hand, abs=1e-6)


def test_nets_that_diverge_are_drawn_up_to_there(tmp_path):
    blown = {"net": "relu", "spectral_radius": 1e6, "replicates": 2}  # 1e60 after ten steps
    found = collected(tmp_path, {}, blown)
    draw(tmp_path)
    assert found.table.n_diverged.tolist() == [0, 2]
    own = found.history[found.history.out == found.table.out[1]]
    assert own["update"].tolist() == [0, 0]  # the first update was not made
    claims(found)
