"""claims.csv and README.md from judged claims."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from rnnkit.runner.claims import Claim, pages, report


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
    pages.write(tmp_path, judged)
    header = (tmp_path / "claims.csv").read_text().splitlines()[0]
    assert header == "claim,class,experiment,statement,source,kind,bar,margin,reason,measured,se,verdict,n,counted"


def test_a_row_for_each_claim_ordered_by_claim(tmp_path, judged):
    pages.write(tmp_path, judged)
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
        "apart from 1 checks (1 holds), 1 that their budget cannot decide and 1 on the random numbers of another"
    )


def test_the_index_shows_what_fails_and_what_is_open(tmp_path, judged):
    pages.write(tmp_path, judged)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    counted = "4 claims: 2 holds, 1 fails, 1 undecided (theory: 2 holds, 1 fails, 1 undecided)"
    assert f"**{counted}.**" in text
    fails, open_ = text.split("## What fails")[1].split("## What is open")
    link = "[b_file](quick/b_file/README.md)"
    assert fails.strip() == f"- **G1** sentence, with a comma, of G1: 9 ± 0.1, bar 1 ± 0.5 ({link})"
    assert "- **G2** sentence, with a comma, of G2: nan, bar 1 ± 0.5 ([a_file](paper/a_file/README.md))" in open_
    assert "G3" not in fails + open_.split("## Made by")[0]
    assert (tmp_path / "claims.png").stat().st_size > 5000


def test_a_page_shows_every_claim_and_how_to_run_it_again(tmp_path, judged):
    pages.write(tmp_path, judged)
    for part in judged:
        text = (tmp_path / part.preset / part.experiment / "README.md").read_text(encoding="utf-8")
        assert f"`python experiments/{part.experiment}.py preset={part.preset} out=DIR`" in text
        assert all(c.statement in text for c in part.claims)
        assert "a reason" in text
    text = (tmp_path / "quick" / "b_file" / "README.md").read_text(encoding="utf-8")
    assert "**fails**" in text
    assert "9 ± 0.1" in text
    assert "≥ 1" in (tmp_path / "paper" / "a_file" / "README.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert {"What it asks.", "Method. A long story."} <= set(lines)
    assert not any("python a command" in line for line in lines)


def test_a_page_says_what_made_its_tables(tmp_path, judged):
    folder = tmp_path / "quick" / "b_file"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text('{"rnnkit": {"0.1.0": 4}, "commit": {"abc": 4}, "date": ["2026-11-30"]}')
    (folder / "table.md").write_text("| seq_len |\n|---|\n| 10 |\n")
    pages.write(tmp_path, judged)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "Made by rnnkit: 0.1.0; commit: abc; date: 2026-11-30." in text
    assert "| 10 |" in text
    (folder / "table.md").write_text("| seq_len |\n|---|\n" + "| 10 |\n" * 100)
    pages.write(tmp_path, judged)
    assert "| 10 |" not in (folder / "README.md").read_text(encoding="utf-8")


def test_themes_without_claims_are_left_out(tmp_path, judged):
    pages.write(tmp_path, judged)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "growth of gradients against theory" in text
    assert "| clipping" not in text


def test_what_is_asked_most_is_told_first(tmp_path, judged):
    asked = replace(judged[0].claims[0], claim=replace(judged[0].claims[0].claim, question="Does it help?"))
    pages.write(tmp_path, [replace(judged[0], claims=[asked, *judged[0].claims[1:]]), *judged[1:]])
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.count("Does it help?") == 1
    assert f"- Does it help? **{asked.verdict}** ({asked.claim.claim}): {asked.statement}" in text
    assert text.index("## Asked most") < text.index("## What")


def test_the_pictures_that_are_there_are_shown(tmp_path, judged):
    folder = tmp_path / judged[0].preset / judged[0].experiment
    folder.mkdir(parents=True)
    (folder / "growth_rate.png").touch()
    pages.write(tmp_path, judged)
    shown = [line for line in (folder / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("![")]
    assert shown == ["![growth rate](growth_rate.png)"]


def test_the_same_claims_give_the_same_files(tmp_path, judged):
    for folder in ("a", "b"):
        pages.write(tmp_path / folder, judged)
    for name in ("claims.csv", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
