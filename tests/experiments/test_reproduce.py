"""What `make reproduce` does with runs that end well, runs that break, and tables that are there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import reproduce
from common.flow import WITHOUT_SPREAD

from rnnkit.runner import several
from rnnkit.runner.claims import compare

RESULTS = Path(__file__).resolve().parents[2] / "results"
NAMES = sorted(path.stem for path in (RESULTS.parent / "conf").glob("*.yaml") if path.stem != "sweep")


KEYS = "a: 1\npresets:\n  quick:\n    a: 2\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Runs happen below a folder of the test's own, which has an experiment x."""
    folder = tmp_path / "root"
    for name, text in (("experiments/x.py", ""), ("conf/x.yaml", KEYS)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(reproduce, "ROOT", folder)
    return folder


def pretend(monkeypatch, code, files):
    """Replace the experiments' processes by one that writes `files` and ends with `code`."""

    def run(lines):
        for line in lines:
            out = Path(line.arguments[-1].removeprefix("out="))
            out.mkdir(parents=True, exist_ok=True)
            for name in files:
                (out / name).write_text("new")
            (out / "provenance.json").write_text(
                '{"code": {"abc": 2}, "host": {"mine": 2}, "started": ["2026-11-30T10:00"]}'
            )
            (out / "jobs").mkdir(exist_ok=True)
            line.log.write_text("what it printed\n")
            yield several.Ended(line, code, 1.0)

    monkeypatch.setattr(reproduce, "run_lines", run)


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
    assert reproduce.run_all({"x": "quick"}, results) == []
    kept = {p.name: p.read_text() for p in (results / "quick" / "x").iterdir()}
    header = json.loads(kept.pop("provenance.json"))
    assert kept == dict.fromkeys(["table.csv", "table.md", "lags.png", "plan.json"], "new")
    assert header == {"code": {"abc": 2}, "date": ["2026-11-30"]}  # no name of a machine, no second


def test_a_run_that_breaks_costs_nothing(root, results, monkeypatch, capsys):
    pretend(monkeypatch, 1, ["table.csv"])
    assert reproduce.run_all({"x": "quick"}, results) == ["x"]
    kept = {p.name: p.read_text() for p in (results / "quick" / "x").iterdir()}
    assert kept == {"table.csv": "old", "stale.png": "old"}
    said = capsys.readouterr().out
    assert "[ 1/1] x: failed" in said
    assert said.endswith("what it printed\n")


def test_a_run_that_broke_goes_on_and_one_that_ended_begins_anew(root, results, monkeypatch):
    staging = reproduce.staging_of("x", "quick")
    pretend(monkeypatch, 1, ["table.csv"])
    reproduce.run_all({"x": "quick"}, results)
    assert (staging / "jobs").is_dir()
    pretend(monkeypatch, 0, ["table.csv"])
    reproduce.run_all({"x": "quick"}, results)
    assert not staging.exists()


@pytest.mark.parametrize(
    ("changed", "text", "same"),
    [
        ("experiments/x.py", "other", False),
        ("conf/x.yaml", KEYS.replace("a: 1", "a: 3"), False),
        ("conf/x.yaml", KEYS.replace("a: 2", "a: 3"), False),
        ("conf/x.yaml", KEYS + "  laptop:\n    a: 4\n", True),
        ("conf/x.yaml", "# a comment\n" + KEYS, True),
    ],
)
def test_changed_sources_do_not_meet_older_jobs(root, changed, text, same):
    before = reproduce.staging_of("x", "quick")
    (root / changed).write_text(text)
    assert (reproduce.staging_of("x", "quick") == before) is same


def test_laptop_takes_the_quick_preset_of_what_is_done_in_seconds(root):
    assert reproduce.preset_of("x", "laptop") == "quick"
    (root / "conf/x.yaml").write_text(KEYS + "  laptop:\n    a: 3\n")
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
    said = capsys.readouterr().out.splitlines()
    counted = sum(line.endswith(",True") for line in verdicts[1].splitlines())
    assert said[-1].startswith(f"{counted} claims: ")
    named = {word.rstrip(",") for line in said for word in line.split() if word.rstrip(",").endswith("README.md")}
    assert named
    assert all(Path(name).exists() for name in named)


def test_a_preset_that_no_experiment_has_is_refused(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--preset", "paper", "--results", str(tmp_path)])
    with pytest.raises(reproduce.UsageError, match="--preset must be one that an experiment has, got paper"):
        reproduce.main()


def test_an_unknown_preset_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--preset", "laptp"])
    known = "quick, laptop, overnight, paper"
    with pytest.raises(
        reproduce.UsageError, match=rf"--preset must be one of {known}, got laptp; did you mean laptop\?"
    ):
        reproduce.main()


def test_a_failed_run_is_named_at_the_end(root, results, monkeypatch):
    module = SimpleNamespace(EXPERIMENT=None, claims=None, BUDGET_MINUTES={"quick": 1})
    monkeypatch.setattr(reproduce, "experiments", lambda: {"x": module})
    monkeypatch.setattr(reproduce, "judged", lambda modules, folders: [1])
    monkeypatch.setattr(reproduce, "print_verdicts", lambda claims, results: None)
    monkeypatch.setattr(reproduce.pages, "write", lambda results, claims: None)
    pretend(monkeypatch, 1, [])
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--renew", "--results", str(results)])
    with pytest.raises(SystemExit, match="failed: x"):
        reproduce.main()


@pytest.fixture
def one(root, results, monkeypatch):
    """There is one experiment, x, whose run ends well; `check` sees its new tables."""
    module = SimpleNamespace(EXPERIMENT=None, claims=None, BUDGET_MINUTES={"quick": 1})
    monkeypatch.setattr(reproduce, "experiments", lambda: {"x": module, "y": module})
    monkeypatch.setattr(reproduce, "judged", lambda modules, *folders: [])
    pretend(monkeypatch, 0, ["table.csv"])
    return root


def run_compared(monkeypatch, results, outcome, *more):
    """Reproduce with a comparison that comes to `outcome`; return the folders that were compared."""
    seen = []
    told = compare.Checked(outcome, [f"x: 1 rows, {outcome}"])
    monkeypatch.setattr(reproduce, "check", lambda name, module, *folders: seen.append(folders) or told)
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--results", str(results), *more])
    reproduce.main()
    return seen


@pytest.mark.parametrize("outcome", ["same bytes", "agree"])
def test_a_reproduction_compares_and_leaves_the_results(one, results, monkeypatch, capsys, outcome):
    ((committed, new),) = run_compared(monkeypatch, results, outcome)
    assert (committed, new) == (results / "quick" / "x", one / "outputs" / "reproduce" / "quick" / "x")
    assert (new / "table.csv").read_text() == "new"
    assert sorted(p.name for p in committed.iterdir()) == ["stale.png", "table.csv"]
    assert (committed / "table.csv").read_text() == "old"
    assert not (results / "claims.csv").exists()
    said = capsys.readouterr().out.splitlines()
    assert f"x: 1 rows, {outcome}" in said
    assert said[-1] == "1 of 1 experiments agree with the committed tables"


def test_a_difference_ends_in_exit_code_1(one, results, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        run_compared(monkeypatch, results, "differs")
    assert ended.value.code == 1
    assert capsys.readouterr().out.endswith("0 of 1 experiments agree with the committed tables\n")


def test_a_run_that_breaks_is_no_agreement(one, results, monkeypatch, capsys):
    pretend(monkeypatch, 1, [])
    with pytest.raises(SystemExit) as ended:
        run_compared(monkeypatch, results, "agree")
    assert ended.value.code == 1
    assert "x: differs: it has not run to its end\n" in capsys.readouterr().out


def test_new_tables_are_judged_before_committed_ones_of_the_same_preset(tmp_path):
    """And before nothing else: what an earlier run has left beside them does not count."""
    module = SimpleNamespace(claims=lambda tables: [len(tables.table)], BUDGET_MINUTES={})
    new, committed = tmp_path / "new", tmp_path / "committed"
    for rows, place in enumerate((new / "quick" / "x", committed / "quick" / "x", new / "laptop" / "x"), 1):
        place.mkdir(parents=True)
        for name in ("table", "nets", "lags"):
            (place / f"{name}.csv").write_text("out\n" + "jobs/1\n" * rows)

    def found(*more):
        return [(part.preset, part.claims) for part in reproduce.judged({"x": module}, committed, *more)]

    assert found() == [("quick", [2])]
    assert found(new, {"x": "quick"}) == [("quick", [1])]
    assert found(new, {"x": "laptop"}) == [("laptop", [3])]
    shutil.move(committed / "quick", committed / "laptop")
    assert found(new, {"x": "quick"}) == [("laptop", [2])]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"out\n"])
def test_committed_tables_that_cannot_be_read_differ_and_the_next_is_compared(
    one, results, monkeypatch, capsys, content
):
    (one / "experiments" / "y.py").touch()
    (one / "conf" / "y.yaml").write_text(KEYS)
    (results / "quick" / "x" / "table.csv").write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--results", str(results)])
    with pytest.raises(SystemExit) as ended:
        reproduce.main()
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert f"x: differs: {results / 'quick' / 'x'} cannot be read (" in said
    assert f"y: differs: {results / 'quick' / 'y'} holds no table.csv to compare with" in said
    assert said.endswith("0 of 2 experiments agree with the committed tables\n")


def test_a_larger_preset_that_cannot_be_read_is_no_agreement(one, results, monkeypatch, capsys):
    def judged(modules, *folders):
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "no text")

    monkeypatch.setattr(reproduce, "judged", judged)
    with pytest.raises(SystemExit) as ended:
        run_compared(monkeypatch, results, "agree")
    assert ended.value.code == 1
    assert f"x: not judged: its tables in {results} cannot be read (UnicodeDecodeError" in capsys.readouterr().out


def test_results_that_are_not_there_are_named(one, monkeypatch):
    with pytest.raises(reproduce.UsageError, match="--results must be a folder that is there, got resluts"):
        run_compared(monkeypatch, "resluts", "agree")


def test_two_at_once_in_one_checkout_are_refused(one, results, monkeypatch):
    with (
        reproduce.exclusive(),
        pytest.raises(reproduce.UsageError, match=r"while another reproduce is at work, got .*outputs"),
    ):
        run_compared(monkeypatch, results, "agree")
    assert run_compared(monkeypatch, results, "agree")


def test_what_reads_may_stop_reading():
    """As `| head -1` does."""
    code = "import reproduce; reproduce.main = lambda: print('said', flush=True); reproduce.command()"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(reproduce.__file__).parent, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_outputs_that_cannot_be_written_are_one_line(one, results, monkeypatch):
    (one / "outputs").touch()
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--results", str(results)])
    with pytest.raises(SystemExit, match="outputs/reproduce: Not a directory"):
        reproduce.command()


def test_only_the_experiments_named_are_run(one, results, monkeypatch):
    for only in ("x", "x,", " x , x"):
        assert len(run_compared(monkeypatch, results, "agree", "--only", only)) == 1


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ("z", "--only must name experiments among x, y, got z"),
        ("y", "--only must name experiments that have a preset quick, got y"),
        (" ,", "--only must name experiments among x, y, got ' ,', which names none"),
    ],
)
def test_only_refuses_what_is_not_there(one, results, monkeypatch, only, words):
    with pytest.raises(reproduce.UsageError, match=words):
        run_compared(monkeypatch, results, "agree", "--only", only)


def test_only_is_refused_where_nothing_is_run(one, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--only", "x"])
    with pytest.raises(SystemExit) as ended:
        reproduce.command()
    assert ended.value.code == 2
    why = "all tables that are there are judged"
    assert capsys.readouterr().err == f"rnnkit reproduce: --only cannot be combined with --judge-only: {why}\n"


def test_what_experiments_declare_without_spread_is_in_their_tables():
    for name in NAMES:
        declared = getattr(reproduce.experiments()[name], "WITHOUT_SPREAD", ())
        columns = (RESULTS / "quick" / name / "table.csv").read_text().splitlines()[0].split(",")
        assert set(declared) <= set(columns), name


@pytest.mark.parametrize("name", ["critical_gain", "gradient_flow", "growth_theory"])
def test_columns_of_chaotic_nets_are_declared_without_spread(name):
    """Another CPU has other nets there: growth_theory once compared them digit by digit."""
    assert reproduce.experiments()[name].WITHOUT_SPREAD == WITHOUT_SPREAD


def test_nothing_to_judge_is_said(root, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "--judge-only", "--results", str(tmp_path / "empty")])
    with pytest.raises(reproduce.UsageError, match="empty"):
        reproduce.main()


def test_an_interruption_says_how_to_go_on(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduce, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        reproduce.command()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted: the same command resumes with what is missing\n"
