"""The command line of an experiment: what Hydra makes of it, or one message of why it makes nothing of it.

Hydra composes; what runs then is rnnkit's own. Hydra's own ways to end badly (a traceback, a callback's error that is a
warning, a run of its own) are closed here: a line is a sweep, shows something (--help, --cfg), or is refused.
"""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, NoReturn

import hydra
from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnkit.runner.hydra import grid
from rnnkit.runner.hydra.arguments import flags_first
from rnnkit.runner.hydra.configs import offer
from rnnkit.runner.jobs.config import shown
from rnnkit.runner.jobs.experiment import Experiment

MOST_LINES = 20  # of a message
FULL = "HYDRA_FULL_ERROR"  # Hydra's own: 1 leaves exceptions as they are
UNKNOWN = re.compile(r"(?s)Could not override '(?!hydra\.(?!launcher\.))[^']*'\.\nTo append to your config use \+(.*)")
HYDRAS_KEYS = {
    "hydra": (*HydraConf.__dataclass_fields__, "env"),
    "hydra.sweeper": ("_target_", "max_batch_size", "params"),
}
SHARED_LAUNCHERS = ("serial", "local", "slurm", "ray")
CALLBACKS = re.compile(r"[+~]*hydra\b.*callbacks")


# Hydra 1.3 is told which version's defaults are meant; 1.4 which classes a configuration may have it call
if "execution_whitelist" in signature(hydra.main).parameters:
    BASE: dict[str, Any] = {}
    MAIN: dict[str, Any] = {"execution_whitelist": [f"{__name__}.TakeOver"]}
else:
    BASE = MAIN = {"version_base": "1.3"}


class Composed(BaseException):  # no Exception: Hydra would make a warning of it, and run the sweep itself
    """Hydra has done its part: the configurations of all jobs, and what it has of itself."""

    def __init__(self, configs: list[dict[str, Any]], own: dict[str, Any], found: list[str]) -> None:
        """Keep what was composed. own: Hydra's launcher and sweeper; found: the faults met so far."""
        self.configs, self.own, self.found = configs, own, found


class TakeOver(Callback):
    """Hydra's hooks: they end its run where the first job would begin."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Take over one job."""
        raise _composed(config, multirun=False)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Take over a sweep."""
        raise _composed(config, multirun=True)


def _composed(config: DictConfig, multirun: bool) -> BaseException:
    """Return what is to be raised: no Exception in any case."""
    composed = Composed([], {}, [])
    try:
        composed.own, composed.found = grid.resolved(config.hydra, ("launcher", "sweeper"), "hydra.")
        _complete(composed.own.get("launcher"), config)
        for name, keys in HYDRAS_KEYS.items():
            given = OmegaConf.select(config, name)
            values = OmegaConf.to_container(given) if OmegaConf.is_dict(given) else {}
            unknown = [shown(f"{name}.{key}={value}") for key, value in values.items() if key not in keys]
            composed.found += [f"unknown key {one}: known are {', '.join(keys)}" for one in unknown]
        composed.configs, found = grid.job_configs(config, multirun)
        composed.found += found
    except Exception as error:
        composed.found += grid.said(error)
    return composed


def _complete(launcher: Any, config: DictConfig) -> None:
    """Lay a user's own hydra/launcher file over the shared one of its name: Hydra does it up to 1.3."""
    choice = OmegaConf.select(config, "hydra.runtime.choices").get("hydra/launcher")
    if isinstance(launcher, dict) and "_target_" not in launcher and choice in SHARED_LAUNCHERS:
        shared = ConfigStore.instance().load(f"hydra/launcher/{choice}.yaml").node
        launcher |= {key: value for key, value in OmegaConf.to_container(shared).items() if key not in launcher}


def nothing_started(experiment: Experiment, found: list[str]) -> NoReturn:
    """End the process with every fault in one message."""
    if more := len(found) - MOST_LINES:
        found = [*found[:MOST_LINES], f"and {more} more"] if more > 0 else found
    sys.exit(f"{experiment.name}: nothing was started\n  " + "\n  ".join(found))


def compose(experiment: Experiment) -> Composed:
    """Return what Hydra makes of the command line; or end the process.

    Hydra refuses an unknown key without saying which are known, and before all else: it is handed over once more, as
    one to be added, so that rnnkit names it with all other faults.
    """
    offer(experiment, TakeOver)
    given = sys.argv
    try:
        sys.argv = [given[0], *flags_first(given[1:])]
        for _ in given:
            try:
                _run_hydra(experiment)
            except (HydraException, OmegaConfBaseException) as error:
                unknown = UNKNOWN.match(str(error))
                if not unknown or unknown[1] not in sys.argv:
                    raise
                sys.argv = ["++" * (a == unknown[1]) + a for a in sys.argv]
    except Composed as composed:
        return composed
    except Exception as error:
        if os.environ.get(FULL) == "1":
            raise
        found = grid.said(error)
        if not isinstance(error, HydraException):  # Hydra has stumbled, and does not say over what
            found.append(f"the line was: {shown(' '.join(given[1:]), 300)}")
        nothing_started(experiment, found)
    finally:
        sys.argv = given
    sys.exit(f"{experiment.name}: nothing was started")


def _run_hydra(experiment: Experiment) -> None:
    """Raise Composed or what else Hydra raises; end the process where it has shown what was asked for."""
    if given := [argument for argument in sys.argv[1:] if CALLBACKS.match(argument)]:
        raise ValueError(f"hydra.callbacks must be left to rnnkit, got {shown(given[0])}")
    with _exceptions_as_they_are(), warnings.catch_warnings():
        # a user's own hydra/launcher/local.yaml is laid over the shared one
        warnings.filterwarnings("ignore", r"\s*'[^']*' is validated against ConfigStore")
        hydra.main(config_path=None, config_name="config", **MAIN)(_no_job)()
    sys.exit(0)  # --help, --cfg and the like


def _no_job(config: DictConfig) -> NoReturn:
    raise ValueError("a line must be keys of an experiment, got a job of another command")


@contextmanager
def _exceptions_as_they_are() -> Iterator[None]:
    """Keep Hydra from printing what it raises."""
    before = os.environ.get(FULL)
    os.environ[FULL] = "1"
    try:
        yield
    finally:
        os.environ.pop(FULL)
        if before is not None:
            os.environ[FULL] = before
