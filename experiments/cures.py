"""The cures side by side, before any training: how far each net carries a gradient (claims L6).

Method. Each net as its paper begins it (`rnnkit.networks.recipes`), driven for `seq_len` steps by white noise of a
stated variance per unit, after 50 steps of burn-in. The loss is h_T times a random unit vector; ln of the norm of the
gradient of all states of a net together, k steps back, is 0 at k = 0. Growth is its slope beyond lag 20, with its
standard deviation over samples and nets; log10 at lags 10, 100, 1,000, where a gradient that is exactly zero counts as
1e-1000 (`n_zero` are at the end); the largest and the mean Lyapunov exponent of the first sample's first 200 steps,
without those that are -inf (`dead`). A spectral radius, or the cell's own constants, can be asked for in place of the
paper's. Judged: where theory gives a number, and by directions that were stated before the first run: at lag 100 the
plain net and the two gated cells that are named as its cure have lost the gradient (below 1e-6) as they begin, and what
keeps it is a gate, a frequency or a size that was begun close to 1.

    python experiments/cures.py -m net=tanh,lstm,gru,chrono,lru,cornn drive_variance=0.1,1 out=DIR
    python experiments/cures.py -m net=leaky constants.alpha=0.01,0.1,0.3 out=DIR
"""

from pathlib import Path
from typing import Any, Literal, Self

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common.cells import CellConfig
from common.flow_nets import by_lag
from pydantic import Field, model_validator

from rnnkit import statistics
from rnnkit.gradients.jacobians import step_jacobian
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.networks import recipes
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import Streams, streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import PositiveOrNone, number
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save, zero_line
from rnnkit.runner.tables.style import looks
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.6}
BURN_IN = 50  # unrecorded steps
EXPONENT_STEPS = 200  # of the Lyapunov exponents: all of a net of two states and 1,000 steps take seconds
LAGS = (10, 100, 1000)
LOST = -1000.0  # log10 of a gradient that is exactly zero: less than any other here has
COLUMNS = ["growth_rate", "growth_rate_se", "growth_rate_sd"]
COLUMNS += [f"log10_grad_{lag}{end}" for lag in LAGS for end in ("", "_se")]
COLUMNS += ["n_zero", "largest_exponent", "mean_exponent", "dead", "growth_at_rest", "linear_gap", "status", "n"]
LOSE = {
    name: Claim(
        claim="L6a",
        class_="direction",
        kind="below",
        statement="(a) log10 of the gradient at lag 100: {case}",
        source=f"{recipes.RECIPES[name].source}: the net; the direction was stated here before the first run",
        bar=-6.0,
        reason="what counts as vanished",
    )
    for name in ("tanh", "lstm", "gru")
}
KEEP = {
    name: Claim(
        claim="L6b",
        class_="direction",
        kind="above",
        statement="(b) log10 of the gradient at lag 100: {case}",
        source=recipes.RECIPES[name].source,
        bar=-3.0,
        reason="what counts as carried",
    )
    for name in ("chrono", "lru", "indrnn", "cornn", "antisymmetric")
}
DECAY = Claim(
    claim="L6c",
    class_="check",
    kind="equal",
    statement="(c) largest distance from |lambda|^k of its own units, nats at any lag: {case}",
    source=recipes.RECIPES["lru"].source,
    bar=0.0,
    margin=1e-9,
    reason="rounding at lag 1,000, of logarithms of size 100",
)
NO_GROWTH = Claim(
    claim="L6c",
    class_="theory",
    kind="equal",
    statement="(c) growth per step of either sign: {case}",
    source=recipes.RECIPES["antisymmetric"].source,
    bar=0.0,
    margin=0.05,
    reason="nats a step: what antisymmetric weights promise, at a step of .1 and eigenvalues up to 2.8 i",
)
WHATEVER_DRIVE = ("lru", "indrnn")  # linear, and relu without biases: the drive's size does not touch their gradients


class Config(CellConfig):
    """Keys of a job."""

    net: Literal[*recipes.RECIPES] = Field(description=f"one of {', '.join(recipes.RECIPES)}")
    spectral_radius: PositiveOrNone
    drive_variance: float = Field(ge=0, le=1e6, description="a number from 0 to 1e6")
    seq_len: int = Field(ge=100, le=1_000_000, description="an integer from 100 to 1000000")
    hidden_size: int = Field(ge=2, le=1024, description="an integer from 2 to 1024")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")

    @model_validator(mode="after")
    def _weights_to_scale(self) -> Self:
        self.check_scaling("spectral_radius")
        return self

    @property
    def own_cell(self) -> str:
        """Return the cell of the recipe."""
        return recipes.RECIPES[self.net].cell


def make_net(config: Config, rng: Streams) -> RNN:
    """Return a net as its recipe begins it, an input for each unit."""
    H, radius = config.hidden_size, number(config.spectral_radius)
    return recipes.make(config.net, H, H, 1, rng.init, cell=config.the_cell, spectral_radius=radius, dtype="float64")


def measure_net(config: Config, replicate: int) -> tuple[dict[str, Any], np.ndarray | None]:
    """Return (what is measured of net number `replicate`, ln of gradients by lag (T + 1, B)); None of an overflow."""
    rng, H, B = streams(config.seed, replicate), config.hidden_size, config.batch_size
    net, row = make_net(config, rng), {"replicate": replicate}
    x = np.sqrt(config.drive_variance) * rng.data.standard_normal((BURN_IN + config.seq_len, B, H))
    settled = net.forward(x[:BURN_IN]).state
    trace = net.forward(x[BURN_IN:], settled)
    if not np.isfinite(trace.h).all():
        return row, None
    last, direction = net.initial_state(B), rng.evaluation.standard_normal(H)
    last[0][:] = direction / np.linalg.norm(direction)
    logs, _ = by_lag(backward_scaled(net, trace, last))
    exponents = lyapunov_exponents(net, net.forward(x[BURN_IN : BURN_IN + EXPONENT_STEPS], settled))
    alive = exponents[np.isfinite(exponents)]
    row |= {"growth_rate": mean(statistics.growth_rates(logs)), "n_zero": int((logs[-1] == -np.inf).sum())}
    row |= {"largest_exponent": float(alive[0]) if alive.size else None, "mean_exponent": mean(alive)}
    row |= {"dead": len(exponents) - len(alive)}
    for lag in LAGS:
        at = logs[lag] / np.log(10) if lag < len(logs) else np.array([])
        row[f"log10_grad_{lag}"] = mean(np.where(np.isfinite(at), at, LOST))
    at_rest = np.abs(np.linalg.eigvals(step_jacobian(net, net.forward(np.zeros((1, 1, H))), 0))).max()
    row |= {"growth_at_rest": float(np.log(at_rest)) if at_rest > 0 else None}
    row |= {"linear_gap": linear_gap(net, last[0][0, 0], logs)}
    return row, logs


def linear_gap(net: RNN, direction: np.ndarray, logs: np.ndarray) -> float | None:
    """Return how far, in nats at any lag, the gradient is from its units' own |lambda|^k; None of other cells."""
    if "l0.nu" not in net.parameters:
        return None
    sizes = -np.exp(net.parameters["l0.nu"])  # ln |lambda|
    lags = np.arange(len(logs))[:, None]
    expected = 0.5 * np.log(np.square(direction * np.exp(lags * sizes)).sum(axis=1))
    return float(np.abs(logs - expected[:, None]).max())


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores."""
    nets, paths = zip(*map_replicates(lambda i: measure_net(config, i), config.replicates), strict=True)
    if lost := sum(logs is None for logs in paths):
        row = {"status": "diverged", "n": config.replicates}
        return Measurement(row, list(nets), message=f"{lost} of {config.replicates} nets overflow")
    logs = np.stack(paths, axis=2)  # (T + 1, B, nets)
    values = {name: [net[name] for net in nets if net.get(name) is not None] for name in nets[0]}
    row = {name: mean(values[name]) for name in nets[0] if name != "replicate"}
    row |= {f"{name}_se": standard_error(values[name]) for name in nets[0] if f"{name}_se" in COLUMNS}
    rates = statistics.growth_rates(logs)
    row |= {"growth_rate_sd": float(rates.std()) if len(rates) else None}
    return Measurement(row | {"status": "done", "n": config.replicates}, list(nets), statistics.by_lag(logs))


def page(done: pd.DataFrame) -> str:
    """Return the table of all cures as a page to read, a line for each net and drive."""
    shown = pd.DataFrame({"net": [said(row) for row in done.itertuples()]})
    shown["source"] = [recipes.RECIPES[net].source for net in done.net]
    shown["drive variance"] = list(done.drive_variance)
    shown["growth per step"] = [f"{row.growth_rate:.4f} ± {row.growth_rate_sd:.4f}" for row in done.itertuples()]
    for lag in LAGS:
        shown[f"log10 at lag {lag:,}"] = [f"{value:.1f}" for value in done[f"log10_grad_{lag}"].astype(float)]
    for name in ("largest_exponent", "mean_exponent", "growth_at_rest"):
        values = done[name].astype(float).fillna(-np.inf)  # no unit that never rests
        shown[name.replace("_", " ")] = [f"{value:.4f}" for value in values]
    title = f"# How far each net carries a gradient before it is trained\n\n{done.hidden_size.max()} units"
    words = f"{title}, {done.n.max()} nets; growth with its standard deviation over samples and nets, nats.\n\n"
    return words + shown.to_markdown(index=False, disable_numparse=True) + "\n\n![gradient by lag](cures.png)\n"


def draw(folder: Path) -> None:
    """Draw the gradient against the lag, a line a net, a panel for each drive; write the page of cures."""
    tables = read(folder)
    done = tables.table[tables.table.status == "done"]
    store.write_whole(folder / "cures.md", page(done))
    styles, drives = looks(done.net), sorted(done.drive_variance.unique())
    figure, panels = plt.subplots(
        1, len(drives), figsize=(2 + 4.4 * len(drives), 4.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, drive in zip(panels[0], drives, strict=True):
        zero_line(axes)
        for row in done[done.drive_variance == drive].itertuples():
            own, style = tables.lags[tables.lags.out == row.out].sort_values("lag"), styles[row.net]
            line, sd = own.log_norm / np.log(10), own.log_norm_sd / np.log(10)
            axes.plot(own.lag + 1, line, label=said(row), **style)
            axes.fill_between(own.lag + 1, line - sd, line + sd, color=style["color"], alpha=0.12, lw=0)
        axes.set(xlabel="steps back from the loss + 1", xscale="log", ylim=(-20, 6), title=f"drive variance {drive:g}")
    panels[0][0].set_ylabel("log10 of the gradient of all states, mean and sd")
    panels[0][-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))
    words = (
        f"before training: {done.hidden_size.max()} units, {done.n.max()} nets; lines leave out gradients that are zero"
    )
    figure.suptitle(words)
    save(figure, folder / "cures.png")


def said(row: Any) -> str:
    """Return a line's label: the net, and the radius that was asked for."""
    return row.net if np.isnan(row.spectral_radius) else f"{row.net}, radius {row.spectral_radius:g}"


def claims(tables: Tables) -> list[Judgement]:
    """Return L6: (a) what is lost at lag 100, (b) what is kept, (c) where theory gives a number."""
    found, table = [], tables.table[tables.table.spectral_radius.isna()]  # of nets that overflow nothing is measured
    for row in table.itertuples():
        case, at_100 = f"{row.net}, drive variance {row.drive_variance:g}", (row.log10_grad_100, row.log10_grad_100_se)
        same = row.net if row.net in WHATEVER_DRIVE else case
        if row.net in LOSE and row.drive_variance > 0:
            found.append(LOSE[row.net].judge(*at_100, row.n, draws=same, case=case))
        if row.net in KEEP and row.drive_variance > 0:
            found.append(KEEP[row.net].judge(*at_100, row.n, draws=same, case=case))
        if row.net == "lru":
            found.append(DECAY.judge(row.linear_gap, 0.0, row.n, draws=same, case=case))
        if row.net == "antisymmetric":
            found.append(NO_GROWTH.judge(abs(row.growth_rate), row.growth_rate_se, row.n, draws=same, case=case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
