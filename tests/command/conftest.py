"""The command `rnnkit` as a user types it, within this process, in a new folder."""

import sys

import pytest
from commands import Done

from rnnkit.command.main import main


@pytest.fixture
def rnnkit(tmp_path, monkeypatch, capsys):
    """Run `rnnkit WORDS`; return its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "argv", sys.argv[:])

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said, code = capsys.readouterr(), end.value.code
        if isinstance(code, str):  # as Python itself does
            return Done(1, said.out, f"{said.err}{code}\n")
        return Done(code or 0, said.out, said.err)

    return run
