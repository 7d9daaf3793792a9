"""The plan of a sweep: every job's configuration, and every fault, before the first job starts."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from rnnkit.runner import store
from rnnkit.runner.config import Settings, faults

Config = dict[str, Any]
NOW = re.compile(r"\$\{now:[^}]*\}")


def job_configs(config: DictConfig, multirun: bool) -> list[Config]:
    """Return the configuration of every job, in the order in which Hydra's basic sweeper would run them.

    Hydra itself composes a job in 80 ms; to set the swept keys of what it has composed takes microseconds. A key given
    on the command line takes the place of the same key in a preset's grid. Must be called within Hydra's application.
    """
    if not multirun:
        return [_resolved(_own(config))]
    parser = OverridesParser.create()
    grid = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    overrides = {o.key_or_group: o for o in parser.parse_overrides([*grid, *config.hydra.overrides.task])}
    groups = {key: o for key, o in overrides.items() if key in config.hydra.runtime.choices}
    swept = [list(_values(parser, o)) for key, o in overrides.items() if key not in groups]
    configs = []
    for base in _bases(config, parser, groups):
        plain = _plain(base)
        for job in itertools.product(*swept):
            configs.append(_with(plain, job) if plain else _resolved(_set(base.copy(), job)))
    return configs


def _own(config: DictConfig) -> DictConfig:
    """Return the configuration without Hydra's own part, `out` with one time for all jobs."""
    own = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    _resolved(own)  # from here on OmegaConf remembers what ${now:...} was, for copies too
    return own


def _resolved(config: DictConfig) -> Config:
    return OmegaConf.to_container(config, resolve=True)


def _values(parser: OverridesParser, override: Override) -> Iterator[Override]:
    """Return one override for each value of a swept key."""
    if not override.is_sweep_override():
        return iter([override])
    return iter(parser.parse_overrides([f"{override.key_or_group}={v}" for v in override.sweep_string_iterator()]))


def _bases(config: DictConfig, parser: OverridesParser, groups: dict[str, Override]) -> Iterator[DictConfig]:
    """Return what to set the swept keys on: one configuration, or one for each combination of swept config groups."""
    swept = {key: o for key, o in groups.items() if o.is_sweep_override()}
    if not swept:
        yield _own(config)
        return
    fixed = [o.input_line for key, o in groups.items() if key not in swept]
    for chosen in itertools.product(*(_values(parser, o) for o in swept.values())):
        composed = compose(config.hydra.job.config_name, [*fixed, *(o.input_line for o in chosen)], True)
        if composed.hydra.sweeper.params != config.hydra.sweeper.params:
            raise ValueError(f"{', '.join(swept)}: one value at a time is allowed, since it brings a grid of its own")
        yield _own(composed)


def _plain(base: DictConfig) -> Config | None:
    """Return the configuration as a dict where no key is made of others, else None."""
    raw = OmegaConf.to_container(base)
    return _resolved(base) if not any("${" in NOW.sub("", str(value)) for value in raw.values()) else None


def _with(values: Config, overrides: tuple[Override, ...]) -> Config:
    """Return a copy with a job's keys set."""
    values = dict(values)
    for override in overrides:
        if override.is_delete():
            values.pop(override.key_or_group, None)
        else:
            values[override.key_or_group] = override.value()
    return values


def _set(config: DictConfig, overrides: tuple[Override, ...]) -> DictConfig:
    """Set a job's keys where others are made of them."""
    OmegaConf.set_struct(config, False)
    for override in overrides:
        if override.is_delete():
            config.pop(override.key_or_group, None)
        else:
            config[override.key_or_group] = override.value()
    return config


def check(schema: type[Settings], configs: list[Config]) -> list[str]:
    """Return every distinct fault of a sweep, in the order met."""
    found = [fault for values in configs for fault in faults(schema, values)]
    if found:
        return list(dict.fromkeys(found))
    if len({values["out"] for values in configs}) > 1:
        return ["out: one folder for the whole sweep is allowed, not one for each job"]
    checked = [schema.model_validate(values) for values in configs]
    if len({(settings.force, settings.stale) for settings in checked}) > 1:
        return ["force, stale: one value for the whole sweep is allowed"]
    if len({store.identity(settings.scientific()) for settings in checked}) < len(configs):
        return ["the sweep names the same job twice: every value of a key is allowed once"]
    return []


def merged(old: list[Config], new: list[Config]) -> list[Config] | None:
    """Return the jobs of both plans, the new one's order first; None where they have no job in common.

    So a value added to a sweep gives the table that the longer sweep would have given at once, and a part of a sweep
    can be run again in its folder.
    """
    names, old_names = [[store.identity(config) for config in plan] for plan in (new, old)]
    if not set(names) & set(old_names):
        return None
    if set(names) <= set(old_names):
        return old
    return new + [config for name, config in zip(old_names, old, strict=True) if name not in set(names)]


def open_folder(out: Path, experiment: Path, plan: list[Config]) -> tuple[list[Config], str]:
    """Write down in `out` which jobs should exist; return (all of them, why `out` cannot be used)."""
    try:
        if refusal := _whole_plan(out, experiment, plan)[1]:
            return plan, refusal  # not even a lock is left in a folder that is another's
        with store.claim(out, wait=True):
            whole, refusal = _whole_plan(out, experiment, plan)
            if not refusal:
                store.write_whole(out / "plan.json", json.dumps(whole, indent=1))
                store.write_whole(out / "sweep.json", json.dumps({"experiment": str(experiment.resolve())}))
            return whole, refusal
    except OSError as error:
        return plan, f"out={out}: cannot be written ({error.strerror}); allowed is a folder that can be"


def _whole_plan(out: Path, experiment: Path, plan: list[Config]) -> tuple[list[Config], str]:
    """Return (the plan joined with what `out` holds, why it cannot be joined)."""
    path, owner = out / "plan.json", out / "sweep.json"
    if not path.exists():
        found = (out / "table.csv").exists()
        other = f"out={out}: holds a table.csv that this sweep did not write; allowed is a new folder"
        return plan, other if found else ""
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        name = Path(json.loads(owner.read_text(encoding="utf-8"))["experiment"]).stem if owner.exists() else None
        whole = merged(old, plan) if name in (None, experiment.stem) else None
    except (ValueError, TypeError, KeyError):
        return plan, f"{path} or {owner.name} is damaged; allowed is a new folder, or delete the two"
    if whole is None:
        allowed = "allowed is a new folder, the same sweep again, or one that shares jobs with it"
        return plan, f"out={out}: holds another sweep (see {path}); {allowed}"
    return whole, ""
