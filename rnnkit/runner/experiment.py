"""What an experiment file hands to the runner, and what one job of it gives back."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rnnkit.runner.config import Settings


@dataclass
class Measurement:
    """What an experiment's `run` returns for one job.

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
    """One experiment file: its schema, its method, its columns, its pictures.

    run: takes a `schema`, returns a Measurement whose row has `columns`. draw: takes the folder of the tables. The file
    names it EXPERIMENT, so that a process which runs a part of a sweep finds it.
    """

    path: str
    schema: type[Settings]
    run: Callable[[Any], Measurement]
    columns: list[str]
    draw: Callable[[Path], None] | None = None

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
        """Return the folder of all configurations: `conf`, beside the folder of the file."""
        return self.file.parents[1] / "conf"


@cache
def load(file: Path) -> Experiment:
    """Return the EXPERIMENT of a file; ValueError where it cannot be had."""
    sys.path.insert(0, str(file.parent))  # experiments import from one another
    spec = importlib.util.spec_from_file_location(file.stem, file)
    try:
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
        return module.EXPERIMENT
    except (OSError, AttributeError) as error:
        raise ValueError(f"experiment={file}: {error}; allowed is a .py file with an EXPERIMENT") from error
