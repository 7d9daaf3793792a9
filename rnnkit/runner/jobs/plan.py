"""The plan of a sweep: every fault of its jobs before the first one starts, and what a folder holds of it."""

import json
from pathlib import Path
from typing import Any

from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import JobConfig, shown, validated

Config = dict[str, Any]

WRITTEN = (
    "table.csv",
    "table.md",
    "nets.csv",
    "lags.csv",
    "history.csv",
    "claims.csv",
    "problems.csv",
    "timings.csv",
    "provenance.json",
    "sweep.json",
    "index.html",
)  # by a sweep, beside pictures
MENDED = "delete it, and the sweep's own line writes it again and keeps its jobs"


def check(schema: type[JobConfig], values: list[Config]) -> tuple[list[JobConfig], list[str]]:
    """Return (the configuration of every job without a fault, every distinct fault of the sweep in the order met)."""
    sound: list[JobConfig] = []
    found: dict[str, None] = {}
    for one in values:
        config, of_job = validated(schema, one)
        found |= dict.fromkeys(of_job)
        sound += [config] if config else []
    for key, what in (("out", "folder"), ("force", "value"), ("stale", "value")):
        if len(given := dict.fromkeys(str(one.get(key)) for one in values)) > 1:
            found[f"{key} must be one {what} for the whole sweep, got {shown(', '.join(given))}"] = None
    if len({store.identity(config.model_dump()) for config in sound}) < len(sound):
        found["every value of a key must be given once, got the same job twice"] = None
    return sound, list(found)


def merged(old: list[Config], new: list[Config]) -> list[Config] | None:
    """Return the jobs of both plans, the new one's order first; None where they have no job in common.

    So a value added to a sweep gives the table that the longer sweep would have given at once, and a part of a sweep
    can be run again in its folder. An old job whose file has changed gives way to the new one of the same keys.
    """
    names, old_names = [[store.identity(config) for config in plan] for plan in (new, old)]
    asked, old_asked = [[store.identity(store.as_asked(config)) for config in plan] for plan in (new, old)]
    if not set(asked) & set(old_asked):
        return None
    if set(names) <= set(old_names):
        return old
    return new + [config for name, config in zip(old_asked, old, strict=True) if name not in set(asked)]


def open_folder(folder: str, experiment: Path, plan: list[Config], line: str = "") -> str:
    """Write down in `folder` which jobs should exist and by which command, or return why it cannot be used."""
    out = Path(folder)
    try:
        if refusal := _whole_plan(out, experiment, plan)[1]:
            return refusal  # not even a lock is left in a folder that is another's
        with store.claim(out, wait=True):
            whole, refusal = _whole_plan(out, experiment, plan)
            if not refusal:
                store.write_whole(out / "plan.json", json.dumps(whole, indent=1))
                lines = list(dict.fromkeys([*lines_of(out), *filter(None, [line])]))
                note = {"experiment": str(experiment.resolve()), "lines": lines}
                store.write_whole(out / "sweep.json", json.dumps(note))
            return refusal
    except OSError as error:
        return f"out must be a folder that can be written to, got {shown(out, 300)} ({error.strerror})"


def _whole_plan(out: Path, experiment: Path, plan: list[Config]) -> tuple[list[Config], str]:
    """Return (the plan joined with what `out` holds, why it cannot be joined)."""
    if not (out / "plan.json").exists():
        foreign = next((path.name for path in sorted(out.glob("*")) if path.match("*.png") or path.name in WRITTEN), "")
        other = f"out must be a new folder, got {out}, which holds a {foreign} that this sweep did not write"
        return plan, other if foreign and not any(out.glob("jobs/*/record.json")) else ""
    try:
        old, name = read_plan(out), owner_of(out)
    except ValueError as damage:
        return plan, str(damage)
    whole = merged(old, plan) if name is None or name.stem == experiment.stem else None
    if whole is None:
        wanted = "a new folder, or that of the same sweep, or of one of whose jobs this line names at least one"
        return plan, f"out must be {wanted}, got {out}, which holds another sweep (see {out / 'plan.json'})"
    return whole, ""


def read_plan(out: Path) -> list[Config]:
    """Return the jobs that should exist in `out`; ValueError where its plan is none."""
    path = out / "plan.json"
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        plan = None
    if isinstance(plan, list) and plan and all(isinstance(config, dict) for config in plan):
        return list({store.identity(config): config for config in plan}.values())
    raise ValueError(f"{path} must be the plan of a sweep, got a damaged file: {MENDED}")


def owner_of(out: Path) -> Path | None:
    """Return the experiment file that `out` belongs to, None where that is not known; ValueError for a damaged note."""
    note = _note(out)
    return note and Path(note["experiment"])


def lines_of(out: Path) -> list[str]:
    """Return the commands that have planned the sweep in `out`, in their order; ValueError for a damaged note."""
    return (_note(out) or {}).get("lines", [])


def _note(out: Path) -> dict[str, Any] | None:
    path = out / "sweep.json"
    if not path.exists():
        return None
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        Path(note["experiment"])
        return note
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{path} must be the note of a sweep, got a damaged file: {MENDED}") from None
