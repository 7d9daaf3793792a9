"""The claims of an experiment are judged at the end of its sweep, whatever rows that has."""

import re

import pandas as pd
import pytest
import toy_sweep
from commands import command

JUDGED = """
from rnnkit.runner.claims import Claim

BIG = Claim(claim="Y1", class_="direction", kind="above", bar=3.0, statement="value {value}", source="s", reason="r")


def claims(tables):
    rows = list(tables.table.itertuples())
    if rows[0].value == 7:
        raise KeyError("a row that is not there")
    if rows[0].value == 5:
        return 3
    return [BIG.judge(row.double, 0.0, 1, value=row.value) for row in rows if row.value != 9]


EXPERIMENT = Experiment(__file__, Config, measure, ["double", "threads", "status", "n"], claims=claims)
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Return the file of the toy with a claim."""
    file = toy_sweep.make(tmp_path_factory.mktemp("judged"))
    file.write_text(re.sub(r"EXPERIMENT = .*\n", lambda _: JUDGED, file.read_text()))
    return file


def test_claims_are_judged_at_the_end_of_a_sweep(judged, out):
    done = command(judged, "-m", "value=1,2,3", f"out={out}")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"toy: claims Y1 2 holds, 1 fails: {out / 'claims.csv'}\n" in done.stdout
    claims = pd.read_csv(out / "claims.csv")
    assert list(claims.verdict) == ["fails", "holds", "holds"]
    assert list(claims.statement) == ["value 1", "value 2", "value 3"]
    assert {"bar", "margin", "measured", "reason", "source"} < {*claims}
    assert (out / "index.html").read_text().count(">holds</td>") == 2


def test_claims_that_compare_rows_a_sweep_lacks_are_one_line(judged, out):
    done = command(judged, "-m", "value=7,8", f"out={out}")
    assert done.returncode == 0
    said = "toy: no verdicts, since its claims, which may compare rows of a whole sweep, raise "
    assert re.fullmatch(rf"{said}KeyError: 'a row.*', line \d+\n", done.stderr)
    assert not (out / "claims.csv").exists()
    assert (out / "index.html").exists()


def test_verdicts_of_an_earlier_sweep_do_not_stay(judged, out):
    assert command(judged, "value=9", f"out={out}").returncode == 0
    (out / "claims.csv").write_text("of an earlier start")
    assert command(judged, "value=9", f"out={out}").returncode == 0
    assert not (out / "claims.csv").exists()


def test_claims_that_are_no_judgements_are_one_line(judged, out):
    done = command(judged, "value=5", f"out={out}")
    assert done.returncode == 0
    assert "raise TypeError: claims must return a list of judgements, got 3\n" in done.stderr
    assert (out / "index.html").exists()
