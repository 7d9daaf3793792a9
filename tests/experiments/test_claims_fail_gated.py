"""Every claim of the experiments on exponents and gated nets can fail: what theory says holds, wrong data fail."""

import forget_bias
import lyapunov
import pandas as pd
import pytest
from test_claims_fail import plus, times

from rnnkit.runner.tables import Tables

# claim, part of its statement, experiment, table, column, what goes wrong: as in test_claims_fail
WRONG = [
    ("G5a", "(a) slope", "lyapunov", "table", "rate_minus_exponent", plus(0.02)),
    ("G5b", "(b) largest", "lyapunov", "table", "exponent", plus(-0.02)),
    ("G5c", "(c) stable", "lyapunov", "table", "weight_log_ratio", plus(-3)),
    ("G5c", "(c) chaotic", "lyapunov", "table", "weight_rate_minus_exponent", plus(-0.02)),
    ("G9", "half-life of the gradient of c", "forget_bias", "table", "half_life", times(1.02)),
]
EXPERIMENTS = {"lyapunov": lyapunov, "forget_bias": forget_bias}
CELLS = {"gaussian": (-0.47, 0.24), "orthogonal": (-0.19, 0.29)}  # theory's rates, at gains 1 and 3


def as_theory_says(experiment):
    """Return the tables of runs in which every theory is met, with standard errors as measured."""
    if experiment == "forget_bias":
        rows = [{"forget_bias": b, "half_life": half_life, "n": 32} for b, (half_life, _) in forget_bias.QUOTED.items()]
    else:
        spread = {f"{name}_se": 0.001 for name in lyapunov.MEASURED} | {"weight_log_ratio_se": 0.005}
        rows = [
            {"initializer": initializer, "gain": gain, "drive_variance": 1.0, "seq_len": 170, "n": 256}
            | {"exponent": rate, "growth_rate_theory": rate, "rate_minus_exponent": 0.0}
            | {"weight_log_ratio": max(0.0, 85 * rate), "weight_rate_minus_exponent": max(0.0, -rate)}
            | spread
            for initializer, rates in CELLS.items()
            for gain, rate in zip((1.0, 3.0), rates, strict=True)
        ]
    empty = Tables(*(pd.DataFrame() for _ in Tables._fields))
    return empty._replace(table=pd.DataFrame(rows))


def judged(experiment, tables, claim, part):
    found = [c for c in EXPERIMENTS[experiment].claims(tables) if c.claim == claim and part in c.statement]
    assert found
    return {c.verdict for c in found}


@pytest.mark.parametrize("wrong", WRONG, ids=[" ".join((w[0], w[1], w[4])) for w in WRONG])
def test_what_theory_says_holds_and_wrong_data_fail(wrong):
    claim, part, experiment, _, column, go_wrong = wrong
    tables = as_theory_says(experiment)
    assert judged(experiment, tables, claim, part) == {"holds"}
    spoilt = tables._replace(table=tables.table.assign(**{column: go_wrong(tables.table[column])}))
    assert judged(experiment, spoilt, claim, part) == {"fails"}
    gone = tables._replace(table=tables.table.assign(**{column: float("nan")}))
    assert judged(experiment, gone, claim, part) == {"undecided"}


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_claim_is_spoilt_above(experiment):
    for claim in EXPERIMENTS[experiment].claims(as_theory_says(experiment)):
        assert any(w[0] == claim.claim and w[1] in claim.statement for w in WRONG), claim.statement
