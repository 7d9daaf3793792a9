"""Files that a configuration names: what they hold is a part of the job."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import pytest
from common.training import TrainingConfig
from pydantic import Field

from rnnkit import _user_files
from rnnkit.runner.jobs import job as jobs
from rnnkit.runner.jobs import plan, sources, store
from rnnkit.runner.jobs.config import JobConfig, NamesFile, faults
from rnnkit.runner.jobs.experiment import Experiment, Measurement, load
from rnnkit.runner.jobs.job import CannotRecord, job_of, run_job
from rnnkit.runner.tables import table as tables

ROOT = Path(__file__).resolve().parents[2]
READS = sorted(p for p in (ROOT / "experiments").rglob("*.py") if p.parent.name != "benchmark")  # which has no keys
OPENED = re.compile(r"\b(?:Path|open|load|read\w*)\((?:self|config|settings)\.(\w+)")  # a key handed to what reads


class Reads(JobConfig):
    """An experiment that counts the characters of a file, or of none."""

    book: Annotated[str, NamesFile(lambda book: book != "none")] = Field("none", description="none or a file")
    times: int = Field(1, ge=1, description="an integer from 1")


def measure(config):
    length = len(Path(config.book).read_text()) if config.book != "none" else 0
    return Measurement({"length": config.times * length, "status": "done", "n": 1})


EXPERIMENT = Experiment(__file__, Reads, measure, ["length", "status", "n"])


@pytest.fixture
def book(tmp_path):
    file = tmp_path / "book.txt"
    file.write_text("three")
    return file


def settings(book, **keys):
    return Reads(seed=0, out=str(Path(book).parent / "out"), book=str(book), **keys)


def swept(*all_settings):
    """Run a sweep as a command does, without Hydra; return its table."""
    out = Path(all_settings[0].out)
    configs = [one.scientific() for one in all_settings]
    assert plan.open_folder(str(out), Path(__file__), configs) == ""
    assert {run_job(EXPERIMENT, job_of(one)) for one in all_settings} == {"done"}
    tables.collect(out, plan.read_plan(out), EXPERIMENT.columns)
    return tables.read(out).table


def test_a_changed_file_is_another_job_and_its_row_takes_the_place_of_the_old_one(book):
    assert list(swept(settings(book)).length) == [5]
    book.write_text("seventeen")
    table = swept(settings(book))
    assert list(table.length) == [9]
    assert list(table.book_sha256) == [sha256(b"seventeen").hexdigest()[:12]]
    book.write_text("three")
    assert list(swept(settings(book)).length) == [5]


def test_rows_of_keys_that_the_line_does_not_name_stay_with_what_they_are_of(book):
    swept(settings(book), settings(book, times=2))
    before = sources.file_identity(book)
    book.write_text("seventeen")
    table = swept(settings(book))
    assert list(zip(table.times, table.length, table.book_sha256, strict=True)) == [
        (1, 9, sources.file_identity(book)),
        (2, 10, before),
    ]


def test_another_path_is_another_job_though_the_bytes_are_the_same(book):
    copy = book.with_name("copy.txt")
    copy.write_bytes(book.read_bytes())
    one, other = (settings(path).scientific() for path in (book, copy))
    assert one["book_sha256"] == other["book_sha256"]
    assert one != other


def test_without_a_file_a_job_is_known_as_ever(book, tmp_path):
    config = Reads(seed=0, out=str(tmp_path), book="none").scientific()
    assert config == {"book": "none", "times": 1, "seed": 0}
    table = swept(settings(book), Reads(seed=0, out=str(tmp_path / "out"), book="none"))
    assert list(table) == ["book", "times", "seed", "book_sha256", "out", "length", "status", "n"]
    assert list(table.book_sha256.isna()) == [False, True]


def test_the_record_and_its_provenance_say_which_file_it_was(book):
    job = job_of(settings(book))
    run_job(EXPERIMENT, job)
    record = store.read_record(Path(job.folder))[0]
    assert record["config"]["book_sha256"] == record["provenance"]["book_sha256"] == sources.file_identity(book)
    assert tables.provenance_of([record])["book_sha256"] == {sources.file_identity(book): 1}


def test_a_file_that_changes_under_a_sweep_ends_it(book):
    job = job_of(settings(book))
    book.write_text("changed")
    with pytest.raises(CannotRecord, match=f"got {re.escape(str(book))}, which has changed since"):
        run_job(EXPERIMENT, job)
    assert jobs.record_of(job) is None


@pytest.mark.parametrize(("name", "why"), [("nowhere.txt", "No such file"), (".", "no regular file"),
                                           ("x" * 300, "File name too long"), ("x\0y", "embedded null")])  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_fault(book, name, why):
    (found,) = faults(Reads, {"seed": 0, "out": "x", "book": str(book.parent / name)})
    assert found.startswith("book must be none or a file, got ")
    assert f", which cannot be read ({why}" in found


@pytest.mark.parametrize(("start", "same"), [(b"import helper", False), (b"\xef\xbb\xbfimport helper", False),
                                             (b"import other", True), (b"def (", True)])  # fmt: skip
def test_a_py_file_is_known_by_those_beside_it_that_it_imports_too(tmp_path, start, same):
    task, helper = tmp_path / "task.py", tmp_path / "helper.py"
    task.write_bytes(start)
    helper.write_text("x = 1")
    before = sources.file_identity(task)
    helper.write_text("x = 2")
    assert (sources.file_identity(task) == before) is same


def test_no_key_names_a_file_without_a_mark():
    marked = {key for schema in (Reads, TrainingConfig) for key, field in schema.model_fields.items()
              if any(isinstance(mark, NamesFile) for mark in field.metadata)}  # fmt: skip
    assert marked == {"book", "task", "cell"}
    opened = {(file.name, key) for file in READS for key in OPENED.findall(file.read_text())} - {("training.py", "out")}
    assert opened == {("training.py", "task"), ("character_model.py", "path")}
    schema = load(ROOT / "experiments" / "character_model.py").schema
    assert any(isinstance(mark, NamesFile) for mark in schema.model_fields["path"].metadata)


def test_a_file_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / "cell.py").touch()

    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ValueError, match=r"^cell=cell\.py: the file cannot be read \(Permission denied\)$"):
        _user_files.module_of(tmp_path / "cell.py", "cell=cell.py")
