"""What `make reproduce` does with runs that end well, runs that break, and tables that are there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import reproduce

from rnnkit.runner import compare

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
        (out / "provenance.json").write_text('{"code": {"abc": 2}, "host": {"mine": 2}, "started": ["now"]}')
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
    header = json.loads(kept.pop("provenance.json"))
    assert kept == dict.fromkeys(["table.csv", "table.md", "lags.png", "plan.json"], "new")
    assert header == {"code": {"abc": 2}}  # what is the same whenever and wherever this code runs


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


@pytest.fixture
def one(root, results, monkeypatch):
    """There is one experiment, x, whose run ends well; `check` sees its new tables."""
    module = SimpleNamespace(run=None, claims=None, BUDGET_MINUTES={"quick": 1})
    monkeypatch.setattr(reproduce, "experiments", lambda: {"x": module, "y": module})
    pretend(monkeypatch, 0, ["table.csv"])
    return root


def run_check(monkeypatch, results, outcome, *more):
    """Check with a comparison that comes to `outcome`; return the folders that were compared."""
    seen = []
    told = compare.Checked(outcome, [f"x: 1 rows, {outcome}"])
    monkeypatch.setattr(reproduce, "check", lambda name, module, *folders: seen.append(folders) or told)
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--check", "--results", str(results), *more])
    reproduce.main()
    return seen


@pytest.mark.parametrize("outcome", ["same bytes", "agree"])
def test_a_check_compares_and_leaves_the_results(one, results, monkeypatch, capsys, outcome):
    ((committed, new),) = run_check(monkeypatch, results, outcome)
    assert (committed, new) == (results / "quick" / "x", one / "outputs" / "check" / "quick" / "x")
    assert (new / "table.csv").read_text() == "new"
    assert sorted(p.name for p in committed.iterdir()) == ["stale.png", "table.csv"]
    assert (committed / "table.csv").read_text() == "old"
    assert not (results / "claims.csv").exists()
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == [f"x: 1 rows, {outcome}", f"1 experiments against {results}: 1 {outcome}"]


def test_a_check_that_finds_a_difference_ends_in_exit_code_1(one, results, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        run_check(monkeypatch, results, "differs")
    assert ended.value.code == 1
    assert capsys.readouterr().out.endswith(": 1 differs\n")


def test_a_run_that_breaks_is_no_agreement(one, results, monkeypatch, capsys):
    pretend(monkeypatch, 1, [])
    with pytest.raises(SystemExit) as ended:
        run_check(monkeypatch, results, "agree")
    assert ended.value.code == 1
    assert "x: differs: it did not run to its end\n" in capsys.readouterr().out


def test_a_check_does_not_meet_the_jobs_of_a_reproduction(root):
    assert reproduce.staging_of("x", "quick", "check") != reproduce.staging_of("x", "quick")


def test_only_the_experiments_named_are_run(one, results, monkeypatch):
    assert len(run_check(monkeypatch, results, "agree", "--only", "x")) == 1


@pytest.mark.parametrize(
    ("only", "words"),
    [("z", "--only z: z is no experiment; allowed are x, y"), ("y", "--only y: y has no preset quick")],
)
def test_only_refuses_what_is_not_there(one, results, monkeypatch, only, words):
    with pytest.raises(SystemExit, match=words):
        run_check(monkeypatch, results, "agree", "--only", only)


def test_only_is_refused_where_nothing_is_run(one, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--only", "x"])
    with pytest.raises(SystemExit) as ended:
        reproduce.main()
    assert ended.value.code == 2
    assert "--only: with --judge-only all tables that are there are judged" in capsys.readouterr().err


def test_what_experiments_declare_without_spread_is_in_their_tables():
    for name in NAMES:
        declared = getattr(reproduce.experiments()[name], "WITHOUT_SPREAD", ())
        columns = (RESULTS / "quick" / name / "table.csv").read_text().splitlines()[0].split(",")
        assert set(declared) <= set(columns), name


def test_nothing_to_judge_is_said(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--results", str(tmp_path / "empty")])
    with pytest.raises(SystemExit, match="empty"):
        reproduce.main()
