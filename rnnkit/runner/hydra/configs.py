"""What Hydra finds of an experiment: conf/<its name>.yaml, and what all experiments share.

    seq_len: 100                     the keys of one job; what is not named has the default of the experiment's schema

    presets:
      quick:                         preset=quick
        sweep: {seq_len: "10,50"}    a grid, as on the command line: hydra.sweeper.params
        replicates: 8

So an experiment's file has no wrapper for Hydra: its list of defaults, the group of presets and `out` are given here. A
file with a list of `defaults` of its own is taken as it is. An experiment whose keys all have defaults needs no file.
"""

import sys
from functools import partial
from inspect import signature
from typing import Any

from hydra.conf import HelpConf, HydraConf, JobConf
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from rnnkit.runner import shipped
from rnnkit.runner.hydra.help_page import help_page
from rnnkit.runner.jobs.config import shown
from rnnkit.runner.jobs.experiment import Experiment

DEFAULTS = ["/sweep", "schema_defaults", "_self_", {"preset": None}]
# Hydra 1.4 is told that a stored configuration may take the place of another
STORE: dict[str, Any] = {"replace": True} if "replace" in signature(ConfigStore.store).parameters else {}


def offer(experiment: Experiment, hooks: type) -> None:
    """Let Hydra find an experiment's keys and presets, conf/sweep.yaml, conf/hydra, `schema_defaults`, and the hooks.

    What the experiment's own `conf` has of the shared files takes the place of rnnkit's. Ends the process where a file
    is not there or has another form.
    """
    known = ConfigStore.instance()
    known.repo.pop("preset", None)  # of another experiment in this process
    store = partial(known.store, provider="rnnkit", **STORE)
    for conf in dict.fromkeys((shipped.folder("conf"), experiment.conf)):
        for file in sorted([*conf.glob("sweep.yaml"), *conf.glob("hydra/**/*.yaml")]):
            group = file.parent.relative_to(conf).as_posix()
            store(file.stem, OmegaConf.load(file), group=None if group == "." else group)
    keys, presets = _read(experiment)
    store("config", keys)
    for name, preset in presets.items():
        store(name, preset, group="preset", package="_global_")
    fields = experiment.schema.model_fields.items()
    store("schema_defaults", {name: field.default for name, field in fields if not field.is_required()})
    callbacks = {"rnnkit": {"_target_": f"{hooks.__module__}.{hooks.__name__}"}}
    text = help_page(experiment, keys, presets).replace("$", "$$")  # Hydra fills in what follows a $
    told = HelpConf(app_name=experiment.name, header="", footer="", template=text)
    # whatever file is composed has these
    store("config", HydraConf(callbacks=callbacks, job=JobConf(name=experiment.name), help=told), group="hydra")


def _read(experiment: Experiment) -> tuple[DictConfig, dict[str, Any]]:
    """Return (the keys, the presets by name) of an experiment's file, as Hydra takes them."""
    file = experiment.keys_file
    required = [name for name, field in experiment.schema.model_fields.items() if field.is_required() and name != "out"]
    if not file.is_file() and required:
        sys.exit(f"{file}: there is no such file; {experiment.name} needs it for {', '.join(required)}")
    keys = OmegaConf.load(file) if file.is_file() else OmegaConf.create({"presets": experiment.presets})
    if not isinstance(keys, DictConfig):
        sys.exit(f"{file} must be a mapping of keys to values, got {type(keys).__name__}")
    presets = keys.pop("presets", {})
    if not isinstance(presets, DictConfig | dict) or not all(isinstance(p, DictConfig) for p in presets.values()):
        sys.exit(f"presets of {file} must be a mapping of names to mappings of keys to values, got {shown(presets)}")
    for preset in presets.values():
        if "sweep" in preset:
            preset.hydra = {"sweeper": {"params": preset.pop("sweep")}}
    keys.setdefault("defaults", DEFAULTS)
    keys.setdefault("out", f"outputs/{experiment.name}/${{now:%Y-%m-%d_%H-%M-%S}}")
    return keys, dict(presets.items())
