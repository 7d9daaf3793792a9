"""The jobs that a command line names: Hydra's grammar of sweeps, without a composition of Hydra's for each job."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep, Transformer, ValueType
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnkit.runner.jobs.config import did_you_mean, shown

Config = dict[str, Any]
Sets = dict[str, list[Override]]  # of each key that is set job by job, its values
MOST_JOBS = 100_000
SEVERAL = re.compile(r"Ambiguous value for argument '(.*)'$", re.MULTILINE)
ADD = re.compile("To append to your config")  # Hydra's advice for unknown keys, which the schema refuses
# what Hydra says beside the fault: the tokens of its grammar; from 1.4 on the argument once more
ABOUT = re.compile(r" expecting \{.*\}|^Error when parsing index: \d+, string: .* out of \[.*\]\. ")
NOW = re.compile(r"\$\{now:[^}]*\}")


def job_configs(config: DictConfig, multirun: bool) -> tuple[list[Config], list[str]]:
    """Return (every job's configuration in the order of Hydra's basic sweeper, the faults that are met on the way).

    Hydra itself composes a job in 80 ms; to set the swept keys of what it has composed takes microseconds. A key given
    on the command line takes the place of the same key in a preset's grid, and a grid runs with -m or without. Must be
    called within Hydra's application.
    """
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    if not multirun and not params:
        return _jobs(_own(config), {})
    loader = GlobalHydra.instance().config_loader()
    parser = OverridesParser.create(loader)
    lines = OmegaConf.to_container(config.hydra.overrides)  # as typed: ${...} is of each job, not of this configuration
    task = parser.parse_overrides(lines["task"])
    named = {_name(o): o for o in parser.parse_overrides([f"{key}={value}" for key, value in params.items()])}
    given = {_name(o): o for o in task}
    asked = {name: o for name, o in (named | given).items() if o.is_sweep_override() or name not in given}
    hydras = {"config_name": config.hydra.job.config_name, "overrides": lines["hydra"]}
    groups = {name for name, o in asked.items() if loader.get_group_options(o.key_or_group, **hydras)}
    sets, found = _values(asked, groups)
    if (n := math.prod(map(len, sets.values()))) > MOST_JOBS:
        return [], [*found, f"{', '.join(sets)} must name at most {MOST_JOBS} jobs together, got {n}"]
    chosen = [sets.pop(name) for name in asked if name in groups and name in sets]
    fixed = [*lines["hydra"], *(o.input_line for name, o in given.items() if name not in asked)]
    configs = []
    for base, faults in _bases(config, fixed, chosen):
        jobs, more = _jobs(base, sets) if base else ([], [])
        configs, found = configs + jobs, found + faults + more
    return configs, list(dict.fromkeys(found))


def _name(override: Override) -> str:
    return override.get_key_element().lstrip("+~")


class _UnfitError(ValueError):
    """What the values of a sweep must be."""


def _values(asked: dict[str, Override], groups: set[str]) -> tuple[Sets, list[str]]:
    """Return (of each key one override for each of its values, the faults)."""
    sets, found = {}, []
    for name, override in asked.items():
        try:
            if "@" in name and name not in groups:
                raise ValueError("a package cannot be combined with a key, only with a config group")
            sets[name] = _single(override)
        except _UnfitError as wanted:
            value = override.input_line.partition("=")[2]
            found.append(f"{shown(name)} must be {wanted}, got {shown(value)}")
        except (HydraException, ValueError, ArithmeticError) as error:
            found.append(f"{shown(override.input_line)}: {said(error)[0]}")
    return sets, found


def _single(override: Override) -> list[Override]:
    if not override.is_sweep_override():
        return [override]
    if not override.is_discrete_sweep():
        raise _UnfitError("values one by one, as a,b or choice(a,b) or range(a,b,step)")
    sweep = override.value()
    if isinstance(sweep, RangeSweep):  # Hydra would count to its end, should it have one
        sweep = _in_decimals(sweep)
        override = replace(override, _value=sweep)
        numbers = list(itertools.islice(sweep.range(), MOST_JOBS + 1))
        if len(numbers) > MOST_JOBS:
            raise _UnfitError(f"at most {MOST_JOBS} values")
    key, values = override.get_key_element(), list(override.sweep_iterator())
    if not values:
        raise _UnfitError("one value or more")
    single = replace(override, value_type=ValueType.ELEMENT)
    return [replace(single, _value=v, input_line=f"{key}={Transformer.str(v)}") for v in values]


def _in_decimals(sweep: RangeSweep) -> RangeSweep:
    """Return a range of floats that is counted in decimals of 12 digits.

    In binary range(0.1,0.5,0.1) has 0.30000000000000004, and range(0.5,0.8,0.1) its stop value.
    """
    bounds = {name: getattr(sweep, name) for name in ("start", "stop", "step")}
    if all(isinstance(bound, int) for bound in bounds.values()):
        return sweep
    return replace(sweep, **{name: Decimal(f"{bound:.12g}") for name, bound in bounds.items()})


def _bases(
    config: DictConfig, fixed: list[str], chosen: list[list[Override]]
) -> Iterator[tuple[DictConfig | None, list[str]]]:
    """Yield what to set the swept keys on: one configuration, or one for each combination of swept config groups."""
    own = _own(config)
    if not chosen:
        yield own, []
        return
    for choices in itertools.product(*chosen):
        try:
            composed = compose(config.hydra.job.config_name, [*fixed, *(o.input_line for o in choices)], True)
        except HydraException as error:
            yield None, said(error)
            continue
        except ValueError as error:  # Hydra's, about a choice that is no name
            yield None, [f"{', '.join(o.input_line for o in choices)}: {error}"]
            continue
        if composed.hydra.sweeper.params != config.hydra.sweeper.params:
            names = ", ".join(map(_name, choices))
            given = " ".join(",".join(o.input_line.partition("=")[2] for o in values) for values in chosen)
            yield None, [f"{names} must be one value at a time, since it brings a grid of its own, got {shown(given)}"]
        else:
            yield _own(composed, own), []


def _own(config: DictConfig, earlier: DictConfig | None = None) -> DictConfig:
    """Return the configuration without Hydra's own part, `out` with one time for all jobs."""
    own = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    if earlier is not None:
        OmegaConf.copy_cache(earlier, own)
    resolved(own, list(own))  # from here on OmegaConf remembers what ${now:...} was, for copies too
    return own


def _jobs(base: DictConfig, sets: Sets) -> tuple[list[Config], list[str]]:
    configs, found = [], []
    plain = None if _is_made_of_others(base, sets) else resolved(base, list(base))[0]
    for job in itertools.product(*sets.values()):
        if plain is not None:
            configs.append(_set(dict(plain), job))
            continue
        try:
            own = base.copy()
            OmegaConf.set_struct(own, False)
            config, faults = resolved(_set(own, job), list(own))
        except OmegaConfBaseException as error:
            config, faults = None, said(error)
        configs.extend([config] if config else [])
        found.extend(faults)
    return configs, found


def _is_made_of_others(base: DictConfig, sets: Sets) -> bool:
    """Return whether a key is made of others, or has no value yet; `${now:...}` is of none."""
    raw = [str(value) for value in OmegaConf.to_container(base).values()]
    raw += [override.input_line for overrides in sets.values() for override in overrides]
    return "???" in raw or any("${" in NOW.sub("", text) for text in raw)


def _set(config: Any, overrides: Sequence[Override]) -> Any:
    """Set a job's keys; a.b is the key b of what the key a holds, where that is a mapping."""
    for override in overrides:
        key, _, inner = override.key_or_group.partition(".")
        if override.is_delete():
            config.pop(override.key_or_group, None)
        elif inner and isinstance(config.get(key), Mapping):
            config[key] = {**config[key], inner: override.value()}  # another mapping: jobs share the one that was there
        else:
            config[override.key_or_group] = override.value()
    return config


def resolved(config: DictConfig, keys: Sequence[str], prefix: str = "") -> tuple[Config, list[str]]:
    """Return (the values with what their interpolations stand for, the faults); a faulty value is left as written."""
    values, found = {}, []
    for key in keys:
        try:
            node = config[key]
            values[key] = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
        except (OmegaConfBaseException, RecursionError) as error:
            values[key] = OmegaConf.to_container(config)[key]
            found.append(f"{prefix}{key}={shown(values[key])}: {said(error)[0]}")
    return values, found


def said(error: BaseException) -> list[str]:
    """Return the lines of an error; of OmegaConf's the first, since the others speak of its objects."""
    if isinstance(error, RecursionError):
        return ["refers to itself, or is nested too deep"]
    if isinstance(error, OverrideParseException):
        return [_unread(error)]
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        known = f"one of {', '.join(error.options)}" if error.options else "left out (it has no choices)"
        return [f"{group} must be {known}, got {choice}{did_you_mean(choice, error.options)}"]
    if isinstance(error, OmegaConfBaseException):
        return str(error).splitlines()[:1] or [type(error).__name__]
    if not isinstance(error, HydraException | ValueError):  # Hydra has stumbled
        return [f"cannot be read ({type(error).__name__}: {shown(str(error).partition(chr(10))[0], 300)})"]
    if several := SEVERAL.match(str(error)):
        return [f"{several[1]} has several values: a sweep needs -m (--multirun) before them"]
    lines = [shown(line, 300) for line in str(error).splitlines() if line.strip() and not ADD.match(line)]
    return [*lines, *said(error.__cause__)] if isinstance(error.__cause__, OmegaConfBaseException) else lines or ["?"]


def _unread(error: OverrideParseException) -> str:
    """Return one line about an argument that Hydra's grammar refuses."""
    text, lexer = str(error), "LexerNoViableAltException: "
    if text.startswith(lexer):  # the argument, and a line with a ^ under the character
        at = text.splitlines()[-2].find("^") - len(lexer)
        key = error.override.partition("=")[0]
        quoted = f"\"{key}='...'\""  # as a shell takes it: two pairs of quotes
        what = f"cannot be read from {shown(error.override[max(at, 0) :], 20)} on, unless its value is quoted, {quoted}"
    else:
        lines = [line for line in text.splitlines() if not line.startswith(("Error parsing", "See https"))]
        what = shown(re.sub(ABOUT, "", " ".join(lines)), 300)
    given = f"{shown(error.override) or 'an empty one'}: {what}"
    return f"an argument must be key=value, got {given}: see hydra.cc/docs/1.3/advanced/override_grammar/basic"
