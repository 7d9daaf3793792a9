"""A command that is forked off is what the same words are to Python itself."""

import os
import subprocess

import commands
import pytest
from commands import Done, command

SCRIPT = """
import os, sys, threading, time, atexit
import beside
if __name__ != "__main__":
    raise AssertionError
print(*sys.argv[1:], beside.WORD, os.getcwd(), os.environ["OF_THE_TEST"], sys.stdin.read() == "")
print("an error", file=sys.stderr)
threading.Thread(target=lambda: (time.sleep(0.1), print("late"))).start()
atexit.register(print, "last")
how = sys.argv[-1]
if how == "raise":
    raise KeyError("mine")
if how == "killed":
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
sys.exit({"0": 0, "3": 3, "none": None}.get(how, "a message"))
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("WORD = 'imported'")
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setenv("OF_THE_TEST", "is set")
    return tmp_path / "script.py"


@pytest.mark.parametrize("how", ["0", "3", "none", "message", "raise", "killed"])
def test_a_command_is_what_python_makes_of_it(script, how, monkeypatch):
    forked = command(script, "word", how)
    monkeypatch.setenv("FORK", "0")
    alone = command(script, "word", how)
    assert forked.stdout == alone.stdout
    assert forked.returncode == alone.returncode == {"0": 0, "3": 3, "none": 0, "killed": -9}.get(how, 1)
    if how == "raise":
        assert forked.stderr.splitlines()[-1] == alone.stderr.splitlines()[-1] == "KeyError: 'mine'"
    elif how != "killed":
        assert forked.stderr == alone.stderr


def test_a_module_is_run_too():
    done = command("-m", "rnnkit.runner.collect", "--help")
    assert done == command("-m", "rnnkit.runner.collect", "--help", FORK="0")
    assert done.returncode == 0


def test_one_command_leaves_nothing_for_the_next(script, tmp_path):
    assert command(script, "0") == command(script, "0")
    (tmp_path / "beside.py").write_text("WORD = 'imported anew'")
    assert "imported anew" in command(script, "0").stdout


def test_one_that_hangs_is_ended_and_the_next_goes_on(tmp_path, monkeypatch):
    (tmp_path / "hangs.py").write_text("import time; time.sleep(60)")
    (tmp_path / "ends.py").write_text("print('ends')")
    command(tmp_path / "ends.py")
    monkeypatch.setattr(commands, "TIMEOUT", 1)
    with pytest.raises(subprocess.TimeoutExpired):
        command(tmp_path / "hangs.py")
    monkeypatch.undo()
    assert command(tmp_path / "ends.py") == Done(0, "ends\n", "")


def test_another_environment_begins_anew(script):
    assert " anew " in command(script, "0", OF_THE_TEST="anew").stdout
    assert os.environ["OF_THE_TEST"] == "is set"
