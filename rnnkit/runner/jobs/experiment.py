"""What an experiment file hands to the runner, and what one job of it gives back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnkit._user_files import module_of
from rnnkit.runner.jobs.config import JobConfig


@dataclass
class Measurement:
    """What an experiment's `measure` returns for one job.

    row: the columns after the configuration, `status` and `n` among them. nets: a row for each net. lags: a row for
    each lag. history: a row for each evaluation of a training. message: what a person should know of a status that is
    not `done`.
    """

    row: dict[str, Any]
    nets: list[dict[str, Any]] = field(default_factory=list)
    lags: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""


@dataclass(frozen=True)
class Experiment:
    """One experiment file: its schema, its method, its columns, its pictures, its claims.

    measure: takes a `schema`, returns a Measurement whose row has `columns`. draw: takes the folder of the tables.
    claims: takes the tables, returns judgements. presets: as in conf/<name>.yaml, for a file that has none.
    The file names it EXPERIMENT, so that a process which runs a part of a sweep finds it.
    """

    path: str
    schema: type[JobConfig]
    measure: Callable[[Any], Measurement]
    columns: list[str]
    draw: Callable[[Path], None] | None = None
    claims: Callable[[Any], list[Any]] | None = None
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise TypeError for what cannot be called."""
        for name in ("measure", "draw", "claims"):
            given = getattr(self, name)
            if not (callable(given) or (given is None and name != "measure")):
                raise TypeError(f"{name} must be a function, got {given!r}")

    @property
    def file(self) -> Path:
        """Return the file, in full."""
        return Path(self.path).resolve()

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.file.stem

    @property
    def conf(self) -> Path:
        """Return the folder of its configurations: `conf`, beside the folder of the file; it need not be there."""
        return self.file.parent.parent / "conf"

    @property
    def keys_file(self) -> Path:
        """Return the file with its keys and presets; it need not be there where each key has a default."""
        return self.conf / f"{self.name}.yaml"


def load(file: Path) -> Experiment:
    """Return the EXPERIMENT of a file; ValueError where it cannot be had.

    What the file imports from beside it is found where Python looks: see `environment`.
    """
    wanted = f"experiment must be a .py file with an EXPERIMENT, got {file}"
    if not file.is_file():
        raise ValueError(f"{wanted}, which is not there")
    found = getattr(module_of(file.resolve(), f"experiment={file}"), "EXPERIMENT", None)
    if not isinstance(found, Experiment):
        raise ValueError(f"{wanted}, which has none")
    return found


def environment(file: Path) -> dict[str, str]:
    """Return the variables by which a new process finds what an experiment imports from beside it, as its command does.

    Python puts the folder of a script on its path; a process that runs something else is told so.
    """
    folders = [str(file.resolve().parent), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}
