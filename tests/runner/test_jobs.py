"""One job: its record, its claim, and what is left of it when things go wrong."""

import os
import subprocess
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from pydantic import Field

from rnnkit.runner.jobs import job as jobs
from rnnkit.runner.jobs import provenance, sources, store
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement, load
from rnnkit.runner.jobs.job import BUSY, CannotRecord, Work, job_of, run_job


class Toy(JobConfig):
    value: int = Field(1, ge=0, le=9, description="0 to 9")


def measured(config):
    return Measurement({"double": 2 * config.value, "status": "done", "n": 1})


def beside(file):
    return sources.own_sources(Path(file))


def refused(config):
    raise AssertionError("must not run")


def interrupted(config):
    raise KeyboardInterrupt


def experiment(run=measured):
    return Experiment(__file__, Toy, run, ["double", "status", "n"])


@pytest.fixture
def job(tmp_path):
    return job_of(Toy(seed=0, out=str(tmp_path), value=3))


def folder(job):
    return Path(job.folder)


def record(job):
    return store.read_record(folder(job))[0]


def test_a_record_says_what_came_out_and_where_it_was_made(job):
    before = time.time()
    assert run_job(experiment(), job) == "done"
    found = record(job)
    assert found["config"] == {"value": 3, "seed": 0}
    assert found["row"] == {"double": 6, "status": "done", "n": 1}
    assert found["code"] == sources.code_identity(*beside(__file__))
    assert before <= found["start"] <= time.time()
    assert 0 <= found["seconds"] < 60
    made = found["provenance"]
    named = [
        "rnnkit",
        "numpy",
        "numba",
        "scipy",
        "python",
        "commit",
        "blas",
        "cpu",
        "threads",
        "threading",
        "host",
        "seed",
    ]
    named += ["started", "compile_seconds"]
    assert set(named) == set(made)
    assert all(made[name] != "" for name in named)
    assert made["seed"] == 0
    assert made["compile_seconds"] == 0


def test_compilation_is_told_apart(job):
    def compiles(config):
        from numba import njit

        assert njit(lambda x: x + config.value)(1) == 4
        return measured(config)

    run_job(experiment(compiles), job)
    assert 0 < record(job)["provenance"]["compile_seconds"] < record(job)["seconds"]


def test_a_job_that_has_ended_is_not_run_again(job):
    run_job(experiment(), job)
    assert run_job(experiment(refused), job) == "done"


def test_after_asks_for_a_newer_record(job):
    run_job(experiment(), job)
    first = record(job)["start"]
    assert run_job(experiment(), job._replace(after=first)) == "done"
    assert record(job)["start"] > first


def test_a_job_of_another_process_is_busy(job):
    with store.claim(folder(job), wait=False):
        assert run_job(experiment(refused), job) == BUSY


def test_an_error_is_a_record_with_a_traceback_until_it_is_mended(job):
    assert run_job(experiment(refused), job) == "error"
    assert record(job)["message"].startswith("AssertionError: must not run, line ")
    assert "in refused" in (folder(job) / "traceback.txt").read_text()
    assert run_job(experiment(), job) == "done"
    assert not (folder(job) / "traceback.txt").exists()


def test_an_interruption_is_a_record_but_never_in_place_of_one_that_has_ended(job):
    with pytest.raises(KeyboardInterrupt):
        run_job(experiment(interrupted), job)
    assert record(job)["row"] == {"status": "interrupted"}
    run_job(experiment(), job)
    with pytest.raises(KeyboardInterrupt):
        run_job(experiment(interrupted), job._replace(after=record(job)["start"]))
    assert record(job)["row"]["status"] == "done"


def test_a_lost_job_has_a_record_unless_it_left_one(job):
    work = Work(experiment(), Path(job.values["out"]), [job])
    work.lost(job, "killed")
    assert (record(job)["row"], record(job)["message"]) == ({"status": "interrupted"}, "killed")
    run_job(experiment(refused), job)
    work.lost(job, "killed")
    assert record(job)["row"]["status"] == "error"
    work.lost(job._replace(after=record(job)["start"]), "killed")  # the error is of an earlier command
    assert record(job)["row"]["status"] == "interrupted"


def test_a_lost_job_never_takes_the_place_of_one_that_has_ended_whoever_s_code_it_was(job, monkeypatch):
    run_job(experiment(), job)
    monkeypatch.setattr(jobs, "code_of", lambda _: "other code")
    assert run_job(experiment(refused), job) == "done"  # whether it is to be recomputed is decided where it is planned
    Work(experiment(), Path(job.values["out"]), [job]).lost(job, "killed")
    assert record(job)["row"]["status"] == "done"


def test_a_lost_job_that_another_process_has_is_left_to_it(job):
    with store.claim(folder(job), wait=False):
        Work(experiment(), Path(job.values["out"]), [job]).lost(job, "killed")
        assert record(job) is None


BAD = [{}, {"status": "solved"}, {"status": "done", "double": np.float32(1)}]


@pytest.mark.parametrize("row", BAD)
def test_what_cannot_be_a_record_is_an_error_of_the_job(job, row):
    assert run_job(experiment(lambda config: Measurement(row)), job) == "error"
    assert record(job)["row"] == {"status": "error"}
    assert run_job(experiment(), job) == "done"


def test_checkpoints_of_a_job_that_failed_are_kept_until_it_has_ended(job):
    def fails(config):
        (folder(job) / "checkpoints-x").mkdir()
        raise OSError(28, "no space")

    run_job(experiment(fails), job)
    assert (folder(job) / "checkpoints-x").exists()
    run_job(experiment(), job)
    assert not (folder(job) / "checkpoints-x").exists()


def test_what_is_kept_on_the_way_belongs_to_its_code(job, monkeypatch):
    seen = []
    run_job(experiment(lambda config: seen.append(config._code)), job)
    monkeypatch.setattr(jobs, "code_of", lambda _: "other code")
    run_job(experiment(lambda config: seen.append(config._code)), job)
    assert len(set(seen)) == 2
    assert all(seen)


def test_a_job_whose_configuration_is_no_longer_valid_ends_the_sweep(job):
    with pytest.raises(CannotRecord, match="value must be 0 to 9, got 10"):
        run_job(experiment(), job._replace(values=job.values | {"value": 10}))


def test_a_folder_that_takes_no_records_is_named(job, tmp_path):
    (tmp_path / "jobs").write_text("in the way")
    with pytest.raises(CannotRecord, match=f"to, got {tmp_path} .*: records written before are as"):
        run_job(experiment(), job)


def test_an_os_error_of_the_experiment_is_its_own(job):
    def fails(config):
        raise OSError(2, "no such data")

    assert run_job(experiment(fails), job) == "error"


@pytest.mark.parametrize("text", [None, "x = 1", "raise OSError('broken')"])
def test_a_file_without_an_experiment_is_refused(tmp_path, text):
    path = tmp_path / f"no_experiment_{len(text or '')}.py"
    if text:
        path.write_text(text)
    with pytest.raises(
        ValueError, match=f"experiment must be a .py file with an EXPERIMENT, got {path}|^experiment={path}: the"
    ):
        load(path)


def git(folder, *words):
    name = ["-c", "user.name=n", "-c", "user.email=e"]
    return subprocess.run(["git", "-C", folder, *name, *words], capture_output=True, text=True, check=True).stdout


def test_the_commit_is_told_and_whether_code_differs_from_it(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("x = 1")
    (tmp_path / "table.csv").write_text("rows")
    assert provenance._commit(file) == "none"
    git(tmp_path, "init", "-q")
    assert provenance._commit(file) == "none"
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert provenance._commit(file) == commit
    (tmp_path / "table.csv").write_text("other rows")
    assert provenance._commit(file) == commit
    file.with_name("new.py").write_text("y = 1")
    assert provenance._commit(file) == commit
    assert provenance._commit(file.with_name("new.py")) == f"{commit}-dirty"
    file.write_text("x = 2")
    assert provenance._commit(file) == f"{commit}-dirty"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance._commit(Path(__file__)) == "none"


def test_the_blas_is_the_one_that_kernels_call():
    libraries = [{"user_api": "blas", "filepath": f"/env/{place}/libscipy_openblas.so", "internal_api": "openblas",
                  "version": place, "architecture": "Zen"} for place in ("numpy.libs", "scipy.libs")]  # fmt: skip
    for found in (libraries, libraries[::-1]):
        with mock.patch.object(provenance, "threadpool_info", lambda found=found: found):
            assert provenance._blas() == "openblas scipy.libs Zen"
    with mock.patch.object(provenance, "threadpool_info", list):
        assert provenance._blas() == "none"


def test_all_cores_of_this_process_are_counted():
    assert provenance.cores() == len(os.sched_getaffinity(0))


def test_a_row_with_a_key_that_is_no_column_is_an_error(job):
    def misspelt(config):
        return Measurement({"duoble": 2 * config.value, "status": "done", "n": 1})

    assert run_job(experiment(misspelt), job) == "error"
    assert record(job)["message"] == "ValueError: row must have columns among double, status, n, got duoble"


def test_an_exit_is_an_error_of_its_job(job):
    def leaves(config):
        raise SystemExit(3)

    assert run_job(experiment(leaves), job) == "error"
    assert jobs.record_of(job)["message"].startswith("SystemExit: 3, line ")


def test_what_measure_returns_is_a_measurement(job):
    assert run_job(experiment(lambda config: 5), job) == "error"
    assert jobs.record_of(job)["message"].startswith("TypeError: measure must return a Measurement, got int")


@pytest.mark.parametrize(("name", "given"), [("measure", None), ("draw", 3), ("claims", "C1")])
def test_an_experiment_is_made_of_functions(name, given):
    parts = {"measure": measured} | {name: given}
    with pytest.raises(TypeError, match=f"^{name} must be a function, got {given!r}$"):
        Experiment(path=__file__, schema=Toy, columns=["n"], **parts)
