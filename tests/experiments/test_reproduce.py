"""What `make reproduce` does with runs that end well, runs that break, and tables that are there."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import reproduce

RESULTS = Path(__file__).resolve().parents[2] / "results"
NAMES = [
    "adding", "adding_radius", "bidirectional", "character_model", "clip_cures", "clipping_methods", "clipping_wall",
    "copying", "critical_gain", "encoder_decoder", "forget_bias", "glorot_start", "gradient_flow", "growth_theory",
    "jacobian_bounds", "latch", "linear_growth", "long_lag", "longer_than_trained", "lyapunov", "memory_horizon",
    "pathological", "sensitivity", "temporal_order", "truncation",
]  # fmt: skip


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Runs happen below a folder of the test's own, which has an experiment x."""
    folder = tmp_path / "root"
    for name in ("experiments/x.py", "conf/x/config.yaml", "conf/x/preset/quick.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    monkeypatch.setattr(reproduce, "ROOT", folder)
    return folder


def pretend(monkeypatch, code, files):
    """Replace the experiments' processes by one that writes `files` and ends with `code`."""

    def run(command, **_):
        out = Path(command[-1].removeprefix("out="))
        out.mkdir(parents=True, exist_ok=True)
        for name in files:
            (out / name).write_text("new")
        (out / "jobs").mkdir(exist_ok=True)
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", run)


@pytest.fixture
def results(tmp_path):
    old = tmp_path / "results" / "quick" / "x"
    old.mkdir(parents=True)
    (old / "table.csv").write_text("old")
    (old / "stale.png").write_text("old")
    return tmp_path / "results"


def test_every_experiment_is_found_and_nothing_else():
    assert set(NAMES) == set(reproduce.experiments())
    assert "reproduce" not in reproduce.experiments()


def test_a_run_that_ends_well_replaces_the_tables(root, results, monkeypatch):
    pretend(monkeypatch, 0, ["table.csv", "table.md", "lags.png", "plan.json", "notes.txt"])
    assert reproduce.run_experiment("x", "quick", results)
    kept = {p.name: p.read_text() for p in (results / "quick" / "x").iterdir()}
    assert kept == dict.fromkeys(["table.csv", "table.md", "lags.png", "plan.json"], "new")


def test_a_run_that_breaks_costs_nothing(root, results, monkeypatch, capsys):
    pretend(monkeypatch, 1, ["table.csv"])
    assert not reproduce.run_experiment("x", "quick", results)
    kept = {p.name: p.read_text() for p in (results / "quick" / "x").iterdir()}
    assert kept == {"table.csv": "old", "stale.png": "old"}
    assert "x: failed" in capsys.readouterr().err


def test_a_run_that_broke_goes_on_and_one_that_ended_begins_anew(root, results, monkeypatch):
    staging = reproduce.staging_of("x", "quick")
    pretend(monkeypatch, 1, ["table.csv"])
    reproduce.run_experiment("x", "quick", results)
    assert (staging / "jobs").is_dir()
    pretend(monkeypatch, 0, ["table.csv"])
    reproduce.run_experiment("x", "quick", results)
    assert not staging.exists()


@pytest.mark.parametrize("changed", ["experiments/x.py", "conf/x/config.yaml", "conf/x/preset/quick.yaml"])
def test_changed_sources_do_not_meet_older_jobs(root, changed):
    before = reproduce.staging_of("x", "quick")
    (root / changed).write_text("other")
    assert reproduce.staging_of("x", "quick") != before


def test_laptop_takes_the_quick_preset_of_what_is_done_in_seconds(root):
    assert reproduce.preset_of("x", "laptop") == "quick"
    (root / "conf/x/preset/laptop.yaml").write_text("")
    assert reproduce.preset_of("x", "laptop") == "laptop"
    assert reproduce.preset_of("x", "paper") is None


def test_judging_again_gives_the_committed_report(tmp_path, monkeypatch, capsys):
    results = tmp_path / "results"
    for path in [p for name in NAMES for p in RESULTS.glob(f"*/{name}/*.csv")]:
        (results / path.relative_to(RESULTS)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, results / path.relative_to(RESULTS))
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--results", str(results)])
    reproduce.main()
    verdicts = [(results / "claims.csv").read_text(), (RESULTS / "claims.csv").read_text()]
    assert len(verdicts[0].splitlines()) == len(verdicts[1].splitlines())
    assert (results / "README.md").read_text().startswith("# Claims and verdicts")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"see {results / 'README.md'}")


def test_a_preset_that_no_experiment_has_is_refused(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--preset", "paper", "--results", str(tmp_path)])
    with pytest.raises(SystemExit, match="--preset paper: no experiment has this preset yet"):
        reproduce.main()


def test_an_unknown_preset_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--preset", "huge"])
    with pytest.raises(SystemExit) as ended:
        reproduce.main()
    assert ended.value.code == 2
    assert "invalid choice: 'huge'" in capsys.readouterr().err


def test_a_failed_run_is_named_at_the_end(root, results, monkeypatch):
    module = SimpleNamespace(run=None, claims=None, BUDGET_MINUTES={"quick": 1})
    monkeypatch.setattr(reproduce, "experiments", lambda: {"x": module})
    monkeypatch.setattr(reproduce, "judge", lambda modules, results: None)
    pretend(monkeypatch, 1, [])
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--results", str(results)])
    with pytest.raises(SystemExit, match="failed: x"):
        reproduce.main()


def test_nothing_to_judge_is_said(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--results", str(tmp_path / "empty")])
    with pytest.raises(SystemExit, match="empty"):
        reproduce.main()
