"""Tables to pictures. The same table gives the same bytes."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.interpolate import PchipInterpolator

from rnnkit.runner.tables.formats import spelt
from rnnkit.runner.tables.style import hues, looks

LINE = "line"  # a column whose values are labels as they are


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, without the date and version that would change its bytes, and close it."""
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def label_of(by: str, value: Any) -> str:
    """Return what a legend says of the lines of one value of column `by`."""
    return value if by == LINE else f"{by} = {spelt(value)}"


def zero_line(axes: Axes) -> None:
    """Mark where gradients neither vanish nor explode."""
    axes.axhline(0, color="0.6", lw=0.8, zorder=0)


def measured_on_theory(
    table: pd.DataFrame, x: str, by: str, path: Path, xlabel: str, ylabel: str = "growth of ln ||dL/dh|| per step back"
) -> None:
    """Draw growth_rate with 2 se bars over growth_rate_theory against column x, and what is left of it below.

    A colour for each `by`. The theory's line is a monotone cubic through its values at the points.
    """
    rows = table.dropna(subset=["growth_rate"]).drop_duplicates([x, by])
    if rows.empty:
        return
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(6, 5.4), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    groups = list(rows.groupby(by))
    colours = hues(value for value, _ in groups)
    for i, (value, group) in enumerate(groups):
        group, theory = group.sort_values(x), group.sort_values(x).growth_rate_theory.astype(float)
        style = {"fmt": "o", "ms": 8 - 4 * i / len(groups), "mfc": "none", "color": colours[value]}
        bars = 2 * group.growth_rate_se.fillna(0)
        above.plot(*_curve(group[x], theory), color=colours[value], lw=1.2)
        above.errorbar(group[x], group.growth_rate, bars, **style, label=label_of(by, value))
        below.errorbar(group[x], group.growth_rate - theory, bars, **style)
    for axes in (above, below):
        zero_line(axes)
    nets = f", {rows['n'].max():.0f} nets" if "n" in rows else ""
    above.set(ylabel=ylabel, title=f"points: measured, 2 se{nets}; lines: theory, interpolated")
    above.legend()
    below.set(xlabel=xlabel, ylabel="measured - theory")
    save(figure, path)


def _curve(x: pd.Series, y: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    known = y.notna().to_numpy()
    x, y = x.to_numpy(float)[known], y.to_numpy(float)[known]
    if len(x) < 4:
        return x, y
    dense = np.linspace(x[0], x[-1], 200)
    return dense, PchipInterpolator(x, y)(dense)


def log_norm_by_lag(lags: pd.DataFrame, by: str, path: Path, title: str) -> None:
    """Draw mean and sd (over nets and samples) of log10 ||dL/dh|| against lag, a colour for each `by`."""
    figure, axes = plt.subplots(figsize=(6, 4.2))
    zero_line(axes)
    groups = list(lags.groupby(by))
    styles = looks(value for value, _ in groups)
    for value, group in groups:
        group = group.sort_values("lag")
        mean, sd = group.log_norm / 2.302585, group.log_norm_sd / 2.302585
        axes.plot(group.lag, mean, **styles[value], label=label_of(by, value))
        axes.fill_between(group.lag, mean - sd, mean + sd, color=styles[value]["color"], alpha=0.2, lw=0)
    axes.set(xlabel="lag (steps back from the loss)", ylabel="log10 ||dL/dh||, mean and 1 sd")
    axes.set_title(title)
    axes.legend()
    save(figure, path)


def learning_curves(history: pd.DataFrame, by: str, y: str, path: Path, ylabel: str) -> None:
    """Draw column y against the updates made, a line for each `by`."""
    figure, axes = plt.subplots(figsize=(6, 4.2))
    groups = list(history.groupby(by))
    styles = looks(value for value, _ in groups)
    for value, group in groups:
        group = group.sort_values("update")
        axes.plot(group["update"], group[y], marker="o", ms=3, **styles[value], label=label_of(by, value))
    axes.set(xlabel="updates", ylabel=ylabel)
    axes.legend()
    save(figure, path)
