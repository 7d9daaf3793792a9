"""The headline experiment against kernels and against answers known beforehand."""

import numpy as np
import pandas as pd
import pytest
from common.driven import driven
from common.flow import COLUMNS
from common.flow import measure_flow as measure
from common.flow_config import FlowConfig as Config
from common.flow_nets import measure_net
from gradient_flow import claims, draw

from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import INITIALIZERS, achieved, recurrent_weights
from rnnkit.kernels import clip_by_norm, clip_by_value
from rnnkit.rng import streams
from rnnkit.runner.jobs import store
from rnnkit.runner.tables import table as tables
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.statistics import clipped_log10
from rnnkit.tasks.digits import WHITE, read_digits

ROUNDING = 1e-12  # some hundred sums of float64 logarithms of size 1
SINGLE = 1e-4  # 100 steps of roundings of 6e-8 in a net that forgets, and their logarithms
BASE = {
    "seq_len": 80,
    "spectral_radius": "none",
    "gain": "none",
    "clip": "none",
    "clip_mode": "norm",
    "hidden_size": 8,
    "initializer": "gaussian",
    "cell": "tanh",
    "drive": "noise",
    "drive_variance": 1.0,
    "batch_size": 2,
    "replicates": 3,
    "seed": 0,
    "dtype": "float64",
    "out": "unused",
}


def config(**changes):
    return Config(**BASE | changes)


def weights(settings, replicate=0):
    W_hh = recurrent_weights(
        settings.initializer, settings.hidden_size, streams(settings.seed, replicate).init,
        gain=None if settings.gain == "none" else settings.gain,
    )  # fmt: skip
    return W_hh.astype(settings.dtype)


def gradients_of_a_net():
    """Return (recurrent, rest, log_scale) as `clipped_log10` takes them, and the gradients themselves."""
    net = driven(config(seq_len=12), 0)
    found = backward_scaled(net.net, net.trace, net.last(2))
    W_xh, W_hh, b_h = (found.parameters[f"l0.{name}"] for name in ("W_xh", "W_hh", "b_h"))
    return ([W_hh], [W_xh, b_h], found.log_scale), tuple(g * np.exp(found.log_scale) for g in (W_xh, W_hh, b_h))


@pytest.mark.parametrize(("mode", "clip_in_place"), [("norm", clip_by_norm), ("value", clip_by_value)])
@pytest.mark.parametrize("clip", [1e-3, 0.5, 3.0, 1e3])
def test_clipping_by_logarithms_is_the_kernels(mode, clip_in_place, clip):
    scaled, gradients = gradients_of_a_net()
    before, after, acted = clipped_log10(*scaled, clip, mode)
    assert abs(before - np.log10(np.linalg.norm(gradients[1]))) < ROUNDING
    assert acted == clip_in_place(gradients, clip).clipped
    assert abs(after - np.log10(np.linalg.norm(gradients[1]))) < ROUNDING


def test_without_a_clip_nothing_acts():
    before, after, acted = clipped_log10(*gradients_of_a_net()[0], None, "norm")
    assert (before, False) == (after, acted)


@pytest.mark.parametrize("shift", [-1e5, 1e5])
def test_clipping_works_beyond_the_range_of_floats(shift):
    scaled = gradients_of_a_net()[0]
    far = (*scaled[:2], scaled[2] + shift)
    assert clipped_log10(*far, 1.0, "norm")[2] == (shift > 0)
    moved = clipped_log10(*far, None, "norm")[0] - clipped_log10(*scaled, None, "norm")[0]
    assert abs(moved - shift / np.log(10)) < 1e-9


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_a_clip_changes_what_is_clipped_and_nothing_else(mode):
    free, clipped = measure(config()), measure(config(clip=1e-3, clip_mode=mode))
    changed = {key for key in free.row if free.row[key] != clipped.row[key]}
    assert changed == {"log10_grad_W_hh_clipped", "clip_fraction"}
    assert clipped.row["clip_fraction"] == 1
    assert free.lags == clipped.lags


def test_the_draws_of_a_seed_do_not_depend_on_the_clip_or_the_length():
    same = ["spectral_radius_achieved", "gain_achieved", "sigma_max", "replicate"]
    found = [measure(config(**c)).nets for c in ({}, {"clip": 0.1}, {"seq_len": 7}, {"replicates": 5})]
    for nets in found[1:]:
        assert [[net[k] for k in same] for net in nets[:3]] == [[net[k] for k in same] for net in found[0]]
    assert measure(config(seed=1)).nets[0]["sigma_max"] != found[0][0]["sigma_max"]


def test_float32_agrees_with_float64():
    rows = [measure(config(dtype=dtype, clip=0.1)).row for dtype in ("float32", "float64")]
    assert rows[0].keys() == rows[1].keys()
    for key, value in rows[1].items():
        assert rows[0][key] == (value if isinstance(value, str | int) else pytest.approx(value, rel=SINGLE, abs=SINGLE))


@pytest.mark.parametrize("gain", [0.5, 1.3])
def test_a_multiple_of_the_identity_grows_by_its_gain(gain):
    row = measure(config(initializer="identity", cell="identity", gain=gain)).row
    assert abs(row["growth_rate"] - np.log(gain)) < ROUNDING
    assert abs(row["growth_rate_theory"] - np.log(gain)) < ROUNDING
    assert abs(row["log10_grad_h0"] - 80 * np.log10(gain)) < 80 * ROUNDING
    assert row["vanished_fraction"] == float(gain < 1)
    assert row["exploded_fraction"] == float(gain > 1)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_a_state_that_overflows_is_a_diverged_job(activation):
    settings = config(cell=activation, gain=1e3, seq_len=100)
    first = []
    for replicate in range(3):
        h = driven(settings, replicate).trace.layers[0].h
        bad = np.flatnonzero(~np.isfinite(h).all(axis=(1, 2)))
        first += [bad[0]] if bad.size else []
    measured = measure(settings)
    assert measured.row["status"] == "diverged"
    assert f"{len(first)} of 3 nets" in measured.message
    assert measured.message.endswith(f"the first at step {min(first)}")
    assert measured.row.get("growth_rate") is None
    assert min(first) > 0


def test_gradients_that_are_zero_are_counted():
    measured = measure(config(cell="relu", hidden_size=1, seq_len=2, replicates=40))
    row, pairs = measured.row, 40 * 2
    alive = measured.lags[-1]["n"]
    assert 0 < row["n_zero"] < pairs
    assert row["n_zero"] == pairs - alive
    assert row["vanished_fraction"] >= row["n_zero"] / pairs
    assert np.isfinite(row["log10_grad_h0"])


def test_a_net_that_is_all_dead_has_no_mean():
    row = measure(config(cell="relu", hidden_size=1)).row
    assert (row["n_zero"], row["vanished_fraction"], row["status"]) == (6, 1.0, "done")
    assert row["log10_grad_h0"] is None
    assert row["growth_rate"] is None


def test_digits_drive_as_strongly_as_asked():
    pytest.importorskip("sklearn")
    settings = config(drive="digits", seq_len=64, drive_variance=0.3)
    net = driven(settings, 0)
    W_xh = net.net.parameters["l0.W_xh"]
    assert abs(np.var(read_digits().pixels[..., None] / WHITE * W_xh) - 0.3) < ROUNDING
    assert (net.trace.x.shape, W_xh.shape, net.trace.h.shape) == ((64, 2, 1), (1, 8), (64, 2, 8))
    assert measure(settings).row["status"] == "done"


def test_noise_drives_as_strongly_as_asked():
    settings = config(drive_variance=4.0)
    net = driven(settings, 0)
    np.testing.assert_array_equal(net.net.parameters["l0.W_xh"], 2 * np.eye(8))
    assert (net.trace.x.shape, net.trace.h.shape) == ((80, 2, 8), (80, 2, 8))
    assert np.all(net.first.h != 0)  # burnt in


NOTES = [
    ({"cell": "relu"}, "no theory for relu"),
    ({"cell": "sigmoid"}, "no theory for sigmoid"),
    ({"drive": "digits", "seq_len": 20}, "no theory for a drive that is not iid"),
    ({"initializer": "sparse"}, "no theory for sparse W"),
    ({"initializer": "identity"}, "no theory for identity W"),
    ({"drive_variance": 0}, "no drive"),
    ({"cell": "identity"}, "linear, one tied W"),
    ({"drive_variance": 0.1}, "exploratory"),
]


@pytest.mark.parametrize(("changes", "note"), NOTES, ids=[note for _, note in NOTES])
def test_a_row_says_why_no_theory_is_claimed(changes, note):
    if "drive" in changes:
        pytest.importorskip("sklearn")
    row = measure(config(**changes)).row
    assert row["theory_note"].startswith(note)
    assert (row["growth_rate_theory"] is None) == note.startswith("no ")


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_without_radius_and_gain_the_initializer_is_left_as_it_is(initializer):
    settings = config(initializer=initializer)
    net = measure_net(settings, 0)
    assert (net.spectral_radius, net.gain, net.sigma_max) == achieved(weights(settings))


def test_radius_and_gain_are_reached():
    assert measure(config(spectral_radius=1.7)).row["spectral_radius_achieved"] == pytest.approx(1.7, abs=ROUNDING)
    assert measure(config(initializer="orthogonal", gain=0.7)).row["gain_achieved"] == pytest.approx(0.7, abs=ROUNDING)


@pytest.mark.parametrize("changes", [{}, {"replicates": 1}, {"seq_len": 1, "batch_size": 1, "hidden_size": 1}])
def test_a_row_has_all_its_columns(changes):
    assert set(measure(config(**changes)).row) == set(COLUMNS)


def collected(out, *changes):
    """Run these jobs and collect them as a sweep does; return their statuses."""
    plan = [config(**BASE | c).scientific() for c in changes]
    for c, scientific in zip(changes, plan, strict=True):
        measured = measure(config(**BASE | c))
        record = {
            "config": scientific,
            "seconds": 0.0,
            "row": measured.row,
            "nets": measured.nets,
            "lags": measured.lags,
        }
        store.write_record(out / "jobs" / store.identity(scientific), record)
    return [record["row"]["status"] for record in tables.collect(out, plan, COLUMNS)]


GROWING = {"cell": "identity", "initializer": "identity", "gain": 1.765, "dtype": "float32"}
SWEEPS = {
    "activations": [{"cell": a} for a in ("tanh", "relu")],
    "none and a radius": [{"spectral_radius": r} for r in ("none", 1.0)],
    "all dead": [{"cell": "relu", "hidden_size": 1}],
    "the longest under the strongest drive diverged": [
        GROWING | {"seq_len": T, "drive_variance": s2} for T in (5, 100) for s2 in (1.0, 1e6)
    ],
}  # fmt: skip


@pytest.mark.parametrize("jobs", SWEEPS.values(), ids=SWEEPS)
def test_any_sweep_with_a_finished_job_is_drawn(tmp_path, jobs):
    statuses = collected(tmp_path, *jobs)
    assert set(statuses) <= {"done", "diverged"}
    draw(tmp_path)
    assert (tmp_path / "lags.png").stat().st_size > 0


def test_without_measured_cells_the_claims_are_undecided_or_none(tmp_path):
    collected(tmp_path, {"seq_len": 5, "clip": 1.0})
    read = tables.read(tmp_path)
    judged = claims(read)
    assert {(c.n, c.verdict) for c in judged} == {(0, "undecided")}
    assert isinstance(read.table, pd.DataFrame)


def test_two_lengths_of_the_same_nets_count_once():
    cells = [(length, radius) for length in (100, 200) for radius in (1.0, 2.0)]
    table = pd.DataFrame(cells, columns=["seq_len", "spectral_radius"]).assign(
        clip=NO_CLIP, growth_rate=-0.1, growth_rate_theory=-0.1, growth_rate_se=0.001, n=4,
        vanished_fraction=0.0, exploded_fraction=0.0,
    )  # fmt: skip
    judged = claims(tables.Tables(table, *[pd.DataFrame()] * 3))
    assert [case.claim.claim for case in judged] == ["G7a"] * 4 + ["G7b"] * 2
    assert [case.draws for case in judged[:4]] == ["radius 1.0", "radius 2.0"] * 2
    assert [(case.measured, case.n, case.verdict) for case in judged[4:]] == [(2, 4, "fails"), (0, 4, "holds")]
