"""The rule that judges: its boundaries, and that noise never helps a claim."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.runner.claims.claim import RULES, Claim, judge_above, judge_below, judge_deviation, judge_equal

# values without rounding: quarters, expected 1, tolerance 1
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
DEVIATION = [
    (2.0, 0.0, "expected deviation"),
    (2.75, 0.25, "expected deviation"),
    (2.5, 0.25, "undecided"),  # would hold at 2 se: 3 are asked for
    (1.25, 0.25, "undecided"),
    (1.0, 0.25, "fails"),
]
FAVOURABLE = ("holds", "expected deviation")
finite = st.floats(-1e6, 1e6)
sizes = st.floats(0, 1e6)


@pytest.mark.parametrize(("measured", "se", "verdict"), EQUAL)
def test_equal_at_its_boundaries(measured, se, verdict):
    assert judge_equal(measured, se, 1.0, 1.0) == verdict


@pytest.mark.parametrize(("measured", "se", "verdict"), ABOVE)
def test_above_and_its_mirror_below(measured, se, verdict):
    assert judge_above(measured, se, 1.0, 1.0) == verdict
    assert judge_below(-measured, se, -1.0, 1.0) == verdict


@pytest.mark.parametrize(("measured", "se", "verdict"), DEVIATION)
def test_a_deviation_must_show_at_three_standard_errors(measured, se, verdict):
    assert judge_deviation(measured, se, 1.0, 1.0) == verdict


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("missing", [(math.nan, 0.1), (1.0, math.nan), (math.nan, math.nan), (1.0, math.inf)])
def test_nothing_measured_is_undecided(rule, missing):
    assert rule(*missing, 1.0, 1.0) == "undecided"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@given(measured=finite, expected=finite, tolerance=sizes, se=sizes, more=sizes)
def test_more_noise_never_decides(rule, measured, expected, tolerance, se, more):
    before, after = (rule(measured, s, expected, tolerance) for s in (se, se + more))
    assert after in (before, "undecided")
    if before not in FAVOURABLE:
        assert after not in FAVOURABLE


@pytest.mark.parametrize("kind", RULES)
def test_a_claim_asks_the_rule_of_its_kind(kind):
    claim = Claim("G1", "a sentence", "a source", kind, 1.0, 1.0, 2.5, 0.25, 4)
    assert claim.verdict == RULES[kind](2.5, 0.25, 1.0, 1.0)


def test_zero_tolerance_without_noise_holds_only_when_met():
    assert judge_equal(0.0, 0.0, 0.0, 0.0) == "holds"
    assert judge_equal(1.0, 0.0, 0.0, 0.0) == "fails"


@pytest.mark.parametrize(("measured", "enough", "verdict"), [
    (2.0, True, "holds"), (2.0, False, "holds"), (0.0, True, "fails"), (0.0, False, "undecided"),
    (math.nan, False, "undecided"),
])  # fmt: skip
def test_a_budget_that_cannot_refute_leaves_undecided(measured, enough, verdict):
    assert Claim("C3", "", "", "above", 1.0, 0.0, measured, 0.1, 10, enough).verdict == verdict


@pytest.mark.parametrize(
    ("claim", "kind", "told"),
    [
        ("G1", "equals", "kind of claim G1 must be one of equal, above, below, deviation, got 'equals'"),
        ("X1", "equal", r"claim must begin with the letter of a theme \(G, C, T, M, L, S\), got 'X1'"),
        ("", "equal", "claim must begin with the letter of a theme"),
    ],
)
def test_a_claim_that_no_rule_judges_or_no_theme_shows_is_refused(claim, kind, told):
    with pytest.raises(ValueError, match=told):
        Claim(claim, "a sentence", "a source", kind, 1.0, 1.0, 2.5, 0.25, 4)
