"""A disk that is full, and a folder that cannot be written: a clear line, and every earlier record as it was."""

import subprocess

import pandas as pd
import pytest
from commands import command

from rnnkit.runner.jobs import store

VALUES = ",".join(map(str, range(40)))  # 40 records of a page each do not fit into SMALL
SMALL, LARGE = "size=120k", "size=16m"


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own: a function that mounts it anew with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)

    if (done := mount(SMALL)).returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.decode().strip()}")
    yield lambda options: mount(f"remount,{options}").check_returncode()
    subprocess.run(["umount", place], check=True)


def records(out):
    """Return the records that are there, by folder; each must be whole."""
    found = {path.parent: path.read_bytes() for path in out.glob("jobs/*/record.json")}
    assert all(store.read_record(folder)[0] for folder in found)
    return found


@pytest.mark.parametrize("launcher", ["serial", "local"])
def test_a_full_disk_ends_the_sweep_which_goes_on_when_there_is_room(toy, disk, tmp_path, launcher):
    out = tmp_path / "disk" / "out"
    line = [toy, "-m", f"value={VALUES}", f"out={out}", f"hydra/launcher={launcher}"]
    done = command(*line)
    assert done.returncode == 1
    assert f"out must be a folder that can be written to, got {out} (No space left on device)" in done.stderr
    assert ": records written before are as they were" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    before = records(out)
    assert 5 < len(before) < 40
    disk(LARGE)
    done = command(*line)
    assert done.returncode == 0, done.stderr
    after = records(out)
    assert {folder: after[folder] for folder in before} == before
    assert list(pd.read_csv(out / "table.csv").double) == [2 * value for value in range(40)]


def test_a_full_disk_leaves_earlier_tables_whole(toy, disk, tmp_path):
    out = tmp_path / "disk" / "out"
    line = [toy, "-m", "value=1,2,3", f"out={out}"]
    assert command(*line).returncode == 0
    before = (out / "table.csv").read_bytes()
    (tmp_path / "disk" / "filler").write_bytes(bytes(40_000))
    done = command(toy, "-m", f"value={VALUES}", f"out={out}")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    table = (out / "table.csv").read_bytes()
    assert table == before or len(pd.read_csv(out / "table.csv")) == 40  # the old one, or the new one: whole


def test_a_read_only_folder_is_refused_and_as_it_was(toy, disk, tmp_path):
    out = tmp_path / "disk" / "out"
    assert command(toy, "-m", "value=1,2", f"out={out}").returncode == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    disk("ro")
    for line in ([toy, "-m", "value=1,2", f"out={out}"], [toy, "value=1", f"out={out}/new"],
                 [toy, "value=1", f"out={out}", "force=true"]):  # fmt: skip
        done = command(*line)
        assert done.returncode == 1
        assert f"out must be a folder that can be written to, got {out}" in done.stderr
        assert " (Read-only file system)" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    done = command("-m", "rnnkit.runner.collect", out)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
