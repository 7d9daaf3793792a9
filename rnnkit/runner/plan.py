"""The plan of a sweep: every job's configuration, and every fault, before the first job starts."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from rnnkit.runner import store
from rnnkit.runner.config import Settings, faults


def job_configs(config: DictConfig, multirun: bool) -> list[dict[str, Any]]:
    """Return the configuration of every job, in the order in which Hydra's basic sweeper runs them."""
    base = OmegaConf.to_container(OmegaConf.masked_copy(config, [k for k in config if k != "hydra"]), resolve=True)
    if not multirun:
        return [base]
    arguments = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parser = OverridesParser.create()
    overrides = parser.parse_overrides(arguments + list(config.hydra.overrides.task))
    (jobs,) = BasicSweeper.split_arguments(overrides, None)
    groups = config.hydra.runtime.choices
    configs = []
    for job in jobs:
        values = dict(base)
        for override in parser.parse_overrides(job):
            if override.key_or_group not in groups and not override.is_delete():
                values[override.key_or_group] = override.value()
        configs.append(values)
    return configs


def check(schema: type[Settings], configs: list[dict[str, Any]]) -> list[str]:
    """Return every distinct fault of a sweep, in the order met."""
    found = [fault for values in configs for fault in faults(schema, values)]
    if found:
        return list(dict.fromkeys(found))
    if len({values["out"] for values in configs}) > 1:
        return ["out: one folder for the whole sweep is allowed, not one for each job"]
    identities = {store.identity(schema.model_validate(values).scientific()) for values in configs}
    if len(identities) < len(configs):
        return ["the sweep names the same job twice: every value of a key is allowed once"]
    return []
