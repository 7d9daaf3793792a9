"""A job's identity, files that are whole, and folders that are not written over."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rnnkit.runner.jobs import sources, store

CONFIG = {"seq_len": 10, "clip": "none", "gain": 1.5, "seed": 0}


@given(st.permutations(list(CONFIG)))
def test_identity_does_not_depend_on_the_order_of_keys(order):
    assert store.identity({key: CONFIG[key] for key in order}) == store.identity(CONFIG)


@pytest.mark.parametrize("key", CONFIG)
def test_identity_differs_when_a_key_does(key):
    changed = [store.identity(CONFIG | {key: value}) for value in (7, 8.5, "other")]
    without = store.identity({k: v for k, v in CONFIG.items() if k != key})
    assert len({store.identity(CONFIG), without, *changed}) == 5


def test_identity_is_twelve_hex_digits():
    assert len(store.identity(CONFIG)) == 12
    int(store.identity(CONFIG), 16)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call, error):
    def broken(*_):
        raise error

    path = tmp_path / "table.csv"
    store.write_whole(path, "old")
    monkeypatch.setattr(os, call, broken)
    with pytest.raises(type(error)):
        store.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole_makes_folders_and_readable_files(tmp_path):
    path = tmp_path / "a" / "b" / "text"
    store.write_whole(path, "größer\n")
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


RECORD = {"config": CONFIG, "row": {"status": "done", "rate": 0.1 + 0.2, "missing": None}, "seconds": 1e-17}


def test_records_come_back_exactly(tmp_path):
    assert store.read_record(tmp_path) == (None, "")
    store.write_record(tmp_path, RECORD)
    assert store.read_record(tmp_path) == (RECORD, "")


@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_record_with_any_byte_changed_is_damaged(at, byte):
    with tempfile.TemporaryDirectory() as folder:
        store.write_record(Path(folder), RECORD)
        path = Path(folder) / "record.json"
        text = bytearray(path.read_bytes())
        place = int(at * len(text))
        assume(text[place] != byte)
        text[place] = byte
        path.write_bytes(text)
        record, why = store.read_record(Path(folder))
        assert record is None
        assert str(path) in why


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_record_is_damaged(share):
    with tempfile.TemporaryDirectory() as folder:
        store.write_record(Path(folder), RECORD)
        path = Path(folder) / "record.json"
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        record, why = store.read_record(Path(folder))
        assert record is None
        assert "is damaged: truncated" in why


def test_a_folder_in_place_of_a_record_is_said(tmp_path):
    (tmp_path / "record.json").mkdir()
    assert "cannot be read" in store.read_record(tmp_path)[1]


@pytest.mark.parametrize("status", [None, "done", "diverged", "error", "interrupted"])
def test_a_record_is_of_a_job_that_has_ended(status):
    record = status and {"row": {"status": status}}
    assert store.has_ended(record) is (status in ("done", "diverged"))


def test_a_claim_is_one_process_s_and_goes_with_it(tmp_path):
    held = (
        "import sys, time; from pathlib import Path; from rnnkit.runner.jobs import store\n"
        f"with store.claim(Path({str(tmp_path)!r}), wait=False) as mine: print(mine, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "True\n"
        with store.claim(tmp_path, wait=False) as mine:
            assert not mine
        other.kill()
        with store.claim(tmp_path, wait=True) as mine:
            assert mine


def test_a_claim_clears_what_a_killed_writer_left_and_nothing_else(tmp_path):
    for name in (f".record.json-abc{store.PART}", ".pre-commit-config.yaml", ".git-credentials", ".python-version"):
        (tmp_path / name).write_text("text")
    with store.claim(tmp_path, wait=False):
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {".lock", ".pre-commit-config.yaml", ".git-credentials", ".python-version"}


def test_a_killed_writer_leaves_what_a_claim_clears(tmp_path):
    killed = f"""if True:
        import os
        from pathlib import Path
        from rnnkit.runner.jobs import sources, store
        os.replace = lambda *_: os._exit(9)
        store.write_whole(Path({str(tmp_path)!r}) / "record.json", "text")
    """
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    assert [path.name.endswith(store.PART) for path in tmp_path.iterdir()] == [True]


@pytest.mark.parametrize("number", store.NO_LOCKS)
@pytest.mark.parametrize("wait", [False, True])
def test_on_a_file_system_without_locks_a_claim_is_granted(tmp_path, monkeypatch, number, wait):
    def no_locks(*_):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    for _ in range(2):  # and none is left behind
        with store.claim(tmp_path, wait) as mine:
            assert mine


def test_another_error_of_a_lock_is_no_claim(tmp_path, monkeypatch):
    def fail(self, timeout):
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(store.FileLock, "acquire", fail)
    with pytest.raises(OSError, match="the disk is broken"), store.claim(tmp_path, wait=True):
        pass


def test_an_interruption_right_after_the_rename_stays_one(tmp_path, monkeypatch):
    replace = os.replace

    def interrupted(*paths):
        replace(*paths)
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write_whole(tmp_path / "record.json", "text")
    assert (tmp_path / "record.json").read_text() == "text"


def test_sources_are_the_file_and_what_it_imports_from_beside_it(tmp_path):
    files = {"a": "import b\nimport os", "b": "from c import x", "c": "x = 1", "other": ""}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    assert [path.stem for path in sources.own_sources(tmp_path / "a.py")] == ["a", "b", "c"]
    assert [path.stem for path in sources.own_sources(tmp_path / "c.py")] == ["c"]


@pytest.mark.parametrize(
    "text", ["from lib import K", "import lib", "from lib.sub import x", "import lib.sub", "from lib import sub"]
)
def test_sources_are_packages_beside_it_too(tmp_path, text):
    files = {
        "a.py": text, "lib/__init__.py": "from .near import K\nfrom . import sub\nimport c", "lib/near.py": "K = 1",
        "lib/sub.py": "from ..c import x", "c.py": "x = 1", "lib/c.py": "", "other/__init__.py": "",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = [str(path.relative_to(tmp_path)) for path in sources.own_sources(tmp_path / "a.py")]
    assert found == ["a.py", "c.py", "lib/__init__.py", "lib/near.py", "lib/sub.py"]


def test_bytes_are_on_disk_before_their_name_is_and_the_name_before_the_call_ends(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace

    def synced(handle):
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def replaced(*paths):
        done.append("replace")
        replace(*paths)

    monkeypatch.setattr(store.os, "fsync", synced)
    monkeypatch.setattr(store.os, "replace", replaced)
    store.write_whole(tmp_path / "record.json", "text")
    assert done == ["file", "replace", "folder"]
