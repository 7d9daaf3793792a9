"""Writes down the messages that tests meet, one JSON object a line: its text, and where it was raised.

Seen are exceptions that `pytest.raises` catches, faults of configs, and what commands print, which has no place.
"""

import functools
import json
from pathlib import Path

import commands
import pytest

from rnnkit.runner.jobs import config

ROOT = Path(__file__).parents[1]


def record(path: str) -> None:
    """Write down what is met from now on."""

    def write(text: str, error: BaseException | None = None) -> None:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"text": text, "at": _places(error)}) + "\n")

    kind = type(pytest.raises(KeyError))
    kind.__exit__ = _after(kind.__exit__, lambda done, self, cls, error, trace: error and write(str(error), error))
    config._fault = _after(
        config._fault, lambda text, schema, detail, prefix: write(text, detail.get("ctx", {}).get("error"))
    )
    commands.command = _after(commands.command, lambda done, *words, **environment: write(done.stdout + done.stderr))
    pytest.CaptureFixture.readouterr = _after(
        pytest.CaptureFixture.readouterr, lambda said, self: write(said.out + said.err)
    )


def _after(function, look):
    """Return the function, with a look at what it returns and is given."""

    @functools.wraps(function)
    def looked_at(*args, **kwargs):
        found = function(*args, **kwargs)
        look(found, *args, **kwargs)
        return found

    return looked_at


def _places(error: BaseException | None) -> list[tuple[str, int]]:
    """Return the lines of the toolkit that an error came through, and those of the errors before it."""
    found = []
    while error is not None:
        step = error.__traceback__
        while step is not None:
            file = Path(step.tb_frame.f_code.co_filename)
            if file.is_relative_to(ROOT):
                found.append((file.relative_to(ROOT).as_posix(), step.tb_lineno))
            step = step.tb_next
        error = error.__cause__ or error.__context__
    return found
