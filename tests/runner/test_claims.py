"""The rule that judges: its boundaries, and that noise never helps a claim."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.runner.claims.claim import RULES, Claim, judge_above, judge_below, judge_equal

# values without rounding: quarters, bar 1 and margin 1, or bar 2
EQUAL = [
    (2.0, 0.0, "holds"),
    (0.0, 0.0, "holds"),
    (1.5, 0.25, "holds"),
    (1.75, 0.25, "undecided"),
    (2.75, 0.25, "undecided"),
    (3.0, 0.25, "fails"),
    (-1.0, 0.25, "fails"),
    (2.25, 0.0, "fails"),
]
ABOVE = [
    (2.0, 0.0, "holds"),
    (2.5, 0.25, "holds"),
    (2.25, 0.25, "undecided"),
    (1.25, 0.25, "undecided"),
    (1.0, 0.25, "fails"),
    (1.75, 0.0, "fails"),
]
finite = st.floats(-1e6, 1e6)
sizes = st.floats(0, 1e6)


@pytest.mark.parametrize(("measured", "se", "verdict"), EQUAL)
def test_equal_at_its_boundaries(measured, se, verdict):
    assert judge_equal(measured, se, 1.0, 1.0) == verdict


@pytest.mark.parametrize(("measured", "se", "verdict"), ABOVE)
def test_above_and_its_mirror_below(measured, se, verdict):
    assert judge_above(measured, se, 2.0) == verdict
    assert judge_below(-measured, se, -2.0) == verdict


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("missing", [(math.nan, 0.1), (1.0, math.nan), (math.nan, math.nan), (1.0, math.inf)])
def test_nothing_measured_is_undecided(rule, missing):
    assert rule(*missing, 1.0, 1.0) == "undecided"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@given(measured=finite, bar=finite, margin=sizes, se=sizes, more=sizes)
def test_more_noise_never_decides(rule, measured, bar, margin, se, more):
    before, after = (rule(measured, s, bar, margin) for s in (se, se + more))
    assert after in (before, "undecided")


DECLARED = {"claim": "G1", "class_": "theory", "kind": "equal", "statement": "growth, {case}", "source": "eq. 1",
            "reason": "three standard errors", "bar": 1.0, "margin": 0.5}  # fmt: skip


def declared(**changes):
    return Claim(**DECLARED | changes)


def test_a_claim_is_declared_before_it_is_judged():
    found = declared().judge(1.25, 0.125, 4, case="g = 2")
    assert (found.statement, found.bar, found.margin, found.verdict) == ("growth, g = 2", 1.0, 0.5, "holds")
    assert declared(kind="above", margin=None).judge(0.5, 0.1, 4, case="").verdict == "fails"
    with pytest.raises(TypeError):
        Claim("G1", "theory", "equal", "a sentence", "a source", "a reason", 1.0, 1.0)


def test_a_judgement_is_shown_on_one_line():
    assert str(declared().judge(1.25, 0.125, 4, case="g = 2")) == ("G1 holds: 1.25 ± 0.12, bar 1 ± 0.5: growth, g = 2")
    below = declared(kind="below", margin=None)
    assert str(below.judge(2.0, 0.0, 1, case="g = 3")) == "G1 fails: 2, bar ≤ 1: growth, g = 3"
    assert str(below.judge(math.nan, math.nan, 0, case="none")) == "G1 undecided: nan, bar ≤ 1: growth, none"


def test_a_bar_is_declared_or_of_the_case():
    open_ = declared(bar=None, margin=None)
    assert open_.judge(3.0, 0.0, 4, bar=3.0, margin=0.0, case="").verdict == "holds"
    with pytest.raises(ValueError, match=r"^bar of claim G1 must be given where it is not declared, got None$"):
        open_.judge(3.0, 0.0, 4, margin=0.0, case="")
    with pytest.raises(ValueError, match=r"^margin of claim G1 must be left out, it is declared as 0.5, got 0.1$"):
        declared().judge(3.0, 0.0, 4, margin=0.1, case="")
    for case, got in (({}, "nothing"), ({"cell": ""}, "cell")):
        with pytest.raises(ValueError, match=f"^case of claim G1 must name case, got {got}$"):
            declared().judge(1.0, 0.0, 4, **case)


def test_zero_margin_without_noise_holds_only_when_met():
    assert judge_equal(0.0, 0.0, 0.0, 0.0) == "holds"
    assert judge_equal(1.0, 0.0, 0.0, 0.0) == "fails"


def test_a_job_that_is_missing_decides_nothing():
    found = declared().judge(math.nan, math.nan, math.nan, case="")
    assert (found.verdict, found.n) == ("undecided", 0)


@pytest.mark.parametrize("measured", [2.0, 0.0, math.nan])
def test_what_a_smaller_budget_shows_is_undecided_either_way(measured):
    above = declared(kind="above", margin=None)
    assert above.judge(measured, 0.1, 10, enough=False, case="").verdict == "undecided"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "equals"}, "kind of claim G1 must be one of equal, above, below, got 'equals'"),
        ({"class_": "law"}, "class_ of claim G1 must be one of check, theory, number, direction, got 'law'"),
        ({"claim": "X1"}, r"claim must begin with the letter of a theme \(G, C, D, T, M, L, R, S, Y\), got 'X1'"),
        ({"claim": ""}, "claim must begin with the letter of a theme"),
        ({"kind": "below"}, "margin of claim G1 must be None with kind=below, got 0"),
    ],
)
def test_a_claim_that_no_rule_judges_or_no_theme_shows_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        declared(**changes)
