"""claims.csv and README.md from judged claims."""

import math

import pandas as pd
import pytest

from rnnkit.runner.claims import Claim, report


def claim(name, measured, kind="equal", se=0.0, class_="theory", **more):
    about = {"statement": f"sentence, with a comma, of {name}", "source": "someone 1999, eq. 2", "reason": "a reason"}
    declared = Claim(claim=name, class_=class_, kind=kind, bar=1.0, margin=0.5 if kind == "equal" else None, **about)
    return declared.judge(measured, se, 4, **more)


@pytest.fixture
def judged():
    about = "What it asks.\n\nMethod. A long\nstory.\n\n    python a command\n"
    first = report.Judged("b_file", "quick", 0.5, [claim("G2", 1.0), claim("G1", 9.0, se=0.1)], about)
    second = report.Judged("a_file", "paper", 60, [claim("G2", math.nan), claim("G3", 4.0, "above")])
    return [first, second]


def make(results, preset, experiment):
    folder = results / preset / experiment
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("")


def test_the_largest_preset_wins(tmp_path):
    assert report.largest_preset(tmp_path, "x") is None
    for preset in ("laptop", "quick", "paper"):
        make(tmp_path, preset, preset)
    for preset in ("laptop", "quick"):
        make(tmp_path, preset, "x")
    (tmp_path / "paper" / "x").mkdir()  # a folder without a table is no result
    assert report.largest_preset(tmp_path, "x") == "laptop"
    make(tmp_path, "paper", "y")
    assert report.largest_preset(tmp_path, "y") == "paper"


def test_claims_csv_has_exactly_its_columns(tmp_path, judged):
    report.write(tmp_path, judged)
    header = (tmp_path / "claims.csv").read_text().splitlines()[0]
    assert header == "claim,class,experiment,statement,source,kind,bar,margin,reason,measured,se,verdict,n"


def test_a_row_for_each_claim_ordered_by_claim(tmp_path, judged):
    report.write(tmp_path, judged)
    frame = pd.read_csv(tmp_path / "claims.csv")
    assert list(frame.claim) == ["G1", "G2", "G2", "G3"]
    assert list(frame.verdict) == ["fails", "holds", "undecided", "holds"]
    assert list(frame.experiment) == ["quick/b_file", "quick/b_file", "paper/a_file", "paper/a_file"]
    assert frame.measured.isna().tolist() == [False, False, True, False]
    assert frame.statement[0] == "sentence, with a comma, of G1"


def test_s9_stands_before_s10():
    judged = [report.Judged("x", "quick", 1, [claim("S10", 1.0), claim("S9b", 1.0), claim("S9a", 1.0)])]
    assert list(report.claims_frame(judged).claim) == ["S9a", "S9b", "S10"]


def test_counts_name_the_verdicts_that_occur(judged):
    frame = report.claims_frame(judged)
    assert report.counts(frame) == "2 holds, 1 fails, 1 undecided"
    assert report.counts(frame[frame.claim == "G1"]) == "1 fails"


def test_checks_what_a_budget_cannot_decide_and_the_same_draws_are_not_counted():
    of_nets = {"draws": "the same nets"}
    found = [
        claim("G1", 1.0),
        claim("G1", 1.0, class_="check"),
        claim("G2", 9.0, **of_nets),
        claim("G2", 1.0, **of_nets),
    ]
    found += [claim("G3", 1.0, enough=False), claim("C1", 1.0, class_="number"), claim("C2", 9.0, class_="direction")]
    frame = report.claims_frame([report.Judged("x", "quick", 1, found)])
    assert len(report.counted(frame)) == 4
    assert report.headline(frame) == (
        "4 claims: 2 holds, 2 fails (theory: 1 holds, 1 fails; number: 1 holds; direction: 1 fails); "
        "apart from 1 checks (1 holds) and 1 that their budget cannot decide"
    )


def test_the_readme_shows_every_claim_and_how_to_run_it_again(tmp_path, judged):
    report.write(tmp_path, judged)
    text = (tmp_path / "README.md").read_text()
    counted = "4 claims: 2 holds, 1 fails, 1 undecided (theory: 2 holds, 1 fails, 1 undecided)"
    assert f"**{counted}.**" in text
    for part in judged:
        assert f"`python experiments/{part.experiment}.py preset={part.preset} out=DIR`" in text
        assert f"({part.preset}/{part.experiment}/table.md)" in text
        assert all(c.statement in text for c in part.claims)
    assert "**fails**" in text
    assert "9 ± 0.1" in text
    assert "≥ 1" in text


def test_an_experiment_says_what_it_asks_and_how(tmp_path, judged):
    report.write(tmp_path, judged)
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert {"What it asks.", "Method. A long story."} <= set(lines)
    assert not any("python a command" in line for line in lines)
    assert "## G: growth of gradients against theory" in lines
    assert "## C: clipping" not in lines


def test_parts_of_a_published_protocol_are_shown_and_not_judged(tmp_path, judged):
    folder = tmp_path / "paper_50" / "x"
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("seq_len,clip,updates,n_solved,other\n50,none,1000,3,7\n")
    report.write(tmp_path, judged)
    text = (tmp_path / "README.md").read_text()
    assert "### x, preset paper_50" in text
    assert "| 50        | none   | 1000      | 3          |" in text
    assert len(pd.read_csv(tmp_path / "claims.csv")) == 4


def test_the_pictures_that_are_there_are_shown(tmp_path, judged):
    folder = tmp_path / judged[0].preset / judged[0].experiment
    folder.mkdir(parents=True)
    (folder / "growth_rate.png").touch()
    report.write(tmp_path, judged)
    shown = [line for line in (tmp_path / "README.md").read_text().splitlines() if line.startswith("![")]
    assert shown == [f"![growth rate]({judged[0].preset}/{judged[0].experiment}/growth_rate.png)"]


def test_the_same_claims_give_the_same_files(tmp_path, judged):
    for folder in ("a", "b"):
        report.write(tmp_path / folder, judged)
    for name in ("claims.csv", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
