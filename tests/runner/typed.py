"""Command lines of an experiment, followed within this process up to where the first job would start."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import gradient_flow

from rnnkit.runner import sweep
from rnnkit.runner.jobs import plan

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "experiments" / "gradient_flow.py"

EXPERIMENT = gradient_flow.EXPERIMENT
with contextlib.suppress(ImportError):
    import sklearn.datasets  # noqa: F401  sets variables of the environment where it is first imported


class Ending(NamedTuple):
    """prepared: the sweep, or None; left: files and folders below the working directory."""

    prepared: sweep.Prepared | None
    code: int | None
    said: str
    warned: list[str]
    left: list[str]

    @property
    def jobs(self):
        return [job.values for job in self.prepared.work.jobs]


def typed(arguments, experiment=EXPERIMENT):
    """Return where a command line leads to, from a new working directory."""
    before, said, prepared, code = os.getcwd(), io.StringIO(), None, None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with (
                as_it_was(),
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
                warnings.catch_warnings(record=True) as warned,
                mock.patch.object(plan, "open_folder", fenced),
            ):
                warnings.simplefilter("always")
                sys.argv = [str(experiment.file), *arguments]
                prepared = sweep.prepare(experiment)
        except SystemExit as end:
            code = end.code
            if isinstance(code, str):  # what Python itself does with it
                said.write(code)
                code = 1
        finally:
            os.chdir(before)
        left = sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*"))
    return Ending(prepared, code, said.getvalue(), [str(w.message) for w in warned], left)


OPEN_FOLDER = plan.open_folder


def fenced(folder, *rest):
    """Open a folder below the working directory; no typo of `out` may write elsewhere."""
    out = Path(folder)
    inside = Path.cwd() in (out.resolve(), *out.resolve().parents)
    return OPEN_FOLDER(folder, *rest) if inside else f"out={out}: not here"


@contextlib.contextmanager
def as_it_was():
    """Undo what Hydra does to a process that is not its own, and see that rnnkit leaves nothing."""
    argv, environment = sys.argv, dict(os.environ)
    loggers = [logging.root, *(x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger))]
    states = [(logger, logger.disabled, logger.level, logger.handlers[:]) for logger in loggers]
    try:
        yield
    finally:
        for logger, logger.disabled, logger.level, logger.handlers in states:  # noqa: B007
            pass
        sys.argv = argv
        assert dict(os.environ) == environment
