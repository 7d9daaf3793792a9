"""A second direction sees the future: an answer that lies right of the output step (claim S7).

Method. Symbols are drawn evenly from four; the answer at step t is the symbol at step t + shift, so the last `shift`
steps have none and are masked. What a net of one direction has read by then says nothing about it: no training brings
it below the error of guessing, 3/4. A tanh `rnnkit.RNN` (Glorot, float32), one direction or both with the same hidden
units each, learns by Adam with the softmax loss at every step. The share of wrong answers is counted on 1,000 fresh
sequences. Nets are independent in init and data; the two arms of a replicate see the same training sequences.

    python experiments/bidirectional.py -m direction=one,both shift=1,2,3 out=DIR
"""

from pathlib import Path
from typing import Literal, NamedTuple, Self

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common.cells import CellConfig
from pydantic import Field, model_validator

import rnnkit
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.1, "laptop": 0.4}
COLUMNS = ["error", "error_se", "loss", "parameters", "status", "n"]
WITHOUT_SPREAD = ("loss",)  # of the last update, on 15 sequences
SYMBOLS, CHANCE = 4, 3 / 4
TEST, EVERY = 1000, 5
SOURCE = "seed article: a bidirectional net sees the future; Schuster, Paliwal 1997, abstract"
SAME = "the same first weights and symbols at every shift"
ONE = Claim(
    claim="S7a",
    class_="check",
    kind="above",
    statement="one direction stays at chance: error, shift {shift}, {updates} updates",
    source="what has been read is independent of the answer; no net errs on less than 3/4",
    bar=0.7,
    reason="3/4 less .05",
)
BOTH = Claim(
    claim="S7b",
    class_="direction",
    kind="below",
    statement="both directions: error, shift {shift}, {updates} updates",
    source=SOURCE,
    bar=0.05,
    reason="the answer is among what is read: 0, and .05 for what is not learned yet",
)
AHEAD = Claim(
    claim="S7c",
    class_="direction",
    kind="above",
    statement="error of one direction minus that of both, paired nets: shift {shift}",
    source=SOURCE,
    bar=0.5,
    reason="the arms differ by .7 if each is where it should be at worst",
)


class Batch(NamedTuple):
    """Symbols (T, n), the answers (T, n), and where there is one (T, n)."""

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray


class Config(CellConfig):
    """Keys of a job."""

    direction: Literal["one", "both"] = Field(description="one or both")
    shift: int = Field(ge=0, le=1000, description="an integer from 0 to 1000 (how far right the answer lies)")
    seq_len: int = Field(ge=1, le=1000, description="an integer from 1 to 1000")
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    batch_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    updates: int = Field(ge=1, le=10_000_000, description="an integer from 1 to 10000000")
    learning_rate: float = Field(gt=0, le=10, description="a number above 0, up to 10")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")

    @model_validator(mode="after")
    def _some_answer(self) -> Self:
        if self.shift >= self.seq_len:
            raise ValueError(f"shift must be below seq_len={self.seq_len}, got {self.shift}")
        return self


def sample(config: Config, rng: np.random.Generator, n: int) -> Batch:
    """Draw n sequences."""
    x = rng.integers(SYMBOLS, size=(config.seq_len, n))
    mask = np.ones(x.shape, bool)
    mask[config.seq_len - config.shift :] = False
    return Batch(x, np.roll(x, -config.shift, axis=0), mask)


def error(net: rnnkit.RNN, batch: Batch) -> float:
    """Return the share of wrong answers."""
    return float((net.forward(batch.x).y.argmax(axis=2) != batch.target)[batch.mask].mean())


def train(config: Config, replicate: int) -> tuple[float, list[float], int]:
    """Return the error on fresh sequences, the training losses and the size of net number `replicate`."""
    rng, both = streams(config.seed, replicate), config.direction == "both"
    net = rnnkit.RNN(SYMBOLS, config.hidden_size, SYMBOLS, cell=config.the_cell, bidirectional=both, seed=rng.init)
    optimizer, losses = rnnkit.training.optimizers.Optimizer("adam", config.learning_rate), []
    for _ in range(config.updates):
        x, target, mask = sample(config, rng.data, config.batch_size)
        loss, gradients, _ = net.loss_and_gradients(x, target, loss="softmax", mask=mask)
        optimizer.step(net.parameters, gradients.parameters)
        losses.append(loss)
    return error(net, sample(config, rng.evaluation, TEST)), losses, net.num_parameters


def measure(config: Config) -> Measurement:
    """Train all nets of one arm, on all cores."""
    errors, losses, sizes = zip(*map_replicates(lambda i: train(config, i), config.replicates), strict=True)
    curve = np.mean(losses, axis=0)
    history = [{"update": k + 1, "loss": curve[k]} for k in range(0, config.updates, EVERY)]
    row = {"error": mean(errors), "error_se": standard_error(errors), "loss": curve[-1], "parameters": sizes[0]}
    nets = [{"replicate": i, "error": e} for i, e in enumerate(errors)]
    return Measurement(row | {"status": "done", "n": config.replicates}, nets, history=history)


def draw(folder: Path) -> None:
    """Draw the loss against updates, arm by arm, and each net's error."""
    tables = read(folder)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(3, 2))
    colours, markers = {"one": "C1", "both": "C0"}, "osv^D"
    shifts = sorted(tables.table["shift"].unique())
    for row in tables.table.itertuples():
        colour, i = colours[row.direction], shifts.index(row.shift)
        curve, nets = (t[t.out == row.out] for t in (tables.history, tables.nets))
        label = f"{row.direction}, shift {row.shift}"
        left.plot(curve["update"], curve.loss, color=colour, ls=["-", "--", ":"][i % 3], label=label)
        places = i + (row.direction == "both") * 0.3 + np.linspace(-0.1, 0.1, len(nets))
        right.plot(places, nets.error, markers[i % 5], color=colour, ms=4)
    left.axhline(np.log(SYMBOLS), color="0.6", lw=0.8, zorder=0)
    left.set(xlabel="updates", ylabel="training loss, nats a step", title="grey line: guessing")
    left.legend()
    right.axhline(CHANCE, color="0.6", lw=0.8, zorder=0)
    right.set(
        xlabel="shift",
        ylabel="share of wrong answers",
        ylim=(-0.03, 1),
        title="each net at the end, colours as on the left",
    )
    right.set_xticks(np.arange(len(shifts)) + 0.15, shifts)
    save(figure, folder / "learning.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return S7 for each shift: one direction at chance (a), both without fault (b), the difference net by net (c)."""
    found = []
    for row in tables.table.itertuples():
        claim, case = ONE if row.direction == "one" else BOTH, {"shift": row.shift, "updates": row.updates}
        found.append(claim.judge(row.error, row.error_se, row.n, draws=SAME, **case))
    for shift, arms in tables.table.groupby("shift"):
        errors = [_errors(tables, arms[arms.direction == direction]) for direction in ("one", "both")]
        ahead = (errors[0] - errors[1]).dropna()
        if len(ahead) > 1:
            found.append(AHEAD.judge(mean(ahead), standard_error(ahead), len(ahead), draws=SAME, shift=shift))
    return found


def _errors(tables: Tables, jobs: pd.DataFrame) -> pd.Series:
    return tables.nets[tables.nets.out.isin(jobs.out)].set_index("replicate").error


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
