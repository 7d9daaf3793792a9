"""Lines run at once end as they would alone: exit codes, what they print, tables, and a process that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnkit.runner.jobs.provenance import cores
from rnnkit.runner.launchers import THREAD_VARIABLES
from rnnkit.runner.several import Line, run_lines
from rnnkit.runner.tables import read


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """The threads that run_lines sets are gone after a test."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, "2"))


def lines(toy, folder, *settings):
    """One line of the small experiment for each of these arguments."""
    return [
        Line(toy, (*words.split(), f"out={folder / str(i)}"), folder / f"{i}.log") for i, words in enumerate(settings)
    ]


def test_lines_end_as_they_would_alone(toy, tmp_path):
    made = lines(toy, tmp_path, "-m value=1", "value=1 does=raise", "value=-1", "-m value=2,3")
    ended = {ended.line.log.stem: ended for ended in run_lines(made)}
    assert {name: one.code for name, one in ended.items()} == {"0": 0, "1": 1, "2": 1, "3": 0}
    logs = {name: one.line.log.read_text() for name, one in ended.items()}
    assert "1 is odd" in logs["1"]
    assert "toy: nothing was started\n  value must be 0 to 1000000, got -1" in logs["2"]
    assert "toy: 2 jobs: 2 done" in logs["3"]
    assert Path(tmp_path, "3", "table.csv").exists()


def test_a_killed_process_fails_its_line_and_those_to_come(toy, tmp_path):
    codes = [ended.code for ended in run_lines(lines(toy, tmp_path, "value=2 does=die"))]
    assert codes == [1]


def test_a_process_has_its_share_of_the_cores(toy, tmp_path):
    for _ in run_lines(lines(toy, tmp_path, *["value=4"] * cores())):
        pass
    assert [int(read(tmp_path / str(i)).table.threads[0]) for i in range(cores())] == [1] * cores()


@pytest.mark.skipif(os.name != "posix", reason="the signals are those of POSIX")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_job_at_hand_leaves_its_record_where_the_starter_is_ended(toy, tmp_path, end):
    words = ("value=4", "seconds=60", f"out={tmp_path / 'out'}")
    code = f"""
from pathlib import Path
from rnnkit.runner.several import Line, run_lines
if __name__ == "__main__":
    list(run_lines([Line(Path({str(toy)!r}), {words!r}, Path({str(tmp_path / "log")!r}))]))
"""
    (tmp_path / "start.py").write_text(code)
    with subprocess.Popen([sys.executable, tmp_path / "start.py"]) as starter:
        until(lambda: list(tmp_path.glob("out/jobs/*/.lock")))
        starter.send_signal(end)
    until(lambda: (tmp_path / "out" / "index.html").exists())  # the last that is written
    assert list(read(tmp_path / "out", measured=False).table.status) == ["interrupted"]


def until(is_so, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
