"""The cluster of the tests does what a cluster does to jobs, and nothing of it is left behind."""

import operator
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slurm import DAEMONS, Slurm

HOLD = """
import sys, time
from slurm import Slurm
with Slurm(sys.argv[1]) as slurm:
    job = slurm.submit("--output=/dev/null", "--wrap=srun sleep 300")
    slurm.wait_for(job, "RUNNING")
    print("runs", flush=True)
    time.sleep(300)
"""


def processes(text: str) -> list[str]:
    """The commands of the living processes with the text in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text in (folder / "environ").read_text(errors="replace"):
                found.append((folder / "cmdline").read_text(errors="replace"))
        except OSError:
            continue
    return found


def run_job(slurm, path, script, *options):
    """Submit a script that prints to the path; return the id once it has printed something."""
    job = slurm.submit(f"--output={path}", *options, f"--wrap={script}")
    wait(lambda: path.exists() and path.read_text(), 20)
    return job


def wait(true, seconds):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_job_gets_its_cpus_and_starts_within_seconds(slurm, tmp_path):
    started = time.monotonic()
    job = run_job(slurm, tmp_path / "out", "srun sh -c 'echo $SLURM_CPUS_PER_TASK $SLURMD_NODENAME'", "-c", "12")
    assert time.monotonic() - started < 5
    assert (tmp_path / "out").read_text() == "12 node1\n"
    assert slurm.wait_for(job, "COMPLETED") == dict.fromkeys([job, f"{job}.batch", f"{job}.0"], "COMPLETED")


def test_an_array_runs_every_task(slurm, tmp_path):
    job = slurm.submit(f"--output={tmp_path}/%a", "--array=0-7%4", "--wrap=echo $SLURM_ARRAY_TASK_ID")
    states = slurm.wait_for(job, "COMPLETED", n=8)
    assert {name for name in states if "." not in name} == {f"{job}_{i}" for i in range(8)}
    assert [(tmp_path / str(i)).read_text() for i in range(8)] == [f"{i}\n" for i in range(8)]


def test_an_array_may_have_as_many_tasks_as_sweeps_have(slurm):
    job = slurm.submit("--output=/dev/null", "--array=0-1999", "--hold", "--wrap=true")
    slurm.run("scancel", job)


def test_what_fails_is_failed(slurm):
    jobs = [slurm.submit("--output=/dev/null", f"--wrap={script}") for script in ("exit 3", "srun sh -c 'kill -9 $$'")]
    for job in jobs:
        slurm.wait_for(job, "FAILED")


def test_what_is_cancelled_is_cancelled(slurm, tmp_path):
    job = run_job(slurm, tmp_path / "out", "echo runs; srun sleep 300")
    slurm.run("scancel", job)
    slurm.wait_for(job, "CANCELLED")


def test_a_job_whose_node_was_unplugged_is_run_again(slurm, tmp_path):
    script = "srun sh -c 'echo $SLURM_RESTART_COUNT again; test $SLURM_RESTART_COUNT || sleep 300'"
    job = run_job(slurm, tmp_path / "out", script, "--open-mode=append")
    slurm.kill_node()
    slurm.start_node()
    slurm.wait_for(job, "COMPLETED")
    assert (tmp_path / "out").read_text().split("\n")[-2] == "1 again"
    first, last = slurm.run("sacct", "-nXP", "--duplicates", "--format=State", "-j", job).split()
    assert (first, last) == ("NODE_FAIL", "COMPLETED")


def test_a_job_that_may_not_be_requeued_is_lost_with_its_node(slurm, tmp_path):
    job = run_job(slurm, tmp_path / "out", "echo runs; sleep 300", "--no-requeue")
    slurm.kill_node()
    slurm.start_node()
    slurm.wait_for(job, "NODE_FAIL")
    assert slurm.run("sinfo", "-h", "-o", "%T") == "idle\n"


def test_a_job_goes_on_when_slurmd_is_started_anew(slurm, tmp_path):
    job = run_job(slurm, tmp_path / "out", "echo runs; sleep 2; echo ends")
    slurm.start_node()
    slurm.wait_for(job, "COMPLETED")
    assert (tmp_path / "out").read_text() == "runs\nends\n"


def test_submitit_runs_a_function(slurm, tmp_path, monkeypatch):
    submitit = pytest.importorskip("submitit")
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    executor = submitit.AutoExecutor(tmp_path, cluster="slurm")
    executor.update_parameters(timeout_min=5, slurm_additional_parameters={"mem": "1G"})
    assert executor.submit(operator.mul, 6, 7).result() == 42
    assert [job.result() for job in executor.map_array(operator.add, [1, 2], [3, 4])] == [4, 6]


def test_nothing_is_left_when_the_process_that_holds_it_is_killed(slurm, tmp_path):
    """Beside another cluster; an end by an error or by Ctrl-C takes the same way."""
    folder, environ = tmp_path / "state", os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"runs\n"
        conf, link = Slurm(folder).env["SLURM_CONF"], Slurm(folder).link
        assert len(processes(conf)) >= len(DAEMONS) + 2  # and the job's shell, and its srun
        process.kill()
    wait(lambda: not (folder.exists() or link.is_symlink() or processes(conf)), 20)
    assert slurm.run("sinfo", "-h", "-o", "%T") == "idle\n"
