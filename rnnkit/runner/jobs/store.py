"""Identity of a job, and records that are written whole or not at all, by one process at a time."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

ENDED = ("done", "diverged")  # a job with such a record is not run again by the same code
DIGEST = ', "digest": "'
OF_A_FILE = "_sha256"  # ends the name, after the key that names the file, of what the file held
PART = ".rnnkit-part"  # ends the name of a file that is being written: nobody else's ends so
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)  # Lustre without -o flock, NFS without lockd, FUSE


def identity(config: dict[str, Any]) -> str:
    """Return 12 hex digits of the scientific configuration: the same job has the same name in every folder."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def as_asked(config: dict[str, Any]) -> dict[str, Any]:
    """Return a job's keys without what the files that they name held."""
    return {key: value for key, value in config.items() if not key.endswith(OF_A_FILE)}


def write_whole(path: Path, text: str) -> None:
    """Write `text` so that a reader, or a crash, meets the old file or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=PART)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:  # the same bytes on every system
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)  # Ctrl-C comes after the rename, too
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have a new name on disk, not only the bytes it stands for."""
    if hasattr(os, "O_DIRECTORY"):  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write folder/record.json, which ends with a digest of all that stands before it."""
    text = json.dumps(record)
    write_whole(folder / "record.json", f'{text[:-1]}{DIGEST}{_digest(text)}"}}')


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_record(folder: Path, config: dict[str, Any] | None = None) -> tuple[dict[str, Any] | None, str]:
    """Return (record, what is wrong with it): (None, "") where there is none yet, (None, why) where it is damaged.

    config: the record must be of this job.
    """
    path = folder / "record.json"
    try:
        text = path.read_text(encoding="utf-8")
        body, _, digest = text.rpartition(DIGEST)
        if digest != f'{_digest(body + "}")}"}}':
            return None, f"{path} is damaged: truncated, or not as it was written"
        record = json.loads(body + "}")
        if config is not None and record["config"] != config:
            return None, f"{path} is damaged: it is another job's"
        return record, ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        return None, f"{path} cannot be read: {error}"


def has_ended(record: dict[str, Any] | None) -> bool:
    """Return whether a record is of a job that has ended."""
    return bool(record) and record["row"]["status"] in ENDED


@contextmanager
def claim(folder: Path, wait: bool) -> Iterator[bool]:
    """Hold `folder` for this process; False where another one holds it and `wait` is not asked for.

    The system lets go of a claim when its process ends, however that happens. A file system without locks has none:
    there two clients may compute a job twice, to the same record.
    """
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)
    lock = FileLock(folder / ".lock", fallback_to_soft=False)  # a soft lock stays when its process is killed
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        yield True
        return
    try:
        for left in folder.glob(f".*{PART}"):  # of a process that was killed while it wrote
            left.unlink(missing_ok=True)
        yield True
    finally:
        lock.release()
