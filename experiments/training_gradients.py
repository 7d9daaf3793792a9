"""Gradients by lag while nets learn, stay at chance, or explode (claims D1 and D2).

Method. Temporal order as in `temporal_order`: basic tanh, 50 units, SGD at learning rate .01, batches of 20, no clip,
W_hh scaled to `spectral_radius` at the start. At .8 gradients vanish at first and nets learn, at .2 they vanish too
fast, at 8 they explode. Before the first update and after every `record_every`, on the same `record_size` sequences:
ln ||dL/dh_t|| of each sequence's own loss, by lag, ln ||dL/dW|| of each weight, the spectral radius of W_hh and the
largest Lyapunov exponent. The recording leaves the training as it is, bit for bit.

The far gradient is the mean of ln ||dL/dh_t|| - ln ||dL/dh_T|| over the earliest fifth of the steps, where the first of
the two symbols stands: what W_hh lets through, whatever the loss and the readout are. It has risen once it is RISE
above its start; it has made half of its rise, where it rose at all, at half of its way, in nats, from the start to its
highest record up to the solve. The error has fallen once it is below half of chance: who knows the second symbol alone
is wrong in half of the sequences, so that it takes the first one. Both are seen at records alone; at the same record is
not before. Tests of nets at chance are of 250 sequences, a standard error of .03.

    python experiments/training_gradients.py -m spectral_radius=0.2,0.8,8.0
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common.training import COLUMNS, TrainingConfig, median_reached, of_nets, train_nets
from matplotlib.axes import Axes
from pydantic import Field

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save, zero_line
from rnnkit.runner.tables.formats import spelt
from rnnkit.runner.tables.style import NAMES, hues
from rnnkit.statistics import EXPLODED, VANISHED, mean, share_se, standard_error
from rnnkit.training.loop import Trained
from rnnkit.training.protocol import Protocol

BUDGET_MINUTES = {"quick": 0.35, "laptop": 6.0}
# all fixed before the first run
FAR = 0.2  # of the steps, from the first on: the first symbol stands in the second tenth
RISE = 1.0  # nats
FALLEN = 0.5  # of the chance error
FEWEST = 8  # nets: a smaller budget decides nothing
SOURCE = "stated here, after the seed article on vanishing gradients: a weak signal from distant steps teaches nothing"
RISES_FIRST, HALF_RISES_FIRST = (
    Claim(
        claim=part,
        class_="direction",
        kind="above",
        statement=f"solved nets of radius below 1: share whose far gradient {words} before the error halves ({{cap}})",
        source=SOURCE,
        bar=0.5,
        reason="more than half of the nets, so that the median difference of the two updates is below 0",
    )
    for part, words in (("D1a", f"has risen by {RISE:g} nat"), ("D1b", "is half risen"))
)
STAYS_VANISHED = Claim(
    claim="D2",
    class_="direction",
    kind="below",
    statement="unsolved nets of radius {low:g}: highest far gradient, ln of its share of the last step's ({cap})",
    source=SOURCE,
    bar=float(VANISHED),
    reason="a millionth, what counts as vanished everywhere here",
)
LOWEST = -3.0  # of a picture's exponents: saturated nets are far below
PICTURES = {
    "spectral_radius": "spectral radius of W_hh",
    "exponent": f"largest Lyapunov exponent, nats per step\n(saturated, or below {LOWEST:g}: not shown)",
}


class Config(TrainingConfig):
    """Keys of a job."""

    record_every: int = Field(50, ge=1, le=10**9, description="an integer from 1 to 1e9, a multiple of check_every")
    record_size: int = Field(100, ge=1, le=100_000, description="an integer from 1 to 100000")

    def protocol(self) -> Protocol:
        """Return the training that the keys describe, with its records."""
        return replace(super().protocol(), record_every=self.record_every, record_size=self.record_size)


def far_gradient(lags: dict[str, list]) -> float:
    """Return the mean log norm over the earliest steps less that of the last one, nats; nan where one is missing."""
    log_norms = np.array(lags["log_norm"], float)  # nan of None
    return float(log_norms[-max(1, int(FAR * len(log_norms))) :].mean() - log_norms[0])


def curve_of(net: Trained) -> pd.DataFrame:
    """Return a row for each record of a net: update, error of the test then, and what the record has to say."""
    errors = {row["update"]: row.get("error") for row in net.history}
    rows = [
        {"replicate": net.replicate, "update": row["update"], "error": errors.get(row["update"])}
        | {"far_gradient": far_gradient(row["lags"]["l0"]), "spectral_radius": row["spectral_radius"]}
        | {"exponent": row["exponent"], "n_nonfinite": row["n_nonfinite"]}
        | {f"log_norm_{name}": value for name, value in row["log_weight_norms"].items()}
        for row in net.records
    ]
    return pd.DataFrame(rows)


def milestones(curve: pd.DataFrame, first: int | None, chance: float) -> dict[str, float | int | None]:
    """Return a net's far gradient at the start and at its highest, and when it rose, by RISE and half, and error fell.

    curve: as `curve_of` gives it. first: the update of the solve; None of a net that was not. chance: error of chance.
    """
    far, start = curve.far_gradient, curve.far_gradient.iloc[0]
    highest = far[curve["update"] <= (np.inf if first is None else first)].max()
    rise, has_risen = first_update(curve, far >= start + RISE), highest >= start + RISE
    return {
        "far_start": _or_none(start),
        "far_highest": _or_none(far.max()),
        "rise": rise,
        "half_rise": first_update(curve, far >= (start + highest) / 2) if has_risen else None,
        "fall": first_update(curve, curve.error.astype(float) < FALLEN * chance),
    }


def first_update(curve: pd.DataFrame, reached: pd.Series) -> int | None:
    """Return the first update of a curve where something is reached; None for never."""
    return int(curve["update"][reached].iloc[0]) if reached.any() else None


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def by_update_and_lag(config: Config, nets: list[Trained]) -> list[dict]:
    """Return a row for each record and lag: mean and standard deviation, over the nets, of their mean log norms."""
    of_nets = [
        pd.DataFrame(row["lags"]["l0"]).assign(update=row["update"])
        for net in nets
        for row in net.records
        if row["update"] % config.record_every == 0  # a net that diverged has its last one between two
    ]
    groups = pd.concat(of_nets).astype({"log_norm": float}).groupby(["update", "lag"]).log_norm
    return groups.agg(log_norm="mean", log_norm_sd=lambda values: values.std(ddof=0)).reset_index().to_dict("records")


def measure(config: Config) -> Measurement:
    """Train the nets of a job, and tell when gradients rose and errors fell."""
    nets = train_nets(config)
    measured, curves = of_nets(config, nets), [curve_of(net) for net in nets]
    chance = measured.row["chance_error"]
    for row, net, curve in zip(measured.nets, nets, curves, strict=True):
        row |= milestones(curve, net.first, chance)
    for name in ("far_start", "far_highest"):
        measured.row[name] = mean([row[name] for row in measured.nets if row[name] is not None])
    for name in ("rise", "half_rise", "fall"):
        measured.row[f"median_{name}"] = median_reached([row[name] for row in measured.nets])
    measured.lags, measured.history = by_update_and_lag(config, nets), pd.concat(curves).to_dict("records")
    return measured


def draw(folder: Path) -> None:
    """Draw gradients over lag and update, under the error, of each job; and radius and exponent over updates."""
    tables = read(folder)
    _draw_lags(tables, folder / "lags.png")
    _draw_over_updates(tables, folder / "updates.png")


def _draw_lags(tables: Tables, path: Path) -> None:
    jobs, lags = list(tables.table.itertuples()), tables.lags
    figure, panels = plt.subplots(2, len(jobs), figsize=(1.6 + 3.4 * len(jobs), 5.4), sharex="col", sharey="row",
                                  squeeze=False, height_ratios=[1, 2], layout="constrained")  # fmt: skip
    for (above, below), job in zip(panels.T, jobs, strict=True):
        _draw_error(above, job, tables.history[tables.history.out == job.out])
        grid = lags[lags.out == job.out].pivot_table(index="lag", columns="update", values="log_norm", dropna=False)
        below.set_facecolor("0.6")  # where no net has a finite one
        image = below.pcolormesh(grid.columns, grid.index, grid, cmap="RdBu_r", vmin=VANISHED, vmax=EXPLODED,
                                 shading="nearest", rasterized=True)  # fmt: skip
        for update, style in ((job.median_rise, "-"), (job.median_fall, "--")):
            below.axvline(update, color="k", ls=style, lw=1)  # nan is not drawn
        below.set(xlabel="updates")
    panels[0, 0].set_ylabel("share wrong")
    panels[0, 0].legend(fontsize=7, loc="lower left")
    panels[1, 0].set_ylabel("lag, steps back from the last")
    words = "ln ||dL/dh||, nats, mean over nets\n(ends: a millionth, a million)"
    figure.colorbar(image, ax=list(panels[1]), label=words, extend="both")
    figure.suptitle("black: half of the nets have a far gradient that has risen (line), an error below half of chance "
                    "(dashed)")  # fmt: skip
    save(figure, path)


def _draw_error(axes: Axes, job: tuple, curves: pd.DataFrame) -> None:
    for i, (_, curve) in enumerate(curves.groupby("replicate")):
        label = None if i else "a net"
        axes.plot(curve["update"], curve.error, color=NAMES[0], lw=0.5, alpha=0.5, label=label)
    axes.axhline(job.chance_error, color="0.3", ls=":", lw=1, label="chance")
    axes.axhline(FALLEN * job.chance_error, color="0.3", ls="-.", lw=0.8, label="half of chance")
    axes.set_title(f"radius {spelt(job.spectral_radius)}: {job.n_solved} of {job.n} nets solved")
    axes.set_ylim(-0.03, 1)


def _draw_over_updates(tables: Tables, path: Path) -> None:
    figure, panels = plt.subplots(1, len(PICTURES), figsize=(9, 3.8), layout="constrained")
    jobs = list(tables.table.itertuples())
    colours = hues(job.spectral_radius for job in jobs)
    for axes, (name, words) in zip(panels, PICTURES.items(), strict=True):
        for job in jobs:
            curves = tables.history[tables.history.out == job.out]
            for _, curve in curves.groupby("replicate"):
                axes.plot(curve["update"], curve[name], color=colours[job.spectral_radius], lw=0.5, alpha=0.4)
            means = curves.groupby("update")[name].agg(lambda values: values.mean(skipna=False))  # of all nets or none
            label = f"radius {spelt(job.spectral_radius)}"
            axes.plot(means.index, means, color=colours[job.spectral_radius], label=label)
        axes.set(xlabel="updates", ylabel=words)
    panels[0].set_yscale("log")
    panels[0].axhline(1, color="0.6", lw=0.8, zorder=0)
    zero_line(panels[1])
    panels[1].set_ylim(bottom=LOWEST)
    panels[0].legend(title=f"at the start; thin: {jobs[0].n} nets")
    save(figure, path)


def claims(tables: Tables) -> list[Judgement]:
    """Return D1, the order of rise and fall in nets that learn, and D2, the far gradient of those that do not."""
    nets = tables.nets.merge(tables.table[["out", "spectral_radius"]], on="out")
    cap, low = f"cap {tables.table.updates.max():,} updates", tables.table.spectral_radius.min()
    solved = nets[(nets.outcome == "solved") & (nets.spectral_radius < 1)]
    found, n = [], len(solved)
    for claim, column in ((RISES_FIRST, "rise"), (HALF_RISES_FIRST, "half_rise")):
        before = int((solved[column] < solved.fall).sum())
        share, se = (before / n, share_se(before, n)) if n >= FEWEST else (np.nan, np.nan)
        found.append(claim.judge(share, se, n, enough=n >= FEWEST, draws="solved nets", cap=cap))
    own = nets[(nets.outcome == "unsolved") & (nets.spectral_radius == low)].far_highest.dropna()
    level, se = (own.mean(), standard_error(own)) if len(own) >= FEWEST else (np.nan, np.nan)
    return [*found, STAYS_VANISHED.judge(level, se, len(own), enough=len(own) >= FEWEST, low=low, cap=cap)]


OWN = ["far_start", "far_highest", "median_rise", "median_half_rise", "median_fall"]
EXPERIMENT = Experiment(__file__, Config, measure, [*COLUMNS, *OWN], draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
