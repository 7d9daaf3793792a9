"""Products of matrices with answers known beforehand."""

import linear_growth
import numpy as np
import pytest
import sweeps
from linear_growth import COLUMNS, Config, claims, log_norms, measure

from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import Tables

ROUNDING = 1e-12  # some hundred sums of float64 logarithms of size 1
SINGLE = 1e-5  # the same in float32, whose roundings are 6e-8
BASE = {
    "product": "tied",
    "initializer": "gaussian",
    "gain": 0.5,
    "seq_len": 40,
    "hidden_size": 8,
    "replicates": 3,
    "seed": 0,
    "dtype": "float64",
    "out": "unused",
}


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("product", ["tied", "independent"])
@pytest.mark.parametrize("initializer", ["orthogonal", "identity"])
def test_where_every_factor_is_the_gain(product, initializer):
    row = measure(config(product=product, initializer=initializer)).row
    assert abs(row["growth_rate"] - np.log(0.5)) < ROUNDING
    assert row["growth_rate_theory"] == np.log(0.5)
    assert row["step_variance"] < ROUNDING


def test_the_log_norms_are_those_of_the_product():
    found, W = log_norms(config(seq_len=6), 1)
    delta = linear_growth.streams(0, 1).evaluation.standard_normal(8)
    powers = [delta @ np.linalg.matrix_power(W.T, k) for k in range(7)]
    expected = [np.log(np.linalg.norm(p) / np.linalg.norm(delta)) for p in powers]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_fresh_matrices_differ_from_step_to_step():
    tied, first = log_norms(config(), 0)
    independent, same_first = log_norms(config(product="independent"), 0)
    np.testing.assert_array_equal(first, same_first)
    np.testing.assert_allclose(tied[1], independent[1], rtol=0, atol=ROUNDING)
    assert abs(tied[2] - independent[2]) > 1e-3  # another matrix


def test_float32_agrees_with_float64():
    rows = [measure(config(dtype=dtype)).row for dtype in ("float32", "float64")]
    for key in ("growth_rate", "sigma_max", "rate_minus_log_radius"):
        assert abs(rows[0][key] - rows[1][key]) < SINGLE


def test_a_tied_product_tends_to_the_log_of_its_radius():
    gaps = [abs(measure(config(seq_len=T, replicates=8)).row["rate_minus_log_radius"]) for T in (10, 4000)]
    assert gaps[1] < 0.002 < gaps[0]


def test_shear_grows_before_it_decays():
    measured = measure(config(initializer="shear", hidden_size=20, seq_len=1000))
    assert measured.row["spectral_radius_achieved"] == 0.5
    assert measured.row["largest_log_norm"] > 1
    assert measured.row["growth_rate"] < 0


def test_a_row_has_its_columns_and_a_net_its_replicate():
    measured = measure(config())
    assert set(measured.row) == set(COLUMNS)
    assert [net["replicate"] for net in measured.nets] == [0, 1, 2]
    assert [lag["lag"] for lag in measured.lags] == list(range(41))
    assert measure(config(replicates=1)).row["growth_rate_se"] is None


def test_more_replicates_leave_the_first_ones_as_they_were():
    assert measure(config(replicates=5)).nets[:3] == measure(config()).nets


def test_the_smallest_job_runs():
    assert measure(config(seq_len=2, hidden_size=1, replicates=1)).row["status"] == "done"


def test_an_independent_product_of_single_units_runs():
    assert measure(config(product="independent", hidden_size=1, seq_len=100)).row["status"] == "done"


def test_shear_with_fresh_matrices_is_refused_or_explained():
    changed = BASE | {"initializer": "shear", "product": "independent"}
    assert faults(Config, changed) or "shear" in measure(Config(**changed)).row["theory_note"]


def test_no_long_job_no_claim():
    import pandas as pd

    measured = measure(config())
    table = pd.DataFrame([BASE | measured.row])
    details = (pd.DataFrame(rows) for rows in (measured.nets, measured.lags, measured.history))
    assert claims(Tables(table, *details)) == []


def test_exponents_of_fresh_matrices_are_newmans():
    """Of 400 products of 40 factors; no QR leaves more than one order of rounding."""
    found = np.stack([linear_growth.exponents(config(), i) for i in range(400)])
    se = np.sqrt(linear_growth.theory.independent_product_variances(8) / found.size * 8 / 40)
    expected = linear_growth.theory.independent_product_exponents(0.5, 8)
    assert (np.abs(found.mean(axis=0) - expected) < 4 * se).all()


def test_exponents_are_drawn_and_judged(tmp_path):
    jobs = [config(product=product, gain=g, seq_len=400) for product in ("tied", "independent") for g in (0.5, 2)]
    found = sweeps.collected(tmp_path, jobs, measure, COLUMNS)
    linear_growth.draw(tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"lags.png", "exponents.png"}
    judged = [case for case in claims(found) if case.claim.claim == "L4"]
    assert [case.statement.split(",")[0] for case in judged] == [
        f"independent W: exponent {i} of 8 = Newman's" for i in (5, 8, 5, 8)
    ]
    assert len({case.draws for case in judged}) == 2  # both gains have the same matrices, but for their scale
