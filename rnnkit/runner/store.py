"""Identity of a job, and records that are written whole or not at all."""

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

WITHOUT_NUMBERS = ("runner/figures.py", "runner/training_figures.py", "runner/report.py")


def identity(config: dict[str, Any]) -> str:
    """Return 12 hex digits of the scientific configuration: the same job has the same name in every folder."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def code_identity(*more: Path) -> str:
    """Return 12 hex digits of the source that decides a job's numbers: rnnkit without pictures, and `more` files."""
    digest = hashlib.sha256(_package_digest())
    for path in more:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _package_digest() -> bytes:
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name not in WITHOUT_NUMBERS:
            digest.update(name.encode() + path.read_bytes())
    return digest.digest()


def write_whole(path: Path, text: str) -> None:
    """Write `text` so that a reader, or a crash, meets the old file or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write folder/record.json."""
    write_whole(folder / "record.json", json.dumps(record))


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a job, or None where there is none yet."""
    path = folder / "record.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def claim_folder(out: Path, plan: list[dict[str, Any]]) -> str | None:
    """Make `out` ready for this plan, or return why it cannot be used; another sweep's folder is left alone."""
    path = out / "plan.json"
    text = json.dumps(plan, indent=1)
    try:
        if path.exists() and path.read_bytes() != text.encode():
            return f"out={out}: holds another sweep (see {path}); allowed is a new folder, or the same sweep again"
        if not path.exists() and (out / "table.csv").exists():
            return f"out={out}: holds a table.csv that this sweep did not write; allowed is a new folder"
        write_whole(path, text)
    except OSError as error:
        return f"out={out}: cannot be written ({error.strerror}); allowed is a folder that can be"
    return None
