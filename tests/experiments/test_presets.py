"""Every preset of every experiment is a plan without a fault."""

from pathlib import Path

import pytest
import reproduce
from data_sets import plant
from hydra import compose, initialize
from omegaconf import OmegaConf

from rnnkit.runner.hydra import command, configs, grid
from rnnkit.runner.jobs import plan

CONF = Path(__file__).resolve().parents[2] / "conf"
KEYS = {path.stem: OmegaConf.load(path) for path in sorted(CONF.glob("*.yaml"))}
PRESETS = [(name, preset) for name, keys in KEYS.items() for preset in keys.get("presets", {})]
WITH_LAPTOP = [
    "clipping_wall", "temporal_order", "truncation", "latch", "long_lag", "copying", "adding", "memory_horizon",
    "sensitivity", "spectrum", "real_data", "training_gradients",
]  # fmt: skip


def planned(experiment, preset):
    what = reproduce.experiments()[experiment].EXPERIMENT
    configs.offer(what, command.TakeOver)
    with initialize(None, **command.BASE):
        config = compose("config", overrides=[f"preset={preset}", "out=x"], return_hydra_config=True)
        jobs, found = grid.job_configs(config, multirun=False)
    assert found == []
    return what.schema, jobs


@pytest.mark.parametrize(("experiment", "preset"), PRESETS, ids=map("/".join, PRESETS))
def test_a_preset_is_a_plan_without_a_fault(experiment, preset, tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)  # data sets are not installed everywhere
    schema, jobs = planned(experiment, preset)
    assert jobs
    sound, found = plan.check(schema, jobs)
    assert (len(sound), found) == (len(jobs), [])


@pytest.mark.parametrize("experiment", WITH_LAPTOP)
def test_sweeps_that_train_have_every_size(experiment):
    assert {"quick", "laptop", "paper"} <= set(KEYS[experiment].presets)


def test_the_headline_is_as_large_as_it_says():
    _, jobs = planned("temporal_order", "laptop")
    keys = [{config[key] for config in jobs} for key in ("seq_len", "spectral_radius", "clip")]
    assert [len(values) for values in keys] == [5, 5, 3]
    assert len(jobs) == 75
    assert {config["replicates"] for config in jobs} == {10}
