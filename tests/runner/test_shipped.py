"""What comes with rnnkit is found, and is the same code wherever it stands."""

import json
import shutil
from pathlib import Path

import pytest
from commands import command

from rnnkit.runner import shipped
from rnnkit.runner.jobs import provenance, sources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return the folder of what a wheel would have put beside the package."""
    folder = tmp_path / "rnnkit_shipped"
    for name in ("experiments", "conf"):
        shutil.copytree(ROOT / name, folder / name)
    monkeypatch.setattr(shipped, "INSTALLED", folder)
    return folder


def test_a_checkout_has_its_own():
    assert shipped.folder("results") == ROOT / "results"
    assert shipped.experiments()["latch"] == ROOT / "experiments" / "latch.py"
    assert "reproduce" not in shipped.experiments()
    assert not shipped.is_installed()


def test_a_wheel_has_them_beside_the_package(installed):
    assert shipped.is_installed()
    assert shipped.experiments()["latch"] == installed / "experiments" / "latch.py"
    with pytest.raises(ValueError, match=r"rnnkit_shipped/results must be there, a part of rnnkit, got none"):
        shipped.folder("results")


@pytest.mark.parametrize("name", ["gradient_flow", "temporal_order", "memory_capacity"])
def test_an_experiment_is_the_same_code_in_both(installed, name):
    """So a sweep of a checkout is continued by a wheel."""
    own = sources.code_identity(ROOT / "experiments" / f"{name}.py")
    assert sources.code_identity(installed / "experiments" / f"{name}.py") == own
    changed = installed / "experiments" / f"{name}.py"
    changed.write_text(changed.read_text() + "# more\n")
    assert sources.code_identity(changed) != own


def test_the_commit_around_an_installation_is_not_rnnkits(installed, monkeypatch):
    monkeypatch.setattr(provenance, "_git", lambda folder, *words: "abc")
    assert provenance._commit(installed / "experiments" / "latch.py") == "none"
    assert provenance._commit(ROOT / "experiments" / "latch.py") == "abc-dirty"


@pytest.mark.parametrize(("path", "code"), [("/gone/experiments/gradient_flow.py", 0), ("/gone/gradient_flow.py", 2)])
def test_a_sweep_of_another_installation_is_collected_by_this_one(out, path, code):
    """A file of that name elsewhere is not rnnkit's."""
    line = ("-m", "rnnkit", "run", "gradient_flow", "seq_len=3", "hidden_size=3", "replicates=2", f"out={out}")
    assert command(*line).returncode == 0
    (out / "sweep.json").write_text(json.dumps({"experiment": path}))
    (out / "table.csv").unlink()
    assert command("-m", "rnnkit", "collect", out).returncode == code
    assert (out / "table.csv").exists() == (code == 0)
