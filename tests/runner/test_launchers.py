"""Launchers: the same tables from each, and what they do when a process is lost."""

import fcntl
import importlib.util
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time

import pandas as pd
import pytest
from commands import command
from toy_sweep import start

from rnnkit.runner.jobs.job import Work
from rnnkit.runner.launchers.slurm import Slurm

SAME = ("table.csv", "nets.csv", "lags.csv", "table.md", "plan.json")
LOCAL = "hydra/launcher=local"
WAITS = 2  # seconds that a client is seen to wait for another: to make its tables takes less


def test_local_workers_share_the_cores(toy, out):
    done = command(toy, "-m", "value=1,2,3,4", f"out={out}", LOCAL, "hydra.launcher.workers=2")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out / "table.csv")
    assert list(table.double) == [2, 4, 6, 8]
    assert set(table.threads) == {max(1, len(os.sched_getaffinity(0)) // 2)}
    assert len(list(out.glob("workers/*.log"))) == 2


def test_threads_of_a_worker_can_be_named(toy, out):
    command(toy, "value=1", f"out={out}", LOCAL, "hydra.launcher.threads=3")
    assert list(pd.read_csv(out / "table.csv").threads) == [3]


def test_a_job_that_raises_in_a_worker_is_a_row_with_its_traceback(toy, out):
    done = command(toy, "-m", "value=1,2,3", f"out={out}", "does=raise", LOCAL)
    assert done.returncode == 1
    table = pd.read_csv(out / "table.csv")
    assert list(table.status) == ["error", "done", "error"]
    assert "RuntimeError: 1 is odd" in (out / table.out[0] / "traceback.txt").read_text()
    problems = pd.read_csv(out / "problems.csv")
    assert list(problems.job) == ["value=1", "value=3"]
    assert f"  error: value=1 {table.out[0]}: RuntimeError: 1 is odd" in done.stdout
    assert ">value=3</td>" in (out / "index.html").read_text()
    line = next(i for i, text in enumerate(toy.read_text().splitlines(), 1) if "raise RuntimeError" in text)
    assert list(problems.message) == [f"RuntimeError: {value} is odd, line {line}" for value in (1, 3)]


def test_what_an_experiment_prints_is_no_reply(toy, out):
    done = command(toy, "-m", "value=1,2", f"out={out}", "does=print", LOCAL, "hydra.launcher.workers=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert (out / "workers" / "0.log").read_text() == 2 * "what an experiment says\n"


def test_a_worker_that_cannot_start_ends_the_sweep(toy, out):
    broken = toy.parents[1] / "experiments" / "toy.py"
    text = broken.read_text()
    broken.write_text(text.replace('if __name__ == "__main__"', 'assert __name__ == "__main__"\nif True'))
    try:
        done = command(toy, "-m", "value=1,2", f"out={out}", LOCAL)
    finally:
        broken.write_text(text)
    assert done.returncode == 1
    assert f"a worker could not start, see {out}/workers/" in done.stderr
    assert list(pd.read_csv(out / "table.csv").status) == ["missing", "missing"]


def test_ctrl_c_reaches_the_workers_and_nothing_is_lost(toy, out):
    line = [toy, "-m", "value=1,2,3,4", f"out={out}", "seconds=1.5", LOCAL, "hydra.launcher.workers=2"]
    with start(*line) as client:
        while len(list(out.glob("jobs/*/record.json"))) < 2:  # two more are under way
            time.sleep(0.05)
        time.sleep(0.5)
        client.send_signal(signal.SIGINT)
        said, _ = client.communicate()
    assert client.returncode == 130
    assert list(pd.read_csv(out / "table.csv").status) == ["done", "done", "interrupted", "interrupted"]
    assert "2 done, 2 interrupted" in said
    assert command(*line).returncode == 0
    assert list(pd.read_csv(out / "table.csv").double) == [2, 4, 6, 8]


def test_two_clients_share_a_sweep_and_no_job_is_run_twice(toy, tmp_path):
    line = ["-m", "value=1,2,3,4,5,6", "seconds=0.3"]
    out, runs = tmp_path / "both", tmp_path / "runs"
    environment = os.environ | {"RUNS": str(runs), "NUMBA_NUM_THREADS": "1"}
    options = [[], [LOCAL, "hydra.launcher.threads=1"], [LOCAL, "hydra.launcher.threads=1"]]
    clients = [start(toy, *line, f"out={out}", *more, env=environment) for more in options]
    said = [client.communicate() for client in clients]
    assert [client.returncode for client in clients] == [0, 0, 0], said
    assert sorted(runs.read_text().split()) == list("123456")
    command(toy, *line, f"out={tmp_path / 'alone'}", NUMBA_NUM_THREADS="1")
    for name in SAME:
        assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name


def wait_for_jobs(out, n, file=".lock"):
    """Wait until so many have been begun, or have left a record."""
    ends = time.monotonic() + 60
    while len(list(out.glob(f"jobs/*/{file}"))) < n:
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_two_clients_of_different_code_share_a_sweep_and_the_table_says_so(toy, tmp_path):
    """The first is held in its second job until the other one has done the rest, and waits for it."""
    line, out, runs = ["-m", "value=1,2,3,4,5,6"], tmp_path / "both", tmp_path / "runs"
    environment, go = os.environ | {"RUNS": str(runs)}, tmp_path / "go"
    text = toy.read_text()
    try:
        with start(toy, *line, f"out={out}", env=environment | {"HELD_UNTIL": str(go)}) as first:
            wait_for_jobs(out, 2)
            toy.write_text(text.replace("2 * config", "3 * config"))
            with start(toy, *line, f"out={out}", "stale=keep", env=environment) as second:
                try:
                    wait_for_jobs(out, 5, "record.json")
                    with pytest.raises(subprocess.TimeoutExpired):
                        second.wait(WAITS)
                finally:
                    go.touch()
                second.communicate()
            first.communicate()
    finally:
        toy.write_text(text)
    assert [first.returncode, second.returncode] == [0, 0]
    assert sorted(runs.read_text().split()) == list("123456")
    table = pd.read_csv(out / "table.csv")
    factors = (table.double / table.value).tolist()
    assert set(factors) == {2, 3}
    assert len(set(zip(factors, table.code, strict=True))) == 2  # each row under the code that made it


def test_collect_needs_a_sweep(tmp_path):
    done = command("-m", "rnnkit.runner.collect", tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"rnnkit collect: folder must be the `out` of a sweep, got {tmp_path}, which holds none\n"
    assert list(tmp_path.iterdir()) == []


def test_collect_with_a_moved_experiment_file(toy, out, tmp_path):
    assert command(toy, "value=1", f"out={out}").returncode == 0
    (out / "sweep.json").write_text(json.dumps({"experiment": str(tmp_path / "gone" / "toy.py")}))
    (out / "table.csv").unlink()
    done = command("-m", "rnnkit.runner.collect", out)
    assert done.returncode == 2
    assert f"EXPERIMENT, got {tmp_path / 'gone' / 'toy.py'}, which is not there" in done.stderr
    assert command("-m", "rnnkit.runner.collect", out, "--experiment", toy).returncode == 0
    assert list(pd.read_csv(out / "table.csv").double) == [2]


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_what_a_launcher_needs_is_said_before_any_work(toy, out, name, tmp_path):
    needs = "sbatch, a command of Slurm" if name == "slurm" else "ray, pip install 'rnnkit[ray]'"
    if name == "ray" and importlib.util.find_spec("ray"):
        pytest.skip("ray is here")
    done = command(toy, "value=1", f"out={out}", f"hydra/launcher={name}", PATH=str(tmp_path))
    assert done.returncode == 1
    assert f"hydra/launcher={name}: needs {needs}" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("launcher", ["serial", "local"])
def test_one_bar_on_a_terminal_with_failed_and_remaining_jobs(toy, out, launcher):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
    line = [toy, "-m", "value=1,2,3", f"out={out}", "does=raise", "seconds=0.7", f"hydra/launcher={launcher}"]
    with start(*line, stderr=theirs, stdout=theirs) as client:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:
                break
    os.close(ours)
    assert client.returncode == 1
    last = said.decode().replace("\r", "\n").split("toy: 3 jobs")[0].strip().splitlines()[-1]
    assert "toy: 100%" in last
    assert "3/3" in last
    assert "2 failed, 0 remaining" in last
    assert "<" in last  # time passed < time left


def test_a_folder_that_sbatch_would_read_otherwise_is_refused(tmp_path):
    told = r"^out must be a folder without % in its path, .*, got .*/50% with hydra/launcher=slurm$"
    with pytest.raises(RuntimeError, match=told):
        Slurm().launch(Work(None, tmp_path / "50%", []), None)


def test_what_nobody_reads_is_written_all_the_same(toy, out):
    """As `| head -1` does."""
    line = [sys.executable, toy, "value=1", f"out={out}"]
    with subprocess.Popen(list(map(str, line)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert (out / "index.html").exists()
