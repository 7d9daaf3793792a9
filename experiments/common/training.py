"""What every experiment that trains has in common: its keys, its columns, and one job of replicates.

    class Config(TrainingConfig): ...          keys of one's own beside these, if any
    def measure(config): return measure_training(config)

A job trains `replicates` nets of one configuration. Its row counts them: n = n_solved + n_unsolved + n_diverged.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from common.cells import CellConfig
from common.memory import bytes_of_memory, bytes_of_net
from pydantic import Field, field_validator, model_validator
from tqdm import tqdm

from rnnkit.cells.handles import in_rows
from rnnkit.initializers import achieved
from rnnkit.networks import recipes
from rnnkit.parallel.threads import get_num_threads
from rnnkit.rng import streams
from rnnkit.runner.jobs import sources, store
from rnnkit.runner.jobs.config import NamesFile, PositiveOrNone, number
from rnnkit.runner.jobs.experiment import Measurement
from rnnkit.statistics import mean, wilson_interval
from rnnkit.tasks import OF_A_FILE, Task, check_trial, load
from rnnkit.training.loop import Trained, train
from rnnkit.training.protocol import Protocol, as_lengths

COLUMNS = [
    "n_solved",
    "n_unsolved",
    "n_diverged",
    "n_held",
    "solved_share",
    "wilson_low",
    "wilson_high",
    "median_first",
    "chance_error",
    "constant_loss",
    "error",
    "test_loss",
    "clip_fraction",
    "largest_grad_norm",
    "n_nonfinite",
    "spectral_radius_start",
    "gain_start",
    "updates_made",
    "status",
    "n",
]
OF_A_CHECK = ("loss", "error", "log10_grad_norm", "clip_fraction", "omega", "spectral_radius")


class TrainingConfig(CellConfig):
    """Keys of a job that trains; conf/temporal_order.yaml explains each. Experiments name what differs."""

    task: Annotated[str, NamesFile(lambda task: Path(task).suffix in OF_A_FILE)] = Field(
        min_length=1, description="a task of rnnkit, or the path of a .py file with one, or of a text (.txt)"
    )
    seq_len: int = Field(20, ge=1, le=1_000_000, description="an integer from 1 to 1000000 (as the task allows)")
    net: Literal[*recipes.RECIPES] = Field("basic_tanh", description=f"one of {', '.join(recipes.RECIPES)}")
    hidden_size: int = Field(50, ge=1, le=4096, description="an integer from 1 to 4096")
    spectral_radius: PositiveOrNone = "none"
    optimizer: Literal["sgd", "momentum", "nesterov", "rmsprop", "adam"] = Field(
        "sgd", description="sgd, momentum, nesterov, rmsprop or adam"
    )
    learning_rate: float = Field(0.01, gt=0, le=1e6, description="a number above 0, up to 1e6")
    mu: float = Field(0.0, ge=0, lt=1, description="a number from 0, below 1 (momentum, of momentum and nesterov)")
    batch_size: int = Field(20, ge=1, le=100_000, description="an integer from 1 to 100000")
    clip: PositiveOrNone = "none"
    clip_mode: Literal["norm", "value"] = Field("norm", description="norm or value")
    nonfinite: Literal["stop", "skip", "zero", "shrink"] = Field("stop", description="stop, skip, zero or shrink")
    omega: float = Field(0.0, ge=0, le=1e6, description="a number from 0 to 1e6 (weight of Pascanu's regularizer)")
    omega_form: Literal["squared", "norms"] = Field("squared", description="squared or norms")
    updates: int = Field(20_000, ge=1, le=10**9, description="an integer from 1 to 1e9, a multiple of check_every")
    check_every: int = Field(250, ge=1, le=10**9, description="a multiple of 25")
    check_size: int = Field(10_000, ge=1, le=10**7, description="an integer from 1 to 1e7 (sequences of a check)")
    solved_error: float = Field(0.01, gt=0, le=1, description="a number above 0, up to 1")
    hold: int = Field(3, ge=1, le=1000, description="an integer from 1 to 1000 (passed checks in a row that hold)")
    stop: Literal["held", "first", "never"] = Field("held", description="held, first or never")
    replicates: int = Field(10, ge=1, le=100_000, description="an integer from 1 to 100000")
    dtype: Literal["float32", "float64"] = Field("float32", description="float32 or float64")

    @field_validator("net", mode="before")
    @classmethod
    def _no_cell(cls, value: object) -> object:
        if str(value).endswith(".py"):
            raise ValueError(f"net must be the name of a recipe, got {value}: a cell of a file is cell={value}")
        return value

    @field_validator("task")
    @classmethod
    def _a_task(cls, value: str) -> str:
        load(value)
        return value

    @model_validator(mode="after")
    def _that_fit(self) -> Self:
        found = []
        for check in (self._check_sequences, self.protocol, self._check_recipe, self._check_memory):
            try:
                check()
            except ValueError as error:
                found.append(str(error))
        if found:
            raise ValueError("\n  ".join(found))
        return self

    def _check_sequences(self) -> None:
        as_lengths(self.the_task, self.seq_len)
        if self.files():  # what a user's task does at this length, before the first job
            check_trial(self.the_task, self.seq_len)

    def _check_recipe(self) -> None:
        self.check_scaling("spectral_radius")
        if "l0.W_hh" in self.recipe.frozen and "h" not in self.the_cell.recurrent():
            raise ValueError(
                f"net={self.net} cannot be combined with cell={self.the_cell.name}: it has no W_hh to freeze"
            )
        if self.mu > 0 and self.optimizer not in ("momentum", "nesterov"):
            raise ValueError(f"mu must be 0 with optimizer={self.optimizer}, got {self.mu}")
        if not in_rows(self.the_cell) and (self.omega > 0 or self.nonfinite == "shrink"):
            given = f"omega={self.omega}" if self.omega > 0 else "nonfinite=shrink"
            raise ValueError(
                f"{given} cannot be combined with net={self.net} cell={self.the_cell.name}: "
                "it needs a cell whose state is made of W_hh's block alone, as tanh's"
            )

    def _check_memory(self) -> None:
        shape = self.seq_len, self.batch_size, self.hidden_size
        at_once = min(self.replicates, get_num_threads())
        needed, there = at_once * bytes_of_net(self.the_task, self.the_cell, *shape, self.dtype), bytes_of_memory()
        if needed > there:
            given = "got seq_len={} batch_size={} hidden_size={}".format(*shape)
            raise ValueError(
                f"seq_len, batch_size and hidden_size must fit in {there / 1e9:.1f} GB of memory, {given}: "
                f"{at_once} nets at once take {needed / 1e9:,.1f} GB or more"
            )

    @cached_property
    def the_task(self) -> Task:
        """Return the task itself."""
        return load(self.task)

    @property
    def own_cell(self) -> str:
        """Return the cell of the recipe."""
        return self.recipe.cell

    @property
    def recipe(self) -> recipes.Recipe:
        """Return what the net's name stands for."""
        return recipes.RECIPES[self.net]

    def protocol(self) -> Protocol:
        """Return the training that the keys describe; ValueError for what does not fit together."""
        same = ("updates", "batch_size", "optimizer", "learning_rate", "clip_mode", "nonfinite", "omega", "omega_form")
        same += ("check_every", "check_size", "solved_error", "hold", "stop")
        hyperparameters = {"mu": self.mu} if self.optimizer in ("momentum", "nesterov") else {}
        keys = {name: getattr(self, name) for name in same}
        return Protocol(**keys, clip=number(self.clip), hyperparameters=hyperparameters, frozen=self.recipe.frozen)

    def make_net(self, rng: np.random.Generator) -> recipes.RNN:
        """Return a net at its start."""
        task = self.the_task
        shape = (self.net, task.input_size, self.hidden_size, task.output_size, rng)
        radius = number(self.spectral_radius)
        kept = {"output": task.output, "spectral_radius": radius, "dtype": self.dtype}
        return recipes.make(*shape, cell=self.the_cell, **kept)


def train_nets(config: TrainingConfig, seq_len: int | tuple[int, int] | None = None) -> list[Trained]:
    """Train all nets of a job; checkpoints go to the folder of its record. seq_len: where it is not config's."""
    job, code = store.identity(config.scientific()), config._code or sources.code_identity(Path(__file__))
    made = dict.fromkeys(range(config.replicates), 0)
    # disable=None: a bar on a terminal, silence in a log; below the one over jobs
    bar = tqdm(total=config.replicates * config.updates, unit=" updates", leave=False, position=1, disable=None)

    def progress(net: Trained) -> None:
        bar.update(net.updates - made[net.replicate])
        made[net.replicate] = net.updates

    with bar:
        return train(
            config.make_net,
            config.the_task,
            config.seq_len if seq_len is None else seq_len,
            config.protocol(),
            seed=config.seed,
            replicates=config.replicates,
            folder=Path(config.out) / "jobs" / job / f"checkpoints-{code}",
            progress=progress,
        )


def measure_training(config: TrainingConfig) -> Measurement:
    """Train all nets of a job and tell what became of them."""
    return of_nets(config, train_nets(config))


def of_nets(config: TrainingConfig, nets: list[Trained]) -> Measurement:
    """Return the row, the rows of nets and the history of a job."""
    rows = [net_row(config, net) for net in nets]
    counts = {f"n_{word}": sum(net.outcome == word for net in nets) for word in ("solved", "unsolved", "diverged")}
    n, solved = len(nets), counts["n_solved"]
    low, high = wilson_interval(solved, n)
    row = counts | {
        "n_held": sum(net.held is not None for net in nets),
        "solved_share": solved / n,
        "wilson_low": low,
        "wilson_high": high,
        "median_first": median_first(nets),
        "chance_error": config.the_task.chance_error(config.seq_len),
        "constant_loss": config.the_task.constant_loss(config.seq_len),
        "n_nonfinite": sum(r["n_nonfinite"] for r in rows),
        "largest_grad_norm": max(r["largest_grad_norm"] for r in rows),
        "updates_made": sum(net.updates for net in nets),
        "status": "diverged" if counts["n_diverged"] == n else "done",
        "n": n,
    }
    for name in ("error", "test_loss", "clip_fraction", "spectral_radius_start", "gain_start"):
        row[name] = mean([r[name] for r in rows if r[name] is not None])
    message = f"{counts['n_diverged']} of {n} nets diverged" if counts["n_diverged"] else ""
    return Measurement(row, rows, history=of_checks(nets), message=message)


def median_first(nets: list[Trained]) -> float | None:
    """Return the median of the updates to first passage over all nets; None where half or more have none."""
    return median_reached([net.first for net in nets])


def median_reached(updates: list[int | None]) -> float | None:
    """Return the median of the updates at which nets reached something, None for never: never is later than all."""
    found = sorted(np.inf if update is None else update for update in updates)
    median = (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2
    return float(median) if np.isfinite(median) else None


def net_row(config: TrainingConfig, net: Trained) -> dict:
    """Return one net's row of nets.csv; error and test_loss of its last check, None where it had none."""
    last = net.history[-1]
    steps = [row["update"] for row in net.history]
    weights = np.diff([0, *steps]) if steps[-1] else np.ones(len(steps))
    start = config.make_net(streams(config.seed, net.replicate).init).parameters.get("l0.W_hh")
    square = start is not None and start.shape[0] == start.shape[1]
    has = achieved(start) if square else None
    return {
        "replicate": net.replicate,
        "outcome": net.outcome,
        "first": net.first,
        "held": net.held,
        "updates": net.updates,
        "error": last.get("error"),
        "test_loss": last.get("test_loss"),
        "loss": last["loss"],
        "clip_fraction": float(np.average([row["clip_fraction"] for row in net.history], weights=weights)),
        "largest_grad_norm": float(np.max([row["largest_grad_norm"] for row in net.history])),
        "n_nonfinite": sum(row["n_nonfinite"] for row in net.history),
        "spectral_radius_start": has.spectral_radius if square else None,
        "gain_start": has.gain if square else None,
        "spectral_radius_end": last.get("spectral_radius"),
    }


def of_checks(nets: list[Trained]) -> list[dict]:
    """Return a row for each check: means over the nets that are still in training, and how many have been solved."""
    by_update: dict[int, list[dict]] = {}
    for net in nets:
        for row in net.history:
            by_update.setdefault(row["update"], []).append(row)
    rows = []
    for update in sorted(by_update):
        found = by_update[update]
        solved = sum(net.first is not None and net.first <= update for net in nets)
        means = {name: mean([row[name] for row in found if name in row]) for name in OF_A_CHECK}
        rows.append({"update": update, "n_training": len(found), "n_solved": solved} | means)
    return rows
