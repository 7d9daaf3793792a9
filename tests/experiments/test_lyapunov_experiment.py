"""Three rates of a driven net against answers known beforehand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sweeps
from common.driven import Driven, driven
from common.flow import measure_flow
from lyapunov import COLUMNS, MEASURED, Config, as_flow, claims, draw, largest_exponent, measure, measure_net

from rnnkit import RNN
from rnnkit.initializers import Achieved, orthogonal
from rnnkit.kernels import TANH, rnn_backward
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables

ROUNDING = 1e-9  # some hundred float64 steps of a chaotic or a fading net
BASE = {
    "initializer": "gaussian",
    "gain": 1.0,
    "drive_variance": 1.0,
    "seq_len": 80,
    "hidden_size": 8,
    "batch_size": 2,
    "replicates": 3,
    "seed": 0,
    "out": "unused",
}


def config(**changes):
    return Config(**BASE | changes)


LEAKY = str(Path(__file__).parents[1] / "user_cells" / "leaky.py")


def states_of(settings, replicate=0):
    net = driven(as_flow(settings), replicate)
    W_xh, W_hh = (net.net.parameters[f"l0.{name}"] for name in ("W_xh", "W_hh"))
    return W_hh, net.direction, net.trace.x, W_xh, net.trace.layers[0].h


def test_slopes_are_those_of_gradient_flow():
    ours, theirs = measure(config()), measure_flow(as_flow(config()))
    np.testing.assert_allclose(*(pd.DataFrame(one.lags) for one in (ours, theirs)), rtol=ROUNDING, atol=ROUNDING)
    for name in ("growth_rate", "growth_rate_se", "growth_rate_theory", "gain_achieved"):
        assert ours.row[name] == pytest.approx(theirs.row[name], rel=ROUNDING)


@pytest.mark.parametrize("gain", [0.7, 2.0])
def test_the_weights_gradient_grows_as_plain_bptt_says(gain):
    settings = config(gain=gain)
    W_hh, direction, x, W_xh, h = states_of(settings)
    norms = []
    for T in (40, 80):
        of_samples = []
        for b in (0, 1):
            one = (np.ascontiguousarray(a[:, b : b + 1]) for a in (x[:T], h[: T + 1]))
            of_samples.append(np.log(np.linalg.norm(rnn_backward(direction[None], *one, W_xh, W_hh, TANH).dW_hh)))
        norms.append(np.mean(of_samples))
    found = measure_net(settings, 0)[0]
    assert abs(found["weight_log_ratio"] - (norms[1] - norms[0])) < ROUNDING
    rate = (norms[1] - norms[0]) / 40
    assert abs(found["weight_rate_minus_exponent"] - (rate - found["exponent"])) < ROUNDING


def test_the_exponent_by_hand():
    W_hh, _, _, _, h = states_of(config())
    change = np.linalg.qr(streams(0).evaluation.standard_normal((8, 1)))[0][:, 0]
    logs = []
    for t in range(80):
        change = (1 - h[t + 1, 0] ** 2) * (W_hh.T @ change)
        logs.append(np.log(np.linalg.norm(change)))
        change /= np.linalg.norm(change)
    assert abs(largest_exponent(driven(as_flow(config()), 0)) - np.mean(logs[20:])) < ROUNDING


def test_of_a_net_at_rest_the_exponent_is_the_log_of_the_gain():
    net = RNN(8, 8, cell="identity", initializer=0.9 * orthogonal(streams(0).init, 8), dtype="float64")
    at_rest = Driven(net, net.forward(np.zeros((60, 1, 8))), net.initial_state(1), np.ones(8), Achieved(1, 1, 1))
    assert abs(largest_exponent(at_rest) - np.log(0.9)) < ROUNDING


def test_a_row_has_its_columns_and_more_replicates_leave_the_first_as_they_were():
    measured = measure(config())
    assert set(measured.row) == set(COLUMNS)
    assert set(MEASURED) < set(measured.nets[0])
    for net, again in zip(measured.nets, measure(config(replicates=5)).nets, strict=False):
        assert again == pytest.approx(net, rel=ROUNDING)


def collected(out, *changes):
    return sweeps.collected(out, [config(**c) for c in changes], measure, COLUMNS)


def test_any_sweep_is_drawn_and_only_claimed_cells_are_judged(tmp_path):
    kinds = [{"initializer": i, "drive_variance": s2} for i in ("gaussian", "orthogonal") for s2 in (0.1, 1.0)]
    found = collected(tmp_path, *kinds)
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {
        "lags.png", "growth_rate_gaussian.png", "growth_rate_orthogonal.png",
    }  # fmt: skip
    cells = {c.statement.split(": ")[-1] for c in claims(found)}
    assert cells == {f"{i}, g = 1, s2 = {s2}" for i, s2 in (("gaussian", 1), ("orthogonal", 0.1), ("orthogonal", 1))}


def test_near_the_edge_the_weights_are_not_judged(tmp_path):
    found = collected(tmp_path, {"initializer": "orthogonal"})
    for rate, names in ((-0.07, ["G5a", "G5b"]), (-0.08, ["G5a", "G5b", "G5c"]), (0.08, ["G5a", "G5b", "G5c"])):
        judged = claims(found._replace(table=found.table.assign(growth_rate_theory=rate)))
        assert [c.claim.claim for c in judged] == names
    assert "stable" in claims(found._replace(table=found.table.assign(growth_rate_theory=-0.08)))[2].statement
    assert "chaotic" in judged[2].statement


@pytest.mark.parametrize("changes", [{"seq_len": 69}, {"initializer": "sparse"}, {"drive_variance": 0}])
def test_what_has_no_theory_or_slope_is_refused(changes):
    assert faults(Config, BASE | changes)


def test_a_table_without_rows_has_no_claims():
    empty = tables.Tables(*(pd.DataFrame() for _ in tables.Tables._fields))
    assert claims(empty) == []


@pytest.mark.parametrize("cell", [LEAKY, "lstm", "sigmoid"])
def test_of_any_cell_the_slope_is_the_largest_exponent(cell):
    """Over 780 lags the direction has settled: what is left of its start is some nats over all of them."""
    found = measure(config(cell=cell, seq_len=800, replicates=2, gain=0.7)).row
    assert found["rate_minus_exponent"] == pytest.approx(0, abs=0.01)
    assert found["growth_rate_theory"] is None
    table = pd.DataFrame([found | BASE])
    assert claims(tables.Tables(table, None, None, None)) == []


def test_a_leaky_cell_that_leaks_all_is_tanh():
    """Other weights, drawn in another order: means over nets agree within their errors."""
    mine, ours = (measure(config(hidden_size=50, replicates=12, **more)).row
                  for more in ({"cell": LEAKY, "constants": {"alpha": 1.0}}, {}))  # fmt: skip
    for name in ("growth_rate", "exponent", "weight_rate_minus_exponent"):
        spread = np.hypot(mine[f"{name}_se"], ours[f"{name}_se"])
        assert abs(mine[name] - ours[name]) < 4 * spread


def test_a_cell_without_recurrent_weights_has_no_gain():
    path = str(Path(LEAKY).with_name("min_gru.py"))
    (fault,) = faults(Config, BASE | {"cell": path})
    assert fault.startswith("gain=1.0 cannot be combined with cell=MinGRU: it has no recurrent weights to scale")
    assert faults(Config, BASE | {"gain": "none"}) == ["gain must be a number from 0.001 to 10, got none"]
    for gain in (11.0, 1e-4):
        assert faults(Config, BASE | {"gain": gain}) == [f"gain must be none or a number from 0.001 to 10, got {gain}"]
    found = measure(config(cell=path, gain="none", seq_len=800, replicates=2)).row
    assert found["rate_minus_exponent"] == pytest.approx(0, abs=0.01)
    assert found.get("weight_log_ratio") is None


def test_nets_without_a_gradient_are_left_out_and_told():
    found = measure(config(cell="relu", seq_len=800, replicates=4, gain=0.3))
    gone = [net["replicate"] for net in found.nets if not np.isfinite(net["exponent"])]
    assert gone
    assert found.message == f"{len(gone)} of 4 nets have a gradient of exactly zero, and are left out"
    assert found.row["growth_rate"] is None or np.isfinite(found.row["growth_rate"])


def test_nets_that_overflow_are_told_as_such():
    found = measure(config(cell="identity", seq_len=800, replicates=2, gain=5.0))
    assert found.row["status"] == "diverged"
    assert found.row["growth_rate"] is None
    assert found.message == "2 of 2 nets became non-finite, and are left out"
