"""What an experiment reaches: every line of rnnkit that a job runs is in a file that its identity covers."""

import sys
from pathlib import Path

import pytest
from common.flow import measure_flow
from common.flow_config import FlowConfig
from common.training import TrainingConfig, measure_training

from rnnkit.runner.jobs import sources
from rnnkit.runner.jobs.sources import PACKAGE, reached

ROOT = PACKAGE.parent
LEAKY = str(ROOT / "tests" / "user_cells" / "leaky.py")
FLOW = {"seq_len": 5, "spectral_radius": 1.5, "gain": "none", "clip": 1.0, "clip_mode": "norm", "hidden_size": 4}
FLOW |= {"initializer": "gaussian", "cell": "tanh", "drive": "noise", "drive_variance": 1.0, "batch_size": 2}
FLOW |= {"replicates": 2, "seed": 0, "dtype": "float64"}
TRAINS = {"task": "temporal_order", "seq_len": 10, "hidden_size": 4, "updates": 25, "check_every": 25, "check_size": 20}
TRAINS |= {"replicates": 2, "seed": 0, "clip": 1.0}


def files_run(call):
    """Return the files of rnnkit whose functions run within a call; modules that are only imported do not count."""
    found = set()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name != "<module>":
            found.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    paths = {Path(name) for name in found if not name.startswith("<")}
    return {path for path in paths if PACKAGE in path.parents and PACKAGE / "runner" not in path.parents}


@pytest.mark.parametrize(
    ("experiment", "measure", "config"),
    [
        ("gradient_flow", measure_flow, lambda out: FlowConfig(**FLOW, out=out)),
        ("gradient_flow", measure_flow, lambda out: FlowConfig(**FLOW | {"cell": LEAKY}, out=out)),
        ("temporal_order", measure_training, lambda out: TrainingConfig(**TRAINS, out=out)),
        ("temporal_order", measure_training, lambda out: TrainingConfig(**TRAINS | {"cell": LEAKY}, out=out)),
    ],
)
def test_what_a_job_runs_is_covered(tmp_path, experiment, measure, config):
    config = config(str(tmp_path))
    measure(config)  # compiles, which takes ten times as long under a profile
    run = files_run(lambda: measure(config))
    assert len(run) > 5
    assert run - set(reached(ROOT / "experiments" / f"{experiment}.py")) == set()


def test_what_is_not_reached_is_not_covered():
    """A change of training is none of the products of matrices; a change of the runner none of any experiment."""
    names = {path.relative_to(PACKAGE).as_posix() for path in reached(ROOT / "experiments" / "linear_growth.py")}
    assert {"gradients/theory.py", "kernels/scaled.py", "_compile/jit.py", "cells/lstm.py"} <= names
    assert not {name for name in names if name.startswith(("training/", "runner/", "tasks/"))}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package p with a module a that is reached through its __init__, one that is not, and a runner."""
    texts = {
        "p/__init__.py": "from p.a import f\nfrom p.b import g\n",
        "p/a.py": "from p.deep import h\n",
        "p/b.py": "x = 1\n",
        "p/deep/__init__.py": "from p.deep.one import h\n\ndef own():\n    pass\n",
        "p/deep/one.py": "",
        "p/deep/two.py": "",
        "p/runner/__init__.py": "from p.b import x\n",
        "own/x.py": "from p import f\nfrom p.runner import x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "p")
    return tmp_path


def test_of_a_package_the_modules_alone_that_names_come_from(package):
    found = [path.relative_to(package / "p").as_posix() for path in reached(package / "own" / "x.py")]
    assert found == ["__init__.py", "a.py", "deep/__init__.py", "deep/one.py"]


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("p/a.py", True), ("p/deep/one.py", True), ("p/b.py", False), ("p/runner/__init__.py", False), ("own/x.py", True)],
)
def test_the_identity_is_of_what_is_reached(package, changed, counts):
    before = sources.code_identity(package / "own" / "x.py")
    (package / changed).write_text((package / changed).read_text() + "# a comment\n")
    assert (sources.code_identity(package / "own" / "x.py") != before) is counts


def test_more_counts_as_text_or_as_a_file(package):
    (package / "more").write_text("1")
    texts = {
        sources.code_identity(package / "own" / "x.py", *more) for more in ((), ("a",), ("b",), (package / "more",))
    }
    assert len(texts) == 4
