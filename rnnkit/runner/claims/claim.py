"""A claim: a sentence that a table can make false, and the rule that judges it, fixed before the run.

    holds      |measured - expected| + 2 se <= tolerance
    fails      |measured - expected| - 3 se >  tolerance
    undecided  anything between, or nothing measured: more noise never helps a claim

One-sided claims ask for `measured` beyond `expected` by at least `tolerance`, judged the same way. An expected
deviation (a place where a theory is known to miss) must show in the stated direction at 3 se.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

THEMES = {
    "G": "growth of gradients against theory",
    "C": "clipping",
    "D": "gradients during training",
    "T": "truncated backpropagation through time",
    "M": "memory tasks",
    "L": "the landscape of nets: whole spectra",
    "S": "statements of the seed article",
}
COLUMNS = [
    "claim",
    "experiment",
    "statement",
    "source",
    "kind",
    "expected",
    "tolerance",
    "measured",
    "se",
    "verdict",
    "n",
]


@dataclass(frozen=True)
class Claim:
    """One judged sentence. kind: equal, above or below (one-sided), deviation above (a theory known to miss).

    enough: whether the budget can refute it; what a short training does not reach is undecided, not refuted.
    """

    claim: str
    statement: str
    source: str
    kind: str
    expected: float
    tolerance: float
    measured: float
    se: float
    n: int
    enough: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for a claim that no rule judges, or no theme shows."""
        if self.kind not in RULES:
            raise ValueError(f"kind of claim {self.claim} must be one of {', '.join(RULES)}, got {self.kind!r}")
        if self.claim[:1] not in THEMES:
            raise ValueError(f"claim must begin with the letter of a theme ({', '.join(THEMES)}), got {self.claim!r}")

    @property
    def verdict(self) -> str:
        """Return holds, fails, undecided or expected deviation."""
        verdict = RULES[self.kind](self.measured, self.se, self.expected, self.tolerance)
        return "undecided" if verdict == "fails" and not self.enough else verdict


def judge_equal(measured: float, se: float, expected: float, tolerance: float) -> str:
    """Judge `measured` = `expected` within `tolerance`."""
    if not (math.isfinite(measured) and math.isfinite(se)):
        return "undecided"
    distance = abs(measured - expected)
    if distance + 2 * se <= tolerance:
        return "holds"
    return "fails" if distance - 3 * se > tolerance else "undecided"


def judge_above(measured: float, se: float, expected: float, tolerance: float) -> str:
    """Judge `measured` >= `expected` + `tolerance`."""
    if not (math.isfinite(measured) and math.isfinite(se)):
        return "undecided"
    excess = measured - expected - tolerance
    if excess - 2 * se >= 0:
        return "holds"
    return "fails" if excess + 3 * se < 0 else "undecided"


def judge_below(measured: float, se: float, expected: float, tolerance: float) -> str:
    """Judge `measured` <= `expected` - `tolerance`."""
    return judge_above(-measured, se, -expected, tolerance)


def judge_deviation(measured: float, se: float, expected: float, tolerance: float) -> str:
    """Judge that `measured` lies above `expected` by at least `tolerance` at 3 se; else like the rest."""
    if math.isfinite(measured) and measured - expected - 3 * se >= tolerance:
        return "expected deviation"
    verdict = judge_above(measured, se, expected, tolerance)
    return "undecided" if verdict == "holds" else verdict


RULES: dict[str, Callable[[float, float, float, float], str]] = {
    "equal": judge_equal,
    "above": judge_above,
    "below": judge_below,
    "deviation": judge_deviation,
}
