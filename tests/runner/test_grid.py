"""The jobs that a command line names: those of Hydra's basic sweeper, each with its own values."""

import itertools
import re
from dataclasses import replace

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from typed import EXPERIMENT, ROOT, typed

from rnnkit.runner.hydra import command
from rnnkit.runner.jobs.experiment import load

SWEEPS = {
    "seq_len": ["7", "5,80", "range(5,8)", "choice(5,6)", "sort(9,7,8)", "int(5,6)"],
    "clip": ["none", "none,1.0", "'none',2", "choice(1,none)", "tag(a,choice(3,4))"],
    "drive_variance": ["1", "0.5,1", "range(0.5,2,0.5)", "1e-3,2e-3"],
    "cell": ["tanh", "tanh,relu"],
    "seed": ["0,1", "range(3)", "sort(range(4),reverse=true)"],
}


def jobs(*arguments, experiment=EXPERIMENT):
    end = typed(arguments, experiment)
    assert end.prepared, end.said
    return end.jobs


def values(found, *keys):
    return [tuple(job[key] for key in keys) for job in found]


@settings(max_examples=10)
@given(st.dictionaries(st.sampled_from(list(SWEEPS)), st.integers(0, 5), min_size=1))
def test_the_jobs_are_those_of_hydras_sweeper_in_its_order(chosen):
    line = [f"{key}={SWEEPS[key][n % len(SWEEPS[key])]}" for key, n in chosen.items()]
    (theirs,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(line), None)
    parsed = [{o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(job)} for job in theirs]
    expected = [EXPERIMENT.schema.model_validate(jobs.base | job) for job in parsed]
    assert values(jobs("-m", *line), *chosen) == [tuple(getattr(job, key) for key in chosen) for job in expected]


jobs.base = jobs()[0]


def test_an_interpolation_gives_each_job_its_own_value():
    found = jobs("-m", "hidden_size=${seq_len}", "seq_len=5,6", "clip=1,${seq_len}")
    assert values(found, "seq_len", "hidden_size", "clip") == [(5, 5, 1.0), (5, 5, 5.0), (6, 6, 1.0), (6, 6, 6.0)]


def test_an_interpolation_of_an_unknown_key_is_refused():
    end = typed(["-m", "+x=${seq_len}", "seq_len=5,6"])
    assert end.prepared is None
    assert "unknown key x=5: known are" in end.said
    assert "unknown key x=6: known are" in end.said


def test_the_command_line_takes_the_place_of_a_key_in_a_presets_grid():
    grid = list(itertools.product([10, 50, 100, 200], [0.5, 1.0, 1.5, 2.0, 3.0, 4.0], ["none", 1.0]))
    keys = ("seq_len", "spectral_radius", "clip")
    assert values(jobs("preset=quick"), *keys) == grid
    assert values(jobs("preset=quick", "seq_len=7"), *keys) == [(7, *rest) for T, *rest in grid if T == 10]
    assert values(jobs("-m", "preset=quick", "seq_len=7,8"), *keys) == [
        ({10: 7, 50: 8}[T], *rest) for T, *rest in grid if T < 100
    ]


@pytest.fixture
def own(tmp_path):
    """A folder of a user's own config group."""
    (tmp_path / "net").mkdir()
    for name, size in (("small", 3), ("large", 4)):
        text = f"# @package _global_\nhidden_size: {size}\ndrive_variance: ${{seq_len}}\n"
        (tmp_path / "net" / f"{name}.yaml").write_text(text)
    return tmp_path


def test_a_users_own_config_group_can_be_chosen_and_swept(own):
    keys = ("hidden_size", "seq_len", "drive_variance")
    at = [f"--config-dir={own}"]
    assert values(jobs(*at, "+net=small", "seq_len=9"), *keys) == [(3, 9, 9.0)]
    both = [(3, 5, 5.0), (3, 6, 6.0), (4, 5, 5.0), (4, 6, 6.0)]
    assert values(jobs(*at, "-m", "+net=small,large", "seq_len=5,6"), *keys) == both
    assert sorted(values(jobs(*at, "-m", "+net=glob(*)", "seq_len=5,6"), *keys)) == both
    assert values(jobs("-m", f"hydra.searchpath=[file://{own}]", "+net=small,large", "seq_len=5,6"), *keys) == both


def test_the_jobs_of_a_swept_group_have_one_folder(own):
    found = jobs(f"--config-dir={own}", "-m", "+net=small,large", "out=runs/${now:%f}")
    assert len(found) == 2
    assert len(set(values(found, "out"))) == 1


@pytest.mark.parametrize(("choice", "line"), [
    ("+net=small,lrge", "net must be one of large, small, got lrge"),
    ("+net=lrge", "net must be one of large, small, got lrge"),
    ("+nets=small,large", "unknown key nets=small: known are"),
    ("+net=range(2)", "Config group override must be a string or a list"),
    ("net=small", "To append to your default list use +net=small"),
])  # fmt: skip
def test_a_typo_in_a_users_own_group_is_refused(own, choice, line):
    end = typed([f"--config-dir={own}", "-m", choice, "seq_len=5,6"])
    assert end.prepared is None
    assert line in end.said
    assert end.left == []


@pytest.mark.parametrize(("text", "told"), [
    (None, r"gradient_flow\.yaml: there is no such file; gradient_flow needs it for .*seq_len"),
    ("[1]", r"gradient_flow\.yaml must be a mapping of keys to values, got "),
    ("presets: [1]", r"^presets of .*gradient_flow\.yaml must be a mapping of names to mappings of .*, got \[1\]"),
    ("presets: {quick: 3}", r"^presets of .* must be a mapping of names to mappings of keys to values, got .*quick"),
])  # fmt: skip
def test_a_file_of_keys_that_is_none_is_told(tmp_path, text, told):
    (tmp_path / "conf").mkdir()
    if text:
        (tmp_path / "conf" / "gradient_flow.yaml").write_text(text)
    experiment = replace(EXPERIMENT, path=str(tmp_path / "experiments" / "gradient_flow.py"))
    assert re.search(told, typed([], experiment).said)


def test_a_users_own_launcher_file_is_laid_over_the_shared_one(tmp_path):
    (tmp_path / "hydra" / "launcher").mkdir(parents=True)
    (tmp_path / "hydra" / "launcher" / "local.yaml").write_text("workers: 3\n")
    end = typed([f"--config-dir={tmp_path}", "hydra/launcher=local"])
    assert end.prepared.launcher.workers == 3
    assert end.warned == []


def test_a_key_named_as_an_experiment_is_a_key():
    experiment = load(ROOT / "experiments" / "forget_bias.py")
    assert values(jobs("forget_bias=0.5", experiment=experiment), "forget_bias") == [(0.5,)]
    assert values(jobs("-m", "forget_bias=0.5,2", experiment=experiment), "forget_bias") == [(0.5,), (2.0,)]


def test_hydra_runs_no_job_of_its_own():
    with pytest.raises(ValueError, match=r"^a line must be keys of an experiment, got a job of another command$"):
        command._no_job(None)
