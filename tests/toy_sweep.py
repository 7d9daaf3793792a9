"""A small experiment in a folder of its own, whose jobs raise, kill themselves or take their time."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = """
import os
import signal
import time

from numba import config as numba_config
from pydantic import Field

from rnnkit import Protocol, train

from rnnkit.networks import recipes
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.jobs.job import job_of
from rnnkit.runner.sweep import launch
from rnnkit.tasks import TASKS


class Config(JobConfig):
    value: int = Field(ge=0, le=1_000_000, description="0 to 1000000")
    does: str = Field("double", description="double, raise, die, exit, print or train")
    seconds: float = Field(0, ge=0, description="0 or more")


def trained(config):
    # as many checks as `value` says, with `seconds` of sleep after each, or none of it with SLEEP=0
    task, checkpoints = TASKS["temporal_order"], job_of(config).folder + "/checkpoints-x"
    protocol = Protocol(updates=25 * config.value, check_every=25, check_size=20, stop="never", solved_error=1e-9)
    pause = config.seconds * float(os.environ.get("SLEEP", "1"))

    def make_net(rng):
        return recipes.make("basic_tanh", task.input_size, 10, task.output_size, rng)

    (net,) = train(make_net, task, 10, protocol, folder=checkpoints, progress=lambda net: time.sleep(pause))
    return Measurement({"double": net.history[-1]["loss"], "threads": 0, "status": "done", "n": 1}, history=net.history)


def measure(config):
    if runs := os.environ.get("RUNS"):
        with open(runs, "a") as file:
            file.write(f"{config.value}\\n")
    while config.value == 2 and not os.path.exists(os.environ.get("HELD_UNTIL", "/")):
        time.sleep(0.02)
    if config.does == "train":
        return trained(config)
    time.sleep(config.seconds)
    if config.does == "raise" and config.value % 2:
        raise RuntimeError(f"{config.value} is odd")
    if config.does == "die" and config.value == 2 and "SPARE" not in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    if config.does == "exit" and config.value == 2:
        os._exit(7)
    if config.does == "print":
        print("what an experiment says")
    row = {"double": 2 * config.value, "threads": numba_config.NUMBA_NUM_THREADS, "status": "done", "n": 1}
    return Measurement(row, lags=[{"lag": k, "log_norm": 0.1 * k * config.value} for k in range(3)])


EXPERIMENT = Experiment(__file__, Config, measure, ["double", "threads", "status", "n"])

if __name__ == "__main__":
    launch(EXPERIMENT)
"""
CONFIG = "value: 1\nseed: 0\nout: out\n"


def make(folder: Path) -> Path:
    """Write the experiment and its configuration below `folder`; return its file."""
    (folder / "experiments").mkdir(parents=True)
    (folder / "experiments" / "toy.py").write_text(FILE)
    (folder / "conf").mkdir()
    (folder / "conf" / "toy.yaml").write_text(CONFIG)
    shutil.copytree(ROOT / "conf" / "hydra", folder / "conf" / "hydra")
    shutil.copyfile(ROOT / "conf" / "sweep.yaml", folder / "conf" / "sweep.yaml")
    return folder / "experiments" / "toy.py"


def start(*words, **options):
    """Start a line of Python's."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, words)], **pipes | options)
