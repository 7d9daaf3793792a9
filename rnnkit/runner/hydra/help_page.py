"""What `--help` says of an experiment: its question, its presets, and each key with its default and what it may be."""

import textwrap
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.tables.formats import spelt
from rnnkit.runner.tables.page import question_of

WIDTH = 110
MOST_NAME = 26  # columns of `key=default`
LAUNCHERS = "hydra/launcher=serial|local|slurm|ray  how jobs run; --hydra-help says what else Hydra does"


def help_page(experiment: Experiment, keys: DictConfig, presets: dict[str, Any]) -> str:
    """Return the text of --help; a preset may have `hydra.sweeper.params`, as Hydra takes them."""
    title = f"{experiment.name}: {question_of(experiment.file)}".rstrip(": ")
    known = shipped.experiments().get(experiment.name) == experiment.file
    command = f"rnnkit run {experiment.name if known else experiment.file.name}"
    lines = [
        *textwrap.wrap(title, WIDTH, break_on_hyphens=False), "",
        f"  {command} KEY=VALUE ...           one job",
        f"  {command} -m KEY=VALUE,VALUE ...  a sweep, a job for each combination",
        f"  {command} --cfg job               the keys and values of a line; nothing is started",
    ]  # fmt: skip
    lines += ["", "presets:"] if presets else []
    for name, preset in presets.items():
        lines += _entry(f"preset={name}", " ".join(_values(preset)))
    lines += ["", "keys, with their defaults:"]
    fields = experiment.schema.model_fields
    for name in sorted(fields, key=lambda name: name in JobConfig.model_fields):  # its own first
        given = "" if name == "out" else spelt(keys.get(name, fields[name].default))
        lines += _entry(f"{name}={given}", fields[name].description or "")
    return "\n".join([*lines, "", LAUNCHERS])


def _values(preset: DictConfig) -> list[str]:
    """Return what a preset sets, its sweep first."""
    sweep = OmegaConf.select(preset, "hydra.sweeper.params") or {}
    own = {key: value for key, value in preset.items() if key != "hydra"}
    return [f"{key}={spelt(value)}" for key, value in (dict(sweep) | own).items()]


def _entry(name: str, text: str) -> list[str]:
    """Return a name and its text beside it, or below a long name."""
    lines = textwrap.wrap(text, WIDTH - MOST_NAME - 4, break_on_hyphens=False) or [""]
    first = (
        [f"  {name:{MOST_NAME}}  {lines[0]}".rstrip()] if len(name) <= MOST_NAME else [f"  {name}", *_below(lines[:1])]
    )
    return [*first, *_below(lines[1:])]


def _below(lines: list[str]) -> list[str]:
    return [f"{' ' * (MOST_NAME + 4)}{line}" for line in lines if line]
