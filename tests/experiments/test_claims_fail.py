"""Every claim can fail: the committed tables with wrong data in the measured column give `fails`."""

from pathlib import Path

import pandas as pd
import pytest
import reproduce

from rnnkit.runner import report
from rnnkit.runner.tables import read

RESULTS = Path(__file__).resolve().parents[2] / "results"
QUICK = RESULTS / "quick"


def plus(size):
    return lambda values: values + size


def times(factor):
    return lambda values: values * factor


def other_share(values):
    return 1 - values


# claim, part of its statement, experiment, table, column, what goes wrong
WRONG = [
    ("G1", "growth rate = theory: gaussian", "growth_theory", "table", "growth_rate", plus(0.1)),
    ("G1", "growth rate = theory: orthogonal", "growth_theory", "table", "growth_rate", plus(-0.1)),
    ("G2", "radius = sigma_max = 1 still vanishes", "growth_theory", "table", "growth_rate", plus(0.1)),
    ("G2", "gradients vanish", "critical_gain", "table", "growth_rate", times(-1)),
    ("G2", "gradients explode", "critical_gain", "table", "growth_rate", times(-1)),
    ("G2", "critical gain at", "critical_gain", "table", "critical_gain", plus(0.0002)),
    ("G2", "radius > 1 and growth < 0", "critical_gain", "nets", "growth_rate", times(-1)),
    ("G2", "radius > 1 and growth < 0", "critical_gain", "nets", "spectral_radius_achieved", times(0.5)),
    ("G3a", "(a)", "jacobian_bounds", "table", "largest_step_over_bound", plus(0.5)),
    ("G3b", "mean sigma_max", "jacobian_bounds", "nets", "sigma_max", plus(0.5)),
    ("G3b", "mean spectral_radius", "jacobian_bounds", "nets", "spectral_radius_achieved", plus(0.5)),
    ("G3b", "and yet gradients vanish", "jacobian_bounds", "table", "growth_rate", times(-1)),
    ("G3c", "(c)", "linear_growth", "table", "largest_log_norm", times(-1)),
    ("G4", "tied W: rate tends", "linear_growth", "table", "rate_minus_log_radius", plus(0.01)),
    ("G4", "orthogonal W, tied", "linear_growth", "table", "growth_rate", plus(1e-9)),
    ("G4", "orthogonal W, independent", "linear_growth", "table", "growth_rate", plus(1e-9)),
    ("G4", "independent W: rate", "linear_growth", "table", "growth_rate", plus(0.1)),
    ("G4", "independent W: variance", "linear_growth", "table", "step_variance", times(3)),
    ("G6", "weak drive", "growth_theory", "table", "growth_rate", plus(-0.1)),
    ("G7a", "slope = theory", "gradient_flow", "table", "growth_rate", plus(0.1)),
    ("G7b", "share vanished", "gradient_flow", "table", "vanished_fraction", other_share),
    ("G7b", "share exploded", "gradient_flow", "table", "exploded_fraction", other_share),
    ("S1", "by the log-norm kernel", "linear_growth", "table", "last_factor", times(1 + 1e-9)),
    ("G5a", "(a) slope", "lyapunov", "table", "rate_minus_exponent", plus(0.02)),
    ("G5b", "(b) largest", "lyapunov", "table", "exponent", plus(-0.02)),
    ("G5c", "(c) stable", "lyapunov", "table", "weight_log_ratio", plus(-3)),
    ("G5c", "(c) chaotic", "lyapunov", "table", "weight_rate_minus_exponent", plus(-0.02)),
    ("G9", "half-life of the gradient of c", "forget_bias", "table", "half_life", times(1.02)),
    ("S9", "encoder-decoder", "encoder_decoder", "table", "accuracy", times(0.98)),
    ("S10", "character model", "character_model", "table", "bits_per_character", plus(0.1)),
]


@pytest.fixture(scope="module")
def modules():
    return reproduce.experiments()


@pytest.fixture(scope="module")
def tables(modules):
    return {name: read(QUICK / name) for name in modules}


@pytest.fixture(scope="module")
def committed():
    return pd.read_csv(RESULTS / "claims.csv")


@pytest.mark.parametrize("wrong", WRONG, ids=[" ".join((w[0], w[1], w[4])) for w in WRONG])
def test_wrong_data_fail_the_claim(modules, tables, wrong):
    claim, part, experiment, name, column, go_wrong = wrong
    frame = getattr(tables[experiment], name)
    spoilt = tables[experiment]._replace(**{name: frame.assign(**{column: go_wrong(frame[column])})})
    judged = [c for c in modules[experiment].claims(spoilt) if c.claim == claim and part in c.statement]
    assert judged
    assert {c.statement: c.verdict for c in judged if c.verdict != "fails"} == {}


def test_every_claim_is_spoilt_above(committed):
    for row in committed.itertuples():
        experiment = row.experiment.split("/")[1]
        assert any(w[0] == row.claim and w[1] in row.statement and w[2] == experiment for w in WRONG), row.statement


def test_the_committed_tables_give_the_committed_verdicts(modules, committed):
    judged = []
    for name, module in modules.items():
        preset = report.largest_preset(RESULTS, name)
        claims = module.claims(read(RESULTS / preset / name))
        judged.append(report.Judged(name, preset, module.BUDGET_MINUTES[preset], claims))
    found = report.claims_frame(judged)[list(committed)]
    pd.testing.assert_frame_equal(found, committed, rtol=1e-12, atol=1e-12)  # the libm of another machine


@pytest.mark.parametrize("experiment", ["critical_gain", "gradient_flow", "growth_theory", "linear_growth"])
def test_a_rate_that_was_not_measured_is_never_in_favour(modules, tables, experiment):
    columns = ["growth_rate", "rate_minus_log_radius"]
    table = tables[experiment].table
    gone = {column: float("nan") for column in columns if column in table}
    spoilt = modules[experiment].claims(tables[experiment]._replace(table=table.assign(**gone)))
    rates = [c for c in spoilt if c.measured != c.measured]
    assert rates
    assert {c.verdict for c in rates} == {"undecided"}
