"""Workers and clients of this machine that are killed: what is lost, what goes on, what is said."""

import json
import os
import time

import pandas as pd
import pytest
from commands import command
from kills import workers_of
from toy_sweep import start

LOCAL = "hydra/launcher=local"


@pytest.mark.parametrize(("does", "how"), [("die", "killed by SIGKILL"), ("exit", "ended with exit code 7")])
def test_a_dead_worker_costs_its_job_and_no_other(toy, out, does, how):
    done = command(toy, "-m", "value=1,2,3,4", f"out={out}", f"does={does}", LOCAL)
    assert done.returncode == 1
    assert list(pd.read_csv(out / "table.csv").status) == ["done", "interrupted", "done", "done"]
    assert f"{how}; its worker wrote {out}/workers/" in done.stdout


def test_workers_end_with_their_client_after_the_job_at_hand(toy, out):
    line = [toy, "-m", "value=1,2,3,4", f"out={out}", "seconds=2", LOCAL, "hydra.launcher.workers=2"]
    with start(*line) as client:
        while len(list(out.glob("jobs/*/.lock"))) < 2:
            time.sleep(0.05)
        workers = workers_of(client.pid)
        client.kill()
    assert len(workers) == 2
    ends = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{child}") for child in workers) and time.monotonic() < ends:
        time.sleep(0.1)
    records = [json.loads(path.read_text()) for path in out.glob("jobs/*/record.json")]
    assert [record["row"]["status"] for record in records] == ["done", "done"]
    assert command("-m", "rnnkit.runner.collect", out).returncode == 1
    assert sorted(pd.read_csv(out / "table.csv").status) == ["done", "done", "missing", "missing"]


def test_a_forced_job_that_is_killed_keeps_its_row_and_is_told(toy, out):
    line = [toy, "-m", "value=1,2", "does=die", f"out={out}", LOCAL]
    assert command(*line, SPARE="1").returncode == 0
    done = command(*line, "force=true")
    assert done.returncode == 1
    assert "toy: 1 jobs were not computed again: their earlier records stand" in done.stderr
    assert list(pd.read_csv(out / "table.csv").status) == ["done", "done"]
