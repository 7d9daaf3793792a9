"""Judged claims to one table, results/claims.csv, and what counts of them; `pages.py` writes them to be read."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnkit.runner.claims.claim import CLASSES, Judgement

PRESETS = ("quick", "laptop", "overnight", "paper")  # from small to large
VERDICTS = ("holds", "fails", "undecided")


@dataclass(frozen=True)
class Judged:
    """The claims of one experiment, the preset of its tables, its budget in minutes, what its file says of itself."""

    experiment: str
    preset: str
    minutes: float
    claims: list[Judgement]
    text: str = ""

    @property
    def command(self) -> str:
        """Return what makes these tables again."""
        return f"python experiments/{self.experiment}.py preset={self.preset} out=DIR"


def largest_preset(results: Path, experiment: str) -> str | None:
    """Return the largest preset whose table is there, or None."""
    found = [p for p in PRESETS if (results / p / experiment / "table.csv").exists()]
    return found[-1] if found else None


def claims_frame(judged: list[Judged]) -> pd.DataFrame:
    """Return a row for each claim, ordered by claim."""
    rows = [
        {
            "claim": found.claim.claim,
            "class": found.claim.class_,
            "experiment": f"{part.preset}/{part.experiment}",
            "statement": found.statement,
            "source": found.claim.source,
            "kind": found.claim.kind,
            "bar": found.bar,
            "margin": found.margin,
            "reason": found.claim.reason,
            "measured": found.measured,
            "se": found.se,
            "verdict": found.verdict,
            "n": found.n,
            "enough": found.enough,
            "draws": found.draws,
            "question": found.claim.question,
        }
        for part in judged
        for found in part.claims
    ]
    in_order = {"key": lambda names: names.map(by_number), "kind": "stable", "ignore_index": True}
    frame = pd.DataFrame(rows).sort_values("claim", **in_order)
    return frame.assign(counted=frame.index.isin(counted(frame).index))


def by_number(claim: str) -> str:
    """Return what sorts S9 before S10."""
    return re.sub(r"\d+", lambda number: f"{int(number[0]):04d}", claim)


def counts(frame: pd.DataFrame) -> str:
    """Return `n holds, n fails, ...` for the verdicts that occur."""
    return ", ".join(f"{n} {v}" for v in VERDICTS if (n := int((frame.verdict == v).sum())))


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the claims of a headline count: no checks, none that its budget cannot decide, the same draws once.

    Of several with the same draws the one furthest from `holds` counts.
    """
    own = frame[(frame["class"] != "check") & frame.enough]
    worst = own.verdict.map({"fails": 0, "undecided": 1, "holds": 2})
    alone = own.draws.where(own.draws != "", own.index.map("row {}".format))
    first = own.assign(worst=worst, alone=alone).sort_values("worst", kind="stable")
    return own.loc[first.drop_duplicates(["experiment", "alone"]).index.sort_values()]


def headline(frame: pd.DataFrame) -> str:
    """Return the counts of all that count, by class, and of what stands apart."""
    own, checks, open_ = frame[frame.counted], frame[frame["class"] == "check"], frame[~frame.enough]
    parts = [f"{name}: {counts(own[own['class'] == name])}" for name in CLASSES[1:] if (own["class"] == name).any()]
    apart = [f"{len(checks)} checks ({counts(checks)})"] if len(checks) else []
    apart += [f"{len(open_)} that their budget cannot decide"] if len(open_) else []
    again = int(((frame["class"] != "check") & frame.enough & ~frame.counted).sum())
    apart += [f"{again} on the random numbers of another"] if again else []
    told = f"{len(own)} claims: {counts(own)} ({'; '.join(parts)})" if len(own) else "no claims that count"
    *most, last = apart or [""]
    return told + (f"; apart from {', '.join(most)}{' and ' if most else ''}{last}" if apart else "")
