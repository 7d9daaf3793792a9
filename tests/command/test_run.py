"""`rnnkit run` is the line of the experiment's own file; what it cannot find it says."""

import json
import re
from pathlib import Path

import pytest
from commands import command

from rnnkit import warmup
from rnnkit.command import run
from rnnkit.command.find import experiment_file
from rnnkit.command.new import write
from rnnkit.runner import shipped

KEYS = ("-m", "seq_len=5,6", "hidden_size=4", "replicates=2", "batch_size=2")
TIME = re.compile(r"\d+\.\d s, \d+ ms of overhead a job|\d+\.\d s")


def test_a_name_runs_what_the_file_itself_runs(tmp_path):
    file = shipped.experiments()["gradient_flow"]
    lines = [("-m", "rnnkit", "run", "gradient_flow"), (file,)]
    said = []
    for line, name in zip(lines, "ab", strict=True):
        done = command(*line, *KEYS, f"out={tmp_path / name}")
        assert done.returncode == 0, done.stderr
        said.append(TIME.sub("", done.stdout.replace(str(tmp_path / name), "DIR")))
    assert said[0] == said[1]
    for name in ("table.csv", "nets.csv", "lags.csv", "plan.json", "claims.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_sweep_remembers_the_commands_that_have_made_it(tmp_path):
    line = ("-m", "rnnkit", "run", "gradient_flow", *KEYS, f"out={tmp_path / 'a b'}")
    for more in ((), (), ("seed=1,0",)):
        assert command(*line, *more).returncode == 0
    lines = json.loads((tmp_path / "a b" / "sweep.json").read_text())["lines"]
    typed = f"rnnkit run {' '.join(('gradient_flow', *KEYS))} 'out={tmp_path}/a b'"
    assert lines == [typed, f"{typed} seed=1,0"]
    assert "seed=1,0" in (tmp_path / "a b" / "index.html").read_text()


def test_a_file_of_the_users_runs_in_worker_processes(tmp_path):
    file = write("mine", tmp_path)
    (tmp_path / "beside.py").write_text("SIZE = 3\n")
    text = file.read_text().replace("import matplotlib", "import beside\nimport matplotlib", 1)
    file.write_text(text.replace("hidden_size: int = Field(50", "hidden_size: int = Field(beside.SIZE", 1))
    done = command("-m", "rnnkit", "run", file, "-m", "seq_len=3,4", "replicates=2", f"out={tmp_path / 'out'}",
                   "hydra/launcher=local", "hydra.launcher.workers=1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mine: 2 jobs: 2 done" in done.stdout
    assert (tmp_path / "out" / "table.csv").read_text().splitlines()[1].startswith("1.0,3,3,2,0,")


def test_a_launcher_of_the_users_stands_in_a_folder_that_is_named(tmp_path):
    (tmp_path / "hydra" / "launcher").mkdir(parents=True)
    (tmp_path / "hydra" / "launcher" / "mine.yaml").write_text("defaults:\n  - local\nworkers: 0\n")
    done = command("-m", "rnnkit", "run", "gradient_flow", "hydra/launcher=mine", "--config-dir", tmp_path)
    assert done.returncode == 1
    assert "hydra.launcher.workers must be an integer from 1 to 4096" in done.stderr


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("gradient_flwo", "got gradient_flwo; did you mean gradient_flow?"),
        ("gradient_flow.py", "got gradient_flow.py, which is not there; did you mean gradient_flow?"),
        ("my_studdy.py", "got my_studdy.py, which is not there; did you mean my_study.py?"),
        ("my_study", "got my_study; did you mean my_study.py?"),
        ("qqqqq", "got qqqqq"),
        ("", "got "),
    ],
)
def test_a_name_that_is_not_there_is_refused(tmp_path, monkeypatch, name, end):
    monkeypatch.chdir(tmp_path)
    write("my_study", Path())
    with pytest.raises(
        ValueError, match=r"^NAME must be an experiment \(see rnnkit list experiments\) or a \.py "
    ) as got:
        experiment_file(name)
    assert str(got.value).endswith(end)


def test_a_file_is_found_by_its_path(tmp_path):
    assert experiment_file(str(write("mine", tmp_path))) == tmp_path / "mine.py"
    assert experiment_file("latch") == shipped.folder("experiments") / "latch.py"


def test_a_file_without_an_experiment_is_one_line(rnnkit, tmp_path):
    (tmp_path / "empty.py").touch()
    done = rnnkit("run", "empty.py", "-m")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rnnkit run: experiment must be a .py file with an EXPERIMENT, got ")
    assert done.stderr.count("\n") == 1


def test_without_a_name_it_says_how_it_is_used(rnnkit):
    done = rnnkit("run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: rnnkit run NAME ")


def test_compiling_for_the_first_time_is_said(rnnkit, monkeypatch):
    monkeypatch.setattr(warmup, "is_needed", lambda: True)
    monkeypatch.setattr(run, "launch_file", lambda file, words: None)
    said = "rnnkit run: kernels are compiled, which is done once: rnnkit warmup tells of each\n"
    assert rnnkit("run", "latch", "w=1").stderr == said
    assert rnnkit("run", "latch", "--help").stderr == ""
