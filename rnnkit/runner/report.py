"""Judged claims to results/claims.csv and results/README.md."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnkit.runner import store
from rnnkit.runner.claims import COLUMNS, Claim

PRESETS = ("quick", "laptop", "paper")  # from small to large
VERDICTS = ("holds", "fails", "undecided", "expected deviation")


@dataclass(frozen=True)
class Judged:
    """The claims of one experiment, the preset whose tables they come from, and its budget in minutes."""

    experiment: str
    preset: str
    minutes: float
    claims: list[Claim]

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
            "claim": claim.claim,
            "experiment": f"{part.preset}/{part.experiment}",
            "statement": claim.statement,
            "source": claim.source,
            "expected": float(claim.expected),
            "tolerance": float(claim.tolerance),
            "measured": float(claim.measured),
            "se": claim.se,
            "verdict": claim.verdict,
            "n": claim.n,
        }
        for part in judged
        for claim in part.claims
    ]
    return pd.DataFrame(rows).sort_values("claim", kind="stable", ignore_index=True)


def write(results: Path, judged: list[Judged]) -> pd.DataFrame:
    """Write claims.csv and README.md; return the claims."""
    frame = claims_frame(judged)
    store.write_whole(results / "claims.csv", frame[COLUMNS].to_csv(index=False))
    store.write_whole(results / "README.md", _readme(frame, judged, results))
    return frame


def counts(frame: pd.DataFrame) -> str:
    """Return `n holds, n fails, ...` for the verdicts that occur."""
    return ", ".join(f"{n} {v}" for v in VERDICTS if (n := int((frame.verdict == v).sum())))


def _readme(frame: pd.DataFrame, judged: list[Judged], results: Path) -> str:
    summary = [
        {"claim": name, "verdicts": counts(group), "from": ", ".join(dict.fromkeys(group.experiment))}
        for name, group in frame.groupby("claim", sort=False)
    ]
    commands = [{"experiment": j.experiment, "minutes": j.minutes, "command": f"`{j.command}`"} for j in judged]
    parts = [
        "# Claims and verdicts",
        "Written by `make reproduce`. A claim holds if |measured - expected| + 2 se <= tolerance, fails if "
        "|measured - expected| - 3 se > tolerance, and is undecided between; ≥ and ≤ mark one-sided claims, which ask "
        "for the expected value to be passed by the tolerance. An expected deviation is a place where a theory is "
        "known to miss, met in the stated direction at 3 se. Expectations and tolerances stand in the experiment "
        "files. Tables and pictures: `<preset>/<experiment>/`.",
        f"**{len(frame)} claims: {counts(frame)}.**",
        pd.DataFrame(summary).to_markdown(index=False),
        "## To run again",
        "Minutes on two cores, installation and first compilation apart.",
        pd.DataFrame(commands).to_markdown(index=False),
    ]
    for part in judged:
        parts += [f"## {part.experiment} ({part.preset})", f"`{part.command}`", _details(part)]
        folder = f"{part.preset}/{part.experiment}"
        parts.append(f"Tables: [table.md]({folder}/table.md), [table.csv]({folder}/table.csv)")
        parts += [f"![{p.stem.replace('_', ' ')}]({folder}/{p.name})" for p in sorted((results / folder).glob("*.png"))]
    return "\n\n".join(parts) + "\n"


def _details(part: Judged) -> str:
    sign = {"equal": "", "above": "≥ ", "below": "≤ ", "deviation": "≥ "}
    rows = [
        {
            "claim": c.claim,
            "statement": c.statement,
            "expected": f"{sign[c.kind]}{c.expected:.5g}",
            "tolerance": f"{c.tolerance:.2g}",
            "measured": f"{c.measured:.5g}" + (f" ± {c.se:.1g}" if c.se else ""),
            "verdict": c.verdict if c.verdict == "holds" else f"**{c.verdict}**",
            "n": c.n,
        }
        for c in part.claims
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
