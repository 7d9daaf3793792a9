import numpy as np
import pandas as pd
import pytest
from growth_theory import claims, residuals

from rnnkit.gradients import theory
from rnnkit.runner.tables import Tables


def tables_of(*rows):
    """Return tables whose rates are those of the rows, theory and 1/H term included where none is stated."""
    table = pd.DataFrame(rows).assign(gain_achieved=lambda t: t.gain, growth_rate_se=1e-4, hidden_size=100, n=8)
    rates = [float(theory.growth_rate(r.gain, r.drive_variance, 100, r.initializer)) for r in table.itertuples()]
    return Tables(table.assign(growth_rate=rates, growth_rate_theory=rates), *[pd.DataFrame()] * 3)


def row(initializer, gain, drive_variance):
    return {"initializer": initializer, "gain": gain, "drive_variance": drive_variance}


def test_cells_are_judged_where_the_theory_is_claimed():
    cells = row("orthogonal", 1.0, 0.1), row("gaussian", 1.0, 0.1), row("gaussian", 2.0, 0.5), row("gaussian", 2.0, 0.1)
    judged = claims(tables_of(*cells))
    assert [case.claim.claim for case in judged] == ["G1", "G2", "G6", "G1"]
    assert [case.verdict for case in judged] == [
        "holds",
        "holds",
        "fails",
        "holds",
    ]  # G6: not above it


def test_a_cell_without_theory_is_not_judged():
    found = tables_of(row("orthogonal", 2.0, 1.0))
    assert claims(found._replace(table=found.table.assign(growth_rate_theory=np.nan))) == []


def test_the_residual_stands_beside_the_one_without_the_1_over_h_term():
    found = tables_of(row("orthogonal", 1.0, 0.5))
    left = residuals(next(found.table.itertuples()))
    assert left["residual"] == 0
    assert left["without"] == pytest.approx(-0.3091 / 100, abs=1e-5)  # c of docs/finite_size.md over H
    assert "(residual +0.0000, without the 1/H term -0.0031; se 0.0001)" in claims(found)[0].statement
