"""Every preset of every experiment is a plan without a fault."""

from pathlib import Path

import pytest
import reproduce
from hydra import compose, initialize_config_dir

from rnnkit.runner import command, grid, plan

CONF = Path(__file__).resolve().parents[2] / "conf"
PRESETS = sorted(CONF.glob("*/preset/*.yaml"))
WITH_LAPTOP = [
    "clipping_wall", "temporal_order", "truncation", "latch", "long_lag", "copying", "adding", "memory_horizon",
    "sensitivity",
]  # fmt: skip


def planned(experiment, preset):
    what = reproduce.experiments()[experiment].EXPERIMENT
    command.offer(what)
    with initialize_config_dir(str(CONF / experiment), **command.BASE):
        config = compose("config", overrides=[f"preset={preset}", "out=x"], return_hydra_config=True)
        configs, found = grid.job_configs(config, multirun=False)
    assert found == []
    return what.schema, configs


@pytest.mark.parametrize("path", PRESETS, ids=["/".join(p.parts[-3::2]) for p in PRESETS])
def test_a_preset_is_a_plan_without_a_fault(path):
    schema, configs = planned(path.parts[-3], path.stem)
    assert configs
    sound, found = plan.check(schema, configs)
    assert (len(sound), found) == (len(configs), [])


@pytest.mark.parametrize("experiment", WITH_LAPTOP)
def test_sweeps_that_train_have_every_size(experiment):
    assert {"quick", "laptop", "paper"} <= {p.stem for p in (CONF / experiment / "preset").glob("*.yaml")}


def test_the_headline_is_as_large_as_it_says():
    _, configs = planned("temporal_order", "laptop")
    keys = [{config[key] for config in configs} for key in ("seq_len", "spectral_radius", "clip")]
    assert [len(values) for values in keys] == [5, 5, 3]
    assert len(configs) == 75
    assert {config["replicates"] for config in configs} == {10}
