"""Judged claims to be read: results/README.md on one screen, a page for each experiment, a picture of all."""

import inspect
import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from rnnkit.runner.claims.claim import COLUMNS, THEMES, bar_in_words, measured_in_words
from rnnkit.runner.claims.report import Judged, claims_frame, counts, headline
from rnnkit.runner.jobs import store
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.formats import markdown_text, to_csv

LONGEST = 30  # rows of a table that a page shows
FURTHEST = 4.0  # of the picture of all claims, in margins; in standard errors ten times that
COLOURS = {"holds": "#4c9f70", "fails": "#c8553d", "undecided": "#8c8c8c"}
HOW_TO_READ = """
Findings of the literature on gradients in recurrent networks, each run again and judged by a stated rule. A bar is the
number that what is measured must equal, or pass; a margin, how far off still counts as equal. Both were fixed before,
with their reasons in the experiment files and in [claims.csv](claims.csv), but for those that
[SETTLED.md](SETTLED.md) names. An equality holds if |measured - bar| + 2 se <= margin, fails if |measured - bar| -
3 se > margin, and is undecided between; ≥ and ≤ ask for the bar to be passed at 2 se, and fail where it is missed at 3.
What a budget below the claim's own shows is undecided, but for what a longer one could not undo; so is a comparison of
nets of which none learns. Four classes: a **theory** in closed form against simulation, a **number** in print, a
**direction** in print or predicted, and **checks**, identities or code against code, which stand apart from the count.
Cases with the same random numbers count once.
"""


def write(results: Path, judged: list[Judged]) -> pd.DataFrame:
    """Write claims.csv, README.md, claims.png and each experiment's page; return the claims."""
    frame = claims_frame(judged)
    store.write_whole(results / "claims.csv", to_csv(frame[COLUMNS]))
    for part in judged:
        folder = results / part.preset / part.experiment
        folder.mkdir(parents=True, exist_ok=True)
        store.write_whole(folder / "README.md", page(part, folder))
    draw(frame[frame.counted], results / "claims.png")
    store.write_whole(results / "README.md", index(frame, judged, results))
    return frame


def index(frame: pd.DataFrame, judged: list[Judged], results: Path) -> str:
    """Return the page of all claims: what holds, what fails, what is open, by theme."""
    rows = []
    for letter, theme in THEMES.items():
        own = frame[frame.claim.str.startswith(letter)]
        if len(own):
            links = ", ".join(_link(name) for name in dict.fromkeys(own.experiment))
            rows.append({"": letter, "theme": theme, "verdicts": counts(own), "experiments": links})
    parts = [
        "# Claims and verdicts",
        f"**{headline(frame)}.**",
        " ".join(HOW_TO_READ.split()),
        pd.DataFrame(rows).to_markdown(index=False),
        "![all claims](claims.png)",
    ]
    if (asked := frame[frame.question != ""]).size:
        parts += ["## Asked most", "\n".join(_answer(row) for row in asked.itertuples())]
    for title, own in (
        ("What fails", frame[frame.verdict == "fails"]),
        ("What is open", frame[frame.enough & (frame.verdict == "undecided")]),
    ):
        parts += [f"## {title}", _open(own)] if len(own) else []
    parts += ["## Made by", _made_by(judged, results)]
    return "\n\n".join(parts) + "\n"


def _link(name: str) -> str:
    return f"[{name.split('/')[1]}]({name}/README.md)"


def _answer(row: Any) -> str:
    """Return a question of the field with the verdict on it, and its numbers."""
    measured, bar = measured_in_words(row.measured, row.se, 3), bar_in_words(row.kind, row.bar, 0.0)
    said = f"{markdown_text(row.statement)}: {measured}, bar {bar}, n = {row.n}"
    return f"- {row.question} **{row.verdict}** ({row.claim}): {said} ({_link(row.experiment)})"


def _open(claims: pd.DataFrame) -> str:
    """Return claims of one verdict, a line for each claim and experiment: how many, and the first one's numbers."""
    rows = []
    for (name, experiment), own in claims.groupby(["claim", "experiment"], sort=False):
        first = own.iloc[0]
        more = f", and {len(own) - 1} more" if len(own) > 1 else ""
        measured = measured_in_words(first.measured, first.se, 4)
        bar = bar_in_words(first.kind, first.bar, first.margin)
        said = f"{markdown_text(first.statement)}: {measured}, bar {bar}{more}"
        rows.append(f"- **{name}** {said} ({_link(experiment)})")
    return "\n".join(rows)


def _made_by(judged: list[Judged], results: Path) -> str:
    """Return a table of what each experiment's tables were made by, and when."""
    rows = []
    for part in judged:
        made = _provenance(results / part.preset / part.experiment)
        told = {name: ", ".join(made.get(name, {})) for name in ("rnnkit", "commit", "date", "cpu")}
        told["commit"] = ", ".join(commit[:12] for commit in made.get("commit", {}))
        rows.append({"experiment": _link(f"{part.preset}/{part.experiment}"), "preset": part.preset,
                     "minutes": part.minutes} | told)  # fmt: skip
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _provenance(folder: Path) -> dict[str, Collection[str]]:
    """Return what made a folder's tables: of each part, such as a version, all that occur."""
    path = folder / "provenance.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def page(part: Judged, folder: Path) -> str:
    """Return the page of one experiment: question, protocol, command, pictures, verdicts, table."""
    paragraphs = inspect.cleandoc(part.text).split("\n\n") if part.text else []
    prose = [" ".join(p.split()) for p in paragraphs if not p.startswith("    ")]
    frame = claims_frame([part]) if part.claims else pd.DataFrame()
    minutes = (
        f"Preset {part.preset}: some {part.minutes:g} minutes on two cores." if math.isfinite(part.minutes) else ""
    )
    parts = [f"# {part.experiment}", *prose, f"`{part.command}`", minutes]
    parts += [f"![{path.stem.replace('_', ' ')}]({path.name})" for path in sorted(folder.glob("*.png"))]
    if len(frame):
        parts += ["## Verdicts", f"{headline(frame)}.", _details(frame)]
    made = _provenance(folder)
    by = "; ".join(
        f"{name}: {', '.join(made[name])}" for name in ("rnnkit", "commit", "date", "cpu", "blas") if name in made
    )
    parts += ["## Table", *_table(folder), "[table.csv](table.csv)", f"Made by {by}." if by else ""]
    return "\n\n".join(filter(None, parts)) + "\n"


def _details(frame: pd.DataFrame) -> str:
    rows = [
        {
            "claim": row.claim,
            "class": row["class"],
            "statement": markdown_text(row.statement),
            "source": markdown_text(row.source),
            "bar": bar_in_words(row.kind, row.bar, row.margin),
            "why": markdown_text(row.reason),
            "measured": measured_in_words(row.measured, row.se, 5),
            "verdict": row.verdict if row.verdict == "holds" else f"**{row.verdict}**",
            "n": row.n,
        }
        for _, row in frame.iterrows()
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _table(folder: Path) -> list[str]:
    """Return the sweep's table where it is short, else where it stands."""
    path = folder / "table.md"
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    return [text] if text and text.count("\n") <= LONGEST else ["[table.md](table.md)"]


def draw(frame: pd.DataFrame, path: Path) -> None:
    """Draw every claim that counts: equalities in units of their margins, one-sided ones in standard errors."""
    shown = frame[np.isfinite(frame.measured) & np.isfinite(frame.se)]
    equal, sided = shown[shown.kind == "equal"], shown[shown.kind != "equal"]
    figure, panels = plt.subplots(1, 2, figsize=(11, 2 + 0.075 * max(len(equal), len(sided), 1)), layout="constrained")
    scale = equal.margin.where(equal.margin > 0, 1.0)
    _forest(panels[0], equal, (equal.measured - equal.bar) / scale, 2 * equal.se / scale, FURTHEST)
    panels[0].axvspan(-1, 1, color="0.92", zorder=0)
    panels[0].set(xlabel="(measured - bar) / margin, 2 standard errors", title="equalities")
    sign, se = sided.kind.map({"above": 1, "below": -1}), sided.se.where(sided.se > 0, np.nan)
    beyond = (sign * (sided.measured - sided.bar) / se).fillna(10 * FURTHEST)
    _forest(panels[1], sided, beyond, pd.Series(0.0, index=sided.index), 10 * FURTHEST)
    panels[1].axvspan(-3, 2, color="0.92", zorder=0)
    panels[1].set(xlabel="distance beyond the bar, standard errors", title="one-sided claims")
    save(figure, path)


def _forest(axes: plt.Axes, frame: pd.DataFrame, x: pd.Series, bars: pd.Series, furthest: float) -> None:
    y = np.arange(len(frame))
    for verdict, colour in COLOURS.items():
        own = (frame.verdict == verdict).to_numpy()
        at = x.to_numpy(float)[own].clip(-furthest, furthest)
        axes.errorbar(at, y[own], xerr=bars.to_numpy(float)[own], fmt="o", ms=2.5, lw=0.7, color=colour, label=verdict)
    first = ~frame.claim.duplicated().to_numpy()
    axes.set_yticks(y[first], frame.claim[first], fontsize=6)
    axes.set(xlim=(-1.05 * furthest, 1.05 * furthest))
    axes.invert_yaxis()
    axes.legend(fontsize=7)
