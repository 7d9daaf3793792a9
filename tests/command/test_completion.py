"""What a shell completes: words and names here, the keys of an experiment by Hydra."""

import shutil
import subprocess
import sys

import pytest
from commands import command

from rnnkit.command.completion import candidates
from rnnkit.command.words import FILES
from rnnkit.runner import shipped


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("rnnkit", [*FILES, "--version", "--help"]),
        ("rnnkit ", [*FILES, "--version", "--help"]),
        ("rnnkit re", ["reproduce"]),
        ("rnnkit list rec", ["recipes"]),
        ("rnnkit list tasks lst", ["lstm"]),
        ("rnnkit run gradient_f", ["gradient_flow"]),
        ("rnnkit reproduce --o", ["--only", "--out"]),
        ("rnnkit reproduce --only la", ["latch"]),
        ("rnnkit check ", []),
    ],
)
def test_words_and_names(tmp_path, monkeypatch, line, found):
    monkeypatch.chdir(tmp_path)
    assert candidates(line) == found


def test_files_beside_the_experiments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    assert candidates("rnnkit run ") == [*shipped.experiments(), "mine.py"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("rnnkit run gradient_flow seq", "seq_len="),
        ("rnnkit run gradient_flow -m seq_len=5 preset=", "preset=quick"),
        ("rnnkit run gradient_flow hydra/launcher=sl", "hydra/launcher=slurm"),
        ("rnnkit run gradient_flwo seq", ""),
    ],
)
def test_keys_presets_and_launchers_of_an_experiment(line, found):
    done = command("-m", "rnnkit", "--shell-completion", "query=bash", COMP_LINE=line)
    assert (done.returncode, done.stdout.strip()) == (0, found), done.stderr


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize(("line", "found"), [("rnnkit run gradient_fl", "gradient_flow"),
                                             ("rnnkit run gradient_flow preset=q", "quick")])  # fmt: skip
def test_bash_takes_the_script(tmp_path, line, found):
    script = f"""rnnkit() {{ {sys.executable} -m rnnkit "$@"; }}
    eval "$(rnnkit --shell-completion install=bash)"
    COMP_LINE="{line}" COMP_POINT={len(line)}
    _rnnkit
    printf '%s\\n' "${{COMPREPLY[@]}}"
    eval "$(rnnkit --shell-completion uninstall=bash)"
    _rnnkit 2>/dev/null || echo gone"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.stdout.split() == [found, "gone"], done.stderr


def test_a_run_installs_the_same_script(rnnkit):
    asked = ("--shell-completion", "install=bash")
    assert rnnkit("run", "gradient_flow", *asked) == rnnkit(*asked)


def test_another_shell_is_refused(rnnkit):
    done = rnnkit("--shell-completion", "install=bsh")
    assert done.returncode == 2
    assert done.stderr.endswith("query=fish, got install=bsh; did you mean install=bash?\n")
