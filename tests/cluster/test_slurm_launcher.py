"""A real Slurm runs sweeps: jobs that raise, are killed, cancelled, out of time, or outlive their client."""

import os
import time

import pandas as pd
from commands import command
from toy_sweep import start

SLURM = ["hydra/launcher=slurm", "hydra.launcher.mem_gb=0.5", "hydra.launcher.poll_s=0.5"]
SAME = ("table.csv", "lags.csv", "nets.csv", "table.md", "plan.json")


def wait_for_states(slurm, out, expected):
    """Wait until accounting says this of the tasks that `out` has submitted; it knows of an array's tasks late."""
    wait_for(lambda: sorted(states(slurm, out)) == sorted(expected))


def states(slurm, out):
    """Return what accounting says of the tasks that `out` has submitted."""
    arrays = (out / "slurm" / "submitted.txt").read_text().split()
    listing = slurm.run("sacct", "-n", "-X", "-P", "-o", "State", "-j", ",".join(arrays)).splitlines()
    return [line.split()[0] for line in listing if line]  # CANCELLED by 0


def wait_for(condition):
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_an_array_gives_the_table_of_a_serial_sweep(toy, out, tmp_path, slurm):
    line = [toy, "-m", "value=1,2,3,4,5,6,7"]
    done = command(*line, f"out={out}", *SLURM, "hydra.launcher.tasks=3", "hydra.launcher.cpus_per_task=2", **slurm.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 jobs in 3 tasks" in done.stdout
    wait_for_states(slurm, out, 3 * ["COMPLETED"])
    assert command(*line, f"out={tmp_path / 'serial'}", NUMBA_NUM_THREADS="2").returncode == 0
    for name in SAME:  # the column `threads` is 2 in both: what was exported is what the jobs have
        assert (out / name).read_bytes() == (tmp_path / "serial" / name).read_bytes(), name


def test_a_job_that_raises_is_a_row_and_its_neighbours_go_on(toy, out, slurm):
    done = command(toy, "-m", "value=1,2,3", f"out={out}", "does=raise", *SLURM, "hydra.launcher.tasks=1", **slurm.env)
    assert done.returncode == 1
    table = pd.read_csv(out / "table.csv")
    assert list(table.status) == ["error", "done", "error"]
    assert "RuntimeError: 3 is odd" in (out / table.out[2] / "traceback.txt").read_text()
    wait_for_states(slurm, out, ["COMPLETED"])


def test_a_killed_job_is_told_and_the_same_line_goes_on(toy, out, slurm):
    line = [toy, "-m", "value=1,2,3,4", f"out={out}", *SLURM, "hydra.launcher.tasks=2"]
    done = command(*line, "does=die", **slurm.env)
    assert done.returncode == 1
    assert list(pd.read_csv(out / "table.csv").status) == ["done", "interrupted", "done", "missing"]
    assert "ended as FAILED; see " in done.stdout
    wait_for_states(slurm, out, ["COMPLETED", "FAILED"])
    again = command(*line, "does=die", **slurm.env)  # it dies again, and nothing else is computed
    assert again.returncode == 1
    assert "submitted" in again.stdout
    assert "2 jobs in 2 tasks" in again.stdout
    assert list(pd.read_csv(out / "table.csv").status) == ["done", "interrupted", "done", "done"]


def test_a_cancelled_array_is_told(toy, out, slurm):
    line = [toy, "-m", "value=1,2", f"out={out}", "seconds=30", *SLURM]
    with start(*line, env=os.environ | slurm.env) as client:
        wait_for(lambda: len(list(out.glob("jobs/*/.lock"))) == 2)
        slurm.run("scancel", *(out / "slurm" / "submitted.txt").read_text().split())
        said, _ = client.communicate()
    assert client.returncode == 1
    assert list(pd.read_csv(out / "table.csv").status) == ["interrupted", "interrupted"]
    assert "ended as CANCELLED" in said


def test_jobs_outlive_the_client_and_the_same_line_waits_for_them(toy, out, slurm):
    line = [toy, "-m", "value=1,2,3,4", f"out={out}", "seconds=6", *SLURM, "hydra.launcher.tasks=2"]
    with start(*line, env=os.environ | slurm.env) as client:
        wait_for(lambda: len(list(out.glob("jobs/*/.lock"))) == 2)
        client.kill()
    collected = command("-m", "rnnkit.runner.collect", out)
    assert collected.returncode == 1
    assert "4 missing" in collected.stdout
    done = command(*line, **slurm.env)
    assert done.returncode == 0
    assert "submitted by an earlier command" in done.stdout
    wait_for_states(slurm, out, ["COMPLETED", "COMPLETED"])  # no second array
    assert list(pd.read_csv(out / "table.csv").double) == [2, 4, 6, 8]


def test_ctrl_c_leaves_the_jobs_to_slurm_and_says_how_to_go_on(toy, out, slurm):
    line = [toy, "-m", "value=1,2", f"out={out}", "seconds=3", *SLURM]
    with start(*line, env=os.environ | slurm.env) as client:
        wait_for(lambda: len(list(out.glob("jobs/*/.lock"))) == 2)
        client.send_signal(2)
        said, _ = client.communicate()
    assert client.returncode == 130
    (array,) = (out / "slurm" / "submitted.txt").read_text().split()
    assert f"Slurm continues: scancel {array} ends it, rnnkit collect {out} makes tables" in said
    wait_for_states(slurm, out, ["COMPLETED", "COMPLETED"])
    assert command("-m", "rnnkit.runner.collect", out).returncode == 0


def test_a_task_out_of_time_is_queued_again_and_goes_on_from_its_checkpoint(toy, tmp_path, slurm):
    line = [toy, "value=80", "does=train", "seconds=0.5"]  # 40 s; the task is told after 15 at the earliest
    limits = ["hydra.launcher.timeout_min=1", "hydra.launcher.warn_s=45"]
    done = command(*line, f"out={tmp_path / 'cut'}", *SLURM, *limits, **slurm.env)
    assert done.returncode == 0, done.stdout + done.stderr
    (log,) = (tmp_path / "cut" / "slurm").glob("*_log.out")
    told = log.read_text().count("Calling checkpoint method")  # Slurm looks at its clock every 30 s
    assert told >= 1
    assert log.read_text().count("Starting with JobEnvironment") == told + 1
    assert 0 < pd.read_csv(tmp_path / "cut" / "timings.csv").seconds[0] < 35  # of the last process alone
    assert not list(tmp_path.rglob("checkpoints-*"))
    assert command(*line, f"out={tmp_path / 'whole'}", SLEEP="0").returncode == 0
    for name in ("table.csv", "history.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_what_slurm_refuses_is_said(toy, out, slurm):
    done = command(toy, "value=1", f"out={out}", *SLURM, "hydra.launcher.partition=nowhere", **slurm.env)
    assert done.returncode == 1
    assert "invalid partition specified: nowhere" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "1 missing" in done.stdout
