"""Which messages of the toolkit tests meet.

    MESSAGES=met.jsonl pytest tests/networks; python tests/met.py met.jsonl

The first line writes down what tests meet, each run after the last: exceptions that `pytest.raises` catches, with the
lines they came through, faults of jobs, what ends a process, and what commands print. The second prints each message
that no test has met.
"""

import functools
import json
import re
import sys
from pathlib import Path
from typing import NoReturn

import commands
import pytest
from messages import ROOT, Message, all_messages

from rnnkit.runner.jobs import config, plan

ELSEWHERE = {  # messages that the record of a run does not have, and why
    r"^damaged$|holds addresses of": "they become a line on stderr: test_cache_faults.py",
    r"belongs to another user|others may write|^\{\} cannot be read$": "the next folder is taken: test_cache_folder.py",
    r"Versions that work": "another process tells it: test_self_test.py",
    r" where \{\} was to come": "of a Numba that computes otherwise",
    r"^row must have columns|^measure must return": "it stands in the job's record: test_jobs.py",
    r"are read, once, which|^\{\} of \{\}$": "it takes music21, and a minute",
    r"earlier records stand": "it takes a cluster: tests/cluster",
}


def record(path: str) -> None:
    """Write down what is met from now on."""

    def write(text: str, error: BaseException | None = None) -> None:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"text": text, "at": _places(error)}) + "\n")

    raises = type(pytest.raises(KeyError))
    _look(raises, "__exit__", lambda done, self, kind, error, trace: error and write(str(error), error))
    _look(config, "_fault", lambda text, schema, fault, prefix: write(text, fault.get("ctx", {}).get("error")))
    _look(plan, "check", lambda found, *given: write("\n".join(found[1])))
    _look(plan, "open_folder", lambda refusal, *given: write(refusal))
    _look(commands, "command", lambda done, *words, **environment: write(done.stdout + done.stderr))
    _look(pytest.CaptureFixture, "readouterr", lambda said, self: write(said.out + said.err))
    leave = sys.exit

    def leave_and_write(code: object = None) -> NoReturn:
        write(str(code))
        leave(code)

    sys.exit = leave_and_write


def _look(owner, name, look):
    """Have a function give what it returns, and what it is given, to `look`."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def looked_at(*args, **kwargs):
        found = function(*args, **kwargs)
        look(found, *args, **kwargs)
        return found

    setattr(owner, name, looked_at)


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


def unmet(lines: list[dict]) -> list[Message]:
    """Return the messages that no test has met: neither raised where they stand, nor read in a text of a test."""
    places = {tuple(place) for line in lines for place in line["at"]}
    said = "\n".join(dict.fromkeys(line["text"] for line in lines))
    return [
        message
        for message in all_messages()
        if not (message.passed_on or re.search("|".join(ELSEWHERE), message.text))
        and places.isdisjoint((message.path, at) for at in range(message.line, message.end + 1))
        and not (message.is_specific and message.is_in(said))
    ]


if __name__ == "__main__":
    recorded = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    for message in unmet(recorded):
        print(f"{message.place}: {message.kind}: {message.text}")
