"""Ray runs a sweep: the same table, and a killed process costs its job alone."""

import commands
import pandas as pd
import pytest
from commands import command

pytest.importorskip("ray", reason="ray is an extra of its own: pip install 'rnnkit[ray]'")
ALONE = {"RAY_USAGE_STATS_ENABLED": "0"}  # and so in processes of their own: Ray's daemons are not for forked ones


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Ray starts a dozen processes: 10 s when quiet, minutes on a busy machine."""
    monkeypatch.setattr(commands, "TIMEOUT", 400)


def test_ray_gives_the_table_of_a_serial_sweep(toy, tmp_path):
    line = [toy, "-m", "value=1,2,3,4"]
    done = command(*line, f"out={tmp_path / 'ray'}", "hydra/launcher=ray", **ALONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert command(*line, f"out={tmp_path / 'serial'}", NUMBA_NUM_THREADS="1").returncode == 0
    for name in ("table.csv", "lags.csv", "nets.csv", "table.md", "plan.json"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "serial" / name).read_bytes(), name


def test_a_process_of_ray_that_is_killed_costs_its_job(toy, tmp_path):
    done = command(toy, "-m", "value=1,2,3", "does=die", f"out={tmp_path}/out", "hydra/launcher=ray", **ALONE)
    assert done.returncode == 1
    assert list(pd.read_csv(tmp_path / "out" / "table.csv").status) == ["done", "interrupted", "done"]
    assert "Traceback" not in done.stdout + done.stderr
