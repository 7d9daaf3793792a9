"""A sweep as a user runs it: one process from the command line to the tables and the exit code."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from commands import command

from rnnkit.runner.collect import collect
from rnnkit.runner.jobs import plan, store
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "experiments" / "gradient_flow.py"
GRID = ["-m", "seq_len=5,80", "spectral_radius=0.5,1.5", "clip=none,1.0"]
SMALL = ["hidden_size=8", "replicates=3", "batch_size=2"]
KEYS = set(
    [
        "seq_len",
        "spectral_radius",
        "gain",
        "clip",
        "hidden_size",
        "initializer",
        "cell",
        "drive",
        "drive_variance",
        "batch_size",
        "replicates",
        "seed",
        "dtype",
        "out",
    ]
)
MEASURED = [
    "spectral_radius_achieved",
    "gain_achieved",
    "sigma_max",
    "growth_rate",
    "growth_rate_se",
    "growth_rate_theory",
    "theory_note",
    "log10_grad_h0",
    "log10_grad_W_hh",
    "log10_grad_W_hh_clipped",
    "clip_fraction",
    "vanished_fraction",
    "exploded_fraction",
    "n_zero",
    "status",
    "n",
    "growth_rate_of_states",
]
SAME_BYTES = ["table.csv", "nets.csv", "lags.csv", "table.md", "growth_rate.png", "lags.png", "plan.json"]
SAME_BYTES += ["length_by_radius.png", "claims.csv"]
TOY = """
from pathlib import Path
from pydantic import Field
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch

class Config(JobConfig):
    value: int = Field(ge=0, le=9, description="0 to 9")

def measure(config):
    if (Path(__file__).parent / "mended").exists():
        pass
    elif config.value == 7:
        raise RuntimeError("seven is broken")
    elif config.value == 8:
        raise KeyboardInterrupt
    lags = [{"lag": k, "log_norm": 0.1 * k * config.value} for k in range(3)]
    return Measurement({"double": 2 * config.value, "status": "done", "n": 1}, lags=lags)

EXPERIMENT = Experiment(__file__, Config, measure, ["double", "status", "n"])

if __name__ == "__main__":
    launch(EXPERIMENT)
"""


def contents(folder):
    """Return every file below a folder with its bytes."""
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "out"
    return command(FLOW, *GRID, *SMALL, f"out={out}"), out


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Return an experiment file whose value 7 raises and whose value 8 is interrupted, until it is mended."""
    tmp_path = tmp_path_factory.mktemp("toy")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "toy.py").write_text(TOY)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "toy.yaml").write_text("defaults: [/sweep, _self_]\nvalue: 1\nseed: 0\nout: out\n")
    shutil.copytree(ROOT / "conf" / "hydra", tmp_path / "conf" / "hydra")
    shutil.copyfile(ROOT / "conf" / "sweep.yaml", tmp_path / "conf" / "sweep.yaml")
    return tmp_path / "experiments" / "toy.py"


def test_a_sweep_ends_well_with_a_row_for_each_job(swept):
    done, out = swept
    assert (done.returncode, done.stderr) == (0, "")
    table = pd.read_csv(out / "table.csv")
    assert len(table) == 8
    assert set(table.status) == {"done"}
    assert list(zip(table.seq_len, table.spectral_radius, table["clip"], strict=True)) == [
        (T, radius, clip) for T in (5, 80) for radius in (0.5, 1.5) for clip in ("none", "1.0")
    ]


def test_the_table_holds_every_key_then_what_was_measured(swept):
    columns = list(pd.read_csv(swept[1] / "table.csv").columns)
    first = len(columns) - len(MEASURED)
    assert columns[first:] == MEASURED
    assert set(columns[:first]) - KEYS == {"clip_mode"}
    assert set(columns[:first]) >= KEYS


def test_every_file_is_there_and_every_row_names_its_record(swept):
    out = swept[1]
    apart = {"timings.csv", "provenance.json", "sweep.json", "index.html", ".lock"}
    assert {p.name for p in out.iterdir() if p.is_file()} == {*SAME_BYTES, *apart}
    table, nets = pd.read_csv(out / "table.csv"), pd.read_csv(out / "nets.csv")
    lags, timings = pd.read_csv(out / "lags.csv"), pd.read_csv(out / "timings.csv")
    assert (len(nets), len(lags), len(timings)) == (8 * 3, 4 * 6 + 4 * 81, 8)
    assert {*nets.out} == {*lags.out} == {*timings.out} == {*table.out}
    for row in table.itertuples():
        record = json.loads((out / row.out / "record.json").read_text())
        assert record["config"]["seq_len"] == row.seq_len


def test_a_short_sequence_has_no_slope(swept):
    table = pd.read_csv(swept[1] / "table.csv")
    assert table[table.seq_len == 5].growth_rate.isna().all()
    assert table[table.seq_len == 80][["growth_rate", "growth_rate_se"]].notna().all(axis=None)


def test_the_same_sweep_elsewhere_on_one_thread_gives_the_same_bytes(swept, tmp_path):
    done = command(FLOW, *GRID, *SMALL, f"out={tmp_path / 'again'}", NUMBA_NUM_THREADS="1")
    assert done.returncode == 0
    for name in SAME_BYTES:
        assert (tmp_path / "again" / name).read_bytes() == (swept[1] / name).read_bytes(), name


MANY = ["-m", "seq_len=5,0", "spectral_radius=-1,1", "clip=nan", "initializer=he,glorot", "hidden_size=1e9"]
FAULTS = [
    (["seq_len=0"], ["seq_len must be an integer from 1 to 1000000, got 0"]),
    (["clip=foo"], ["clip must be none or a number from 1e-6 to 1e6, got foo"]),
    (["+typo=1"], ["unknown key typo=1: known are"]),
    (MANY, ["seq_len must", "got 0", "got -1", "clip must", "got nan", "got he", "got 1000000000.0"]),
    (["-m", "drive=noise,digits", "seq_len=1,65", "gain=none,1", "spectral_radius=2"],
     ["got 65", "got 1", "spectral_radius=2.0 cannot be combined with gain=1.0: one of the two must be none"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "lines"), FAULTS, ids=[" ".join(a)[:60] for a, _ in FAULTS])
def test_a_fault_stops_the_sweep_before_its_first_job(tmp_path, arguments, lines):
    done = command(FLOW, *arguments, *[s for s in SMALL if s.split("=")[0] not in " ".join(arguments)],
                   f"out={tmp_path / 'out'}")  # fmt: skip
    assert done.returncode not in (0, 130)
    assert all(line in done.stdout + done.stderr for line in lines), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    done = command(FLOW, *SMALL, f"out={tmp_path / 'file' / 'out'}")
    assert done.returncode == 1
    assert f"out must be a folder that can be written to, got {tmp_path / 'file' / 'out'}" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == {Path("file"): b"mine"}


def test_another_sweep_is_not_written_over(swept):
    before = contents(swept[1])
    done = command(FLOW, "seq_len=6", *SMALL, f"out={swept[1]}")
    assert done.returncode == 1
    assert f"got {swept[1]}, which holds another sweep" in done.stderr
    assert contents(swept[1]) == before


@pytest.fixture(scope="module")
def broken(toy):
    """Return (process, folder) of a sweep whose second job raises."""
    return command(toy, "-m", "value=1,7,2", f"out={toy.parent / 'raises'}"), toy.parent / "raises"


def test_a_job_that_raises_is_a_row_and_the_others_go_on(broken):
    done, out = broken
    assert done.returncode == 1
    assert "RuntimeError: seven is broken" in done.stdout
    table = pd.read_csv(out / "table.csv")
    assert list(table.status) == ["done", "error", "done"]
    assert list(table.double.fillna(-1)) == [2, -1, 4]
    assert "seven is broken" in (out / table.out[1] / "traceback.txt").read_text()


def test_an_interruption_keeps_the_finished_rows_and_the_sweep_can_go_on(toy, broken):
    out = toy.parent / "interrupted"
    again = [toy, "-m", "value=7,2,8,1", f"out={out}"]
    done = command(*again)
    assert done.returncode == 130, done.stdout + done.stderr
    assert list(pd.read_csv(out / "table.csv").status) == ["error", "done", "interrupted", "missing"]
    (toy.parent / "mended").touch()
    assert command(*again).returncode == 0
    table = pd.read_csv(out / "table.csv")
    assert list(table.double) == [14, 4, 16, 2]
    assert not list(out.rglob("traceback.txt"))
    for name in ("table", "lags"):  # whatever the order and the neighbours of a job, its rows are the same
        both = [pd.read_csv(folder / f"{name}.csv") for folder in (out, broken[1])]
        shared = sorted(set(table.out[[1, 3]]))
        first, second = (rows[rows.out.isin(shared)].sort_values(list(rows)) for rows in both)
        assert first.to_dict("list") == second.to_dict("list")
        assert sorted(set(first.out)) == shared


def test_a_sweep_started_again_runs_only_what_has_not_ended_by_this_code(toy):
    out = toy.parent / "twice"
    line = [toy, "-m", "value=1,2", f"out={out}"]
    assert command(*line).returncode == 0
    before = contents(out)
    done = command(*line)
    assert "2 jobs: 2 done; 2 by an earlier start" in done.stdout
    kept = {path for path in before if path.name in ("record.json", "table.csv")}
    assert {path: contents(out)[path] for path in kept} == {path: before[path] for path in kept}


@pytest.fixture
def changed(toy):
    """Return (command, folder) of a sweep that has ended, and whose code was changed since."""
    out = toy.parent / "changed"
    line = [toy, "-m", "value=1,2", f"out={out}"]
    text = toy.read_text()
    assert command(*line).returncode == 0
    toy.write_text(text.replace("2 * ", "3 * "))
    yield line, out
    toy.write_text(text)
    shutil.rmtree(out)


def test_changed_code_stops_the_sweep_until_the_user_has_decided(changed):
    line, out = changed
    before = contents(out)
    done = command(*line)
    assert done.returncode == 1
    assert "out must be a new folder, or given with stale=recompute or stale=keep" in done.stderr
    assert f"got {out}, which holds jobs that a different version of the code has ended" in done.stderr
    assert contents(out) == before


def test_stale_recompute_gives_one_table_of_the_new_code(changed):
    line, out = changed
    assert command(*line, "stale=recompute").returncode == 0
    table = pd.read_csv(out / "table.csv")
    assert list(table.double) == [3, 6]
    assert "code" not in table


def test_stale_keep_gives_a_table_that_says_which_row_is_whose(changed):
    line, out = changed
    done = command(line[0], "-m", "value=1,2,3", line[-1], "stale=keep")
    assert done.returncode == 0
    assert "3 jobs: 3 done; 2 by an earlier start" in done.stdout
    table = pd.read_csv(out / "table.csv")
    assert list(table.double) == [2, 4, 9]
    assert list(table.columns)[-1] == "code"
    assert table.code[0] == table.code[1] != table.code[2]
    assert "computed by different versions of the code" in (out / "table.md").read_text()
    assert set(json.loads((out / "provenance.json").read_text())["code"]) == set(table.code)


def test_an_added_value_adds_only_its_job(toy):
    out = toy.parent / "added"
    assert command(toy, "-m", "value=1,3", f"out={out}").returncode == 0
    done = command(toy, "-m", "value=1,2,3", f"out={out}")
    assert "3 jobs: 3 done; 2 by an earlier start" in done.stdout
    assert command(toy, "-m", "value=1,2,3", f"out={toy.parent / 'at_once'}").returncode == 0
    for name in ("table.csv", "nets.csv", "lags.csv", "table.md", "plan.json"):
        assert (out / name).read_bytes() == (toy.parent / "at_once" / name).read_bytes()


def test_force_computes_what_the_command_names_again_and_nothing_else(toy):
    out = toy.parent / "forced"
    assert command(toy, "-m", "value=1,2,3", f"out={out}").returncode == 0
    starts = {name: json.loads((out / name / "record.json").read_text())["start"]
              for name in pd.read_csv(out / "table.csv").out}  # fmt: skip
    done = command(toy, "value=2", f"out={out}", "force=true")
    assert done.returncode == 0
    assert "3 jobs: 3 done" in done.stdout  # the table is whole
    later = {name: json.loads((out / name / "record.json").read_text())["start"] for name in starts}
    assert [later[name] > starts[name] for name in starts] == [False, True, False]


@pytest.mark.parametrize("harm", [lambda text: text[:200], lambda text: text.replace('"double": 4', '"double": 5')])
def test_a_damaged_record_is_named_and_computed_again(toy, harm, request):
    out = toy.parent / f"damaged_{request.node.name[-2]}"
    line = [toy, "-m", "value=1,2", f"out={out}"]
    assert command(*line).returncode == 0
    before = (out / "table.csv").read_bytes()
    path = out / pd.read_csv(out / "table.csv").out[1] / "record.json"
    whole = path.read_text()
    path.write_text(harm(whole))
    collected = command("-m", "rnnkit.runner.collect", out)
    assert collected.returncode == 1
    assert f"missing: value=2 {path.parent.relative_to(out)}: {path} is damaged" in collected.stdout
    done = command(*line)
    assert done.returncode == 0
    assert f"{path} is damaged: truncated, or not as it was written: computed again" in done.stderr
    assert "1 by an earlier start" in done.stdout
    assert (out / "table.csv").read_bytes() == before
    assert (path.parent / "record.damaged.json").read_text() == harm(whole)


def test_an_experiment_that_another_imports_is_a_part_of_its_code(toy):
    experiments, out = toy.parent, toy.parent / "importing"
    (experiments / "beside.py").write_text("FACTOR = 2\n")
    text = toy.read_text()
    toy.write_text("from beside import FACTOR\n" + text.replace("2 * ", "FACTOR * "))
    line = [toy, "-m", "value=1,2", f"out={out}"]
    try:
        assert command(*line).returncode == 0
        (experiments / "beside.py").write_text("FACTOR = 3\n")
        assert "holds jobs that a different version of the code has ended" in command(*line).stderr
    finally:
        toy.write_text(text)


def test_pictures_that_need_every_row_wait_for_them(tmp_path, capsys):
    def draw(folder):
        raise KeyError("the row of 2.0")

    what = Experiment(__file__, JobConfig, lambda _: None, ["status"], draw)
    configs = [{"seed": 0}, {"seed": 1}]
    (tmp_path / "plan.json").write_text(json.dumps(configs))
    done = {"row": {"status": "done"}, "seconds": 1.0}
    store.write_record(tmp_path / "jobs" / store.identity(configs[0]), {"config": configs[0]} | done)
    assert collect(what, tmp_path) == 1
    assert "not all pictures could be drawn before all jobs are done" in capsys.readouterr().err
    store.write_record(tmp_path / "jobs" / store.identity(configs[1]), {"config": configs[1]} | done)
    assert collect(what, tmp_path) == 1
    said = capsys.readouterr().err
    assert "the tables are written, but not all pictures could be drawn:\n" in said
    assert "KeyError: 'the row of 2.0'" in said


def test_a_record_of_another_job_is_damaged(toy):
    out = toy.parent / "copied"
    line = [toy, "-m", "value=1,2", f"out={out}"]
    assert command(*line).returncode == 0
    first, second = (out / name / "record.json" for name in pd.read_csv(out / "table.csv").out)
    shutil.copyfile(first, second)
    done = command(*line)
    assert f"{second} is damaged: it is another job's: computed again" in done.stderr
    assert list(pd.read_csv(out / "table.csv").double) == [2, 4]


def test_the_exit_code_is_of_the_jobs_that_the_line_names(toy, broken):
    out = toy.parent / "named"
    (toy.parent / "mended").unlink(missing_ok=True)
    assert command(toy, "-m", "value=1,7,2", f"out={out}").returncode == 1
    done = command(toy, "-m", "value=1,2", f"out={out}")
    assert done.returncode == 0
    assert "3 jobs: 2 done, 1 error; 2 by an earlier start" in done.stdout


@pytest.mark.parametrize("text", ["", "[]", "null", "[1]", '{"a": 1}', "[{"])
def test_what_is_no_plan_is_damaged_and_stays_as_it_is(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(
        ValueError, match=rf"^{tmp_path / 'plan.json'} must be the plan of a sweep, got a damaged file: delete it"
    ):
        plan.read_plan(tmp_path)
    refusal = plan.open_folder(str(tmp_path), FLOW, [{"seed": 0}])
    assert refusal.startswith(f"{tmp_path / 'plan.json'} must be the plan of a sweep, got a damaged file: delete it")
    assert contents(tmp_path) == {Path("plan.json"): text.encode()}


def test_a_damaged_plan_is_named_and_nothing_is_lost(toy):
    out = toy.parent / "plan"
    line = [toy, "-m", "value=1,2", f"out={out}"]
    assert command(*line).returncode == 0
    table = (out / "table.csv").read_bytes()
    (out / "plan.json").write_text("[{")
    for done in (command(*line), command("-m", "rnnkit.runner.collect", out)):
        assert done.returncode == 1
        assert f"{out / 'plan.json'} must be the plan of a sweep, got a damaged file: delete it" in done.stderr
        assert "Traceback" not in done.stderr
    assert (out / "table.csv").read_bytes() == table
    (out / "plan.json").unlink()
    assert "2 by an earlier start" in command(*line).stdout


def test_help_tells_question_presets_and_what_each_key_may_be(toy):
    done = command(toy, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("toy\n")
    for line in (
        "  rnnkit run toy.py -m KEY=VALUE,VALUE ...  a sweep, a job for each combination",
        "  value=1                     0 to 9",
        "  force=false                 true (compute again what has ended) or false",
    ):
        assert line in done.stdout.splitlines()
    said = command(FLOW, "--help").stdout
    assert "  seq_len=100                 an integer from 1 to 1000000\n" in said
    assert "  preset=quick                seq_len=10,50,100,200 spectral_radius=" in said
    assert max(map(len, said.splitlines())) <= 110


def test_collect_by_another_experiment_is_refused(toy):
    out = toy.parent / "owned"
    assert command(toy, "value=1", f"out={out}").returncode == 0
    done = command("-m", "rnnkit.runner.collect", out, "--experiment", FLOW)
    assert done.returncode == 2
    assert f"--experiment must be toy.py, of which the sweep in {out} is, got {FLOW}" in done.stderr


def test_hidden_files_of_the_user_are_left_alone(toy, tmp_path):
    mine = {name: name for name in (".pre-commit-config.yaml", ".git-credentials")}
    for name in mine:
        (tmp_path / name).write_text(name)
    (tmp_path / ".my-folder").mkdir()
    assert command(toy, "value=1", f"out={tmp_path}").returncode == 0
    assert {name: (tmp_path / name).read_text() for name in mine} == mine
    assert (tmp_path / ".my-folder").is_dir()


TWO_TASKS = """
from rnnkit.tasks import TASKS, Batch, Task


class Mine(Task):
    name, input_size, output_size = "NAME", 4, 4

    def sample(self, rng, n, seq_len):
        x = rng.integers(4, size=(seq_len, n))
        return Batch(x, x[:1])

    def chance_error(self, seq_len):
        return 3 / 4

    def constant_loss(self, seq_len):
        return 1.4
"""


def test_a_users_tasks_are_told_apart_and_a_changed_one_is_run_anew(tmp_path):
    first, second = (tmp_path / f"{name}.py" for name in ("first", "second"))
    for path in (first, second):
        path.write_text(TWO_TASKS.replace("NAME", path.stem))
    out, small = (
        tmp_path / "out",
        ["seq_len=10", "updates=50", "check_every=25", "check_size=20", "replicates=1", "hidden_size=4"],
    )
    line = [
        ROOT / "experiments" / "temporal_order.py",
        "-m",
        f"task={first},{second},temporal_order",
        *small,
        f"out={out}",
    ]
    assert command(*line).returncode == 0
    before = pd.read_csv(out / "table.csv")
    second.write_text(second.read_text() + "# changed")
    done = command(*line)
    assert done.returncode == 0
    assert "3 done; 2 by an earlier start" in done.stdout
    after = pd.read_csv(out / "table.csv")
    assert list(before.out == after.out) == [True, False, True]
    assert list(before.task_sha256.isna()) == list(after.task_sha256.isna()) == [False, False, True]
