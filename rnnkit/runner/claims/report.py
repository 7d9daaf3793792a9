"""Judged claims to results/claims.csv and results/README.md."""

import inspect
import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnkit.runner.claims.claim import CLASSES, COLUMNS, THEMES, Judgement
from rnnkit.runner.jobs import store
from rnnkit.runner.tables.formats import markdown_text, read_csv, spelt, to_csv

PRESETS = ("quick", "laptop", "overnight", "paper")  # from small to large
SIGN = {"equal": "", "above": "≥ ", "below": "≤ "}
DESCRIBED = ["seq_len", "clip", "updates", "n_solved", "n_held", "n_unsolved", "n_diverged", "median_first", "error"]
HOW_TO_READ = """
Findings of the literature on gradients in recurrent networks, each run again and judged by a stated rule. Bars and
margins were fixed before, with their reasons in the experiment files; what else was settled after a look at results is
in [SETTLED.md](SETTLED.md). Written by `make results`. An equality holds if |measured - bar| + 2 se <= margin, fails if
|measured - bar| - 3 se > margin, and is undecided between; ≥ and ≤ ask for the bar to be passed at 2 se, and fail where
it is missed at 3. What a budget below the claim's own shows is undecided either way: its statement names budget and
length. Four classes: a **theory** in closed form against simulation, a **number** in print, a **direction** in print or
predicted, and **checks**, identities or code against code, which stand apart from the count. Cases with the same random
numbers count once. Tables and pictures: `<preset>/<experiment>/`.
"""
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
        }
        for part in judged
        for found in part.claims
    ]
    in_order = {"key": lambda names: names.map(_by_number), "kind": "stable", "ignore_index": True}
    return pd.DataFrame(rows).sort_values("claim", **in_order)


def _by_number(claim: str) -> str:
    """Return what sorts S9 before S10."""
    return re.sub(r"\d+", lambda number: f"{int(number[0]):04d}", claim)


def write(results: Path, judged: list[Judged]) -> pd.DataFrame:
    """Write claims.csv and README.md; return the claims."""
    frame = claims_frame(judged)
    store.write_whole(results / "claims.csv", to_csv(frame[COLUMNS]))
    store.write_whole(results / "README.md", _readme(frame, judged, results))
    return frame


def counts(frame: pd.DataFrame) -> str:
    """Return `n holds, n fails, ...` for the verdicts that occur."""
    return ", ".join(f"{n} {v}" for v in VERDICTS if (n := int((frame.verdict == v).sum())))


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the claims of a headline count: no checks, none that its budget cannot decide, the same draws once.

    Of several with the same draws the one furthest from `holds` counts.
    """
    own = frame[(frame["class"] != "check") & frame.enough]
    worst = own.verdict.map({"fails": 0, "undecided": 1, "holds": 2})
    alone = own.draws.where(own.draws != "", own.index.map(str))
    first = own.assign(worst=worst, alone=alone).sort_values("worst", kind="stable")
    return own.loc[first.drop_duplicates(["claim", "experiment", "alone"]).index.sort_values()]


def headline(frame: pd.DataFrame) -> str:
    """Return the counts of all that count, by class, and of what stands apart."""
    own, checks, open_ = counted(frame), frame[frame["class"] == "check"], frame[~frame.enough]
    parts = [f"{name}: {counts(own[own['class'] == name])}" for name in CLASSES[1:] if (own["class"] == name).any()]
    apart = [f"{len(checks)} checks ({counts(checks)})"] if len(checks) else []
    apart += [f"{len(open_)} that their budget cannot decide"] if len(open_) else []
    told = f"{len(own)} claims: {counts(own)} ({'; '.join(parts)})"
    return told + (f"; apart from {' and '.join(apart)}" if apart else "")


def _readme(frame: pd.DataFrame, judged: list[Judged], results: Path) -> str:
    commands = [{"experiment": j.experiment, "minutes": j.minutes, "command": f"`{j.command}`"} for j in judged]
    parts = [
        "# Claims and verdicts",
        " ".join(HOW_TO_READ.split()),
        f"**{headline(frame)}.**",
    ]
    for letter, theme in THEMES.items():
        own = frame[frame.claim.str.startswith(letter)]
        summary = [
            {
                "claim": name,
                "class": ", ".join(dict.fromkeys(group["class"])),
                "verdicts": counts(group),
                "source": markdown_text(group.source.iloc[0]),
                "from": _from(group),
            }
            for name, group in own.groupby("claim", sort=False)
        ]
        parts += [f"## {letter}: {theme}", pd.DataFrame(summary).to_markdown(index=False)] if summary else []
    if len(open_ := frame[frame.verdict != "holds"]):
        parts += ["## What does not hold, or is open", _open(open_)]
    parts += [
        "## To run again",
        "Minutes on two cores, installation and first compilation apart.",
        pd.DataFrame(commands).to_markdown(index=False),
    ]
    for part in judged:
        folder = f"{part.preset}/{part.experiment}"
        parts += [f"## {part.experiment} ({part.preset})", *_prose(part.text), f"`{part.command}`", _details(part)]
        parts.append(f"Tables: [table.md]({folder}/table.md), [table.csv]({folder}/table.csv)")
        parts += [f"![{p.stem.replace('_', ' ')}]({folder}/{p.name})" for p in sorted((results / folder).glob("*.png"))]
    return "\n\n".join(parts + _described(results)) + "\n"


def _measured(value: float, se: float, digits: int) -> str:
    """Return a value with its standard error, where it has one."""
    return f"{value:.{digits}g}" + (f" ± {se:.2g}" if 0 < se < math.inf else "")


def _open(claims: pd.DataFrame) -> str:
    """Return the claims that do not hold, with what was measured."""
    rows = claims[["claim", "verdict", "statement"]].assign(
        statement=claims.statement.map(markdown_text),
        bar=[f"{SIGN[row.kind]}{row.bar:.5g}" for row in claims.itertuples()],
        measured=[_measured(row.measured, row.se, 4) for row in claims.itertuples()],
    )
    return rows.sort_values("verdict", key=lambda v: v.map(VERDICTS.index), kind="stable").to_markdown(
        index=False, disable_numparse=True
    )


def _from(claims: pd.DataFrame) -> str:
    """Return links to the sections of the experiments that a claim comes from."""
    names = [name.split("/") for name in dict.fromkeys(claims.experiment)]
    return ", ".join(f"[{experiment}](#{experiment}-{preset})" for preset, experiment in names)


def _prose(text: str) -> list[str]:
    """Return the paragraphs of an experiment's own description, without its commands."""
    paragraphs = inspect.cleandoc(text).split("\n\n") if text else []
    return [" ".join(p.split()) for p in paragraphs if not p.startswith("    ")]


def _described(results: Path) -> list[str]:
    """Return a section on tables of other presets, parts of a published protocol: shown, not judged."""
    tables = sorted(results.glob("*_*/*/table.csv"), key=lambda path: _by_number(str(path)))
    parts = ["## Not judged", "Parts of a published protocol, as far as the budget (`updates`) went."] if tables else []
    for path in tables:
        preset, experiment = path.parts[-3:-1]
        table = read_csv(path)
        shown = table[[column for column in DESCRIBED if column in table]]
        shown = shown.assign(clip=shown["clip"].map(spelt)) if "clip" in shown else shown
        shown = shown.map(lambda v: "" if pd.isna(v) else f"{v:.3g}" if isinstance(v, float) and v % 1 else v)
        parts += [f"### {experiment}, preset {preset}", shown.to_markdown(index=False, disable_numparse=True)]
        parts.append(f"[table.md]({preset}/{experiment}/table.md), [table.csv]({preset}/{experiment}/table.csv)")
    return parts


def _details(part: Judged) -> str:
    rows = [
        {
            "claim": c.claim.claim,
            "class": c.claim.class_,
            "statement": markdown_text(c.statement),
            "source": markdown_text(c.claim.source),
            "bar": f"{SIGN[c.claim.kind]}{c.bar:.5g}" + (f" ± {c.margin:.2g}" if c.claim.kind == "equal" else ""),
            "measured": _measured(c.measured, c.se, 5),
            "verdict": c.verdict if c.verdict == "holds" else f"**{c.verdict}**",
            "n": c.n,
        }
        for c in part.claims
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
