"""A claim: a sentence that data can make false, declared before there are any, and the rule that judges it.

    FADES = Claim(claim="G2", class_="theory", kind="below", statement="growth below the critical gain, {case}",
                  source="...", bar=-0.02, reason="a factor e within 50 steps")
    FADES.judge(measured, se, n, case="s2 = 1")     -> Judgement, with its verdict; print shows it on one line

Four classes. check: an identity, or code against code. theory: a closed form against simulation. number: of a paper.
direction: of a paper or a theory, without a number. Only the last three count in headlines.

equal      |measured - bar| + 2 se <= margin holds, |measured - bar| - 3 se > margin fails
above      measured - 2 se >= bar holds, measured + 3 se < bar fails; below: its mirror
           undecided: anything between, or nothing measured; more noise never helps a claim
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

THEMES = {
    "G": "growth of gradients against theory",
    "C": "clipping",
    "D": "gradients during training",
    "T": "truncated backpropagation through time",
    "M": "memory tasks",
    "L": "the landscape of nets: spectra, memory, cures",
    "R": "real data",
    "S": "statements of the seed article",
    "Y": "claims of a study of your own",
}
SIGN = {"equal": "", "above": "≥ ", "below": "≤ "}
CLASSES = ("check", "theory", "number", "direction")
COLUMNS = [
    "claim",
    "class",
    "experiment",
    "statement",
    "source",
    "kind",
    "bar",
    "margin",
    "reason",
    "measured",
    "se",
    "verdict",
    "n",
    "counted",
]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A declaration.

    class_: one of CLASSES. kind: the rule. statement: with fields in braces for what differs from case to case; source:
    with section, table or equation. bar: what the measured number must equal, or pass; None where a theory gives each
    case its own. margin: of `equal`, how far off still holds; None likewise. reason: of bar and margin. question: what
    many ask of the field; a claim that answers one is told first.
    """

    claim: str
    class_: str
    kind: str
    statement: str
    source: str
    reason: str
    bar: float | None = None
    margin: float | None = None
    question: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a claim that no rule judges, or no theme shows."""
        if self.kind not in RULES:
            raise ValueError(f"kind of claim {self.claim} must be one of {', '.join(RULES)}, got {self.kind!r}")
        if self.class_ not in CLASSES:
            raise ValueError(f"class_ of claim {self.claim} must be one of {', '.join(CLASSES)}, got {self.class_!r}")
        if self.claim[:1] not in THEMES:
            raise ValueError(f"claim must begin with the letter of a theme ({', '.join(THEMES)}), got {self.claim!r}")
        if self.kind != "equal" and self.margin is not None:
            raise ValueError(f"margin of claim {self.claim} must be None with kind={self.kind}, got {self.margin}")

    def judge(
        self,
        measured: float,
        se: float,
        n: int,
        *,
        bar: float | None = None,
        margin: float | None = None,
        enough: bool = True,
        draws: str = "",
        **case: Any,
    ) -> "Judgement":
        """Return what data say. bar, margin: of this case, where the declaration leaves them open.

        enough: whether the budget is the claim's own; what a smaller one shows is undecided either way. draws: what the
        case's random numbers are, where another case of the experiment has the same ones: both count once.
        """
        bar, margin = (_one(self, name, given) for name, given in (("bar", bar), ("margin", margin)))
        fields = {name for _, name, _, _ in Formatter().parse(self.statement) if name is not None}
        if not fields <= set(case):  # what a statement does not say may stand in its case
            wanted, got = (", ".join(sorted(names)) or "nothing" for names in (fields, case))
            raise ValueError(f"case of claim {self.claim} must name {wanted}, got {got}")
        statement, n = self.statement.format(**case), 0 if n != n else int(n)  # a job that is missing has nan
        return Judgement(self, statement, bar, margin, float(measured), float(se), n, bool(enough), draws)


def _one(claim: Claim, name: str, given: float | None) -> float:
    declared = getattr(claim, name)
    if name == "margin" and claim.kind != "equal":
        return 0.0
    if (declared is None) == (given is None):
        told = "given where it is not declared" if given is None else f"left out, it is declared as {declared}"
        raise ValueError(f"{name} of claim {claim.claim} must be {told}, got {given}")
    return float(declared if given is None else given)


@dataclass(frozen=True)
class Judgement:
    """A claim's case and what was measured of it."""

    claim: Claim
    statement: str
    bar: float
    margin: float
    measured: float
    se: float
    n: int
    enough: bool = True
    draws: str = ""

    @property
    def verdict(self) -> str:
        """Return holds, fails or undecided."""
        return RULES[self.claim.kind](self.measured, self.se, self.bar, self.margin) if self.enough else "undecided"

    def __str__(self) -> str:
        """Return one line: claim, verdict, what was measured, the bar, and the statement."""
        measured = measured_in_words(self.measured, self.se, 5)
        bar = bar_in_words(self.claim.kind, self.bar, self.margin)
        return f"{self.claim.claim} {self.verdict}: {measured}, bar {bar}: {self.statement}"


def measured_in_words(value: float, se: float, digits: int) -> str:
    """Return a value with its standard error, where it has one."""
    return f"{value:.{digits}g}" + (f" ± {se:.2g}" if 0 < se < math.inf else "")


def bar_in_words(kind: str, bar: float, margin: float) -> str:
    """Return a bar with its sign, or its margin."""
    return f"{SIGN[kind]}{bar:.5g}" + (f" ± {margin:.2g}" if kind == "equal" else "")


def judge_equal(measured: float, se: float, bar: float, margin: float) -> str:
    """Judge `measured` = `bar` within `margin`."""
    if not (math.isfinite(measured) and math.isfinite(se)):
        return "undecided"
    distance = abs(measured - bar)
    if distance + 2 * se <= margin:
        return "holds"
    return "fails" if distance - 3 * se > margin else "undecided"


def judge_above(measured: float, se: float, bar: float, _: float = 0.0) -> str:
    """Judge `measured` >= `bar`."""
    if not (math.isfinite(measured) and math.isfinite(se)):
        return "undecided"
    if measured - bar - 2 * se >= 0:
        return "holds"
    return "fails" if measured - bar + 3 * se < 0 else "undecided"


def judge_below(measured: float, se: float, bar: float, _: float = 0.0) -> str:
    """Judge `measured` <= `bar`."""
    return judge_above(-measured, se, -bar)


RULES: dict[str, Callable[[float, float, float, float], str]] = {
    "equal": judge_equal,
    "above": judge_above,
    "below": judge_below,
}
