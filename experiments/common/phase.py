"""Phase diagrams: measured cells on the colours of theory, with the line between vanishing and exploding."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm

from rnnkit.gradients import theory
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.formats import spelt
from rnnkit.statistics import EXPLODED, VANISHED

FINE = 160  # points of a line of theory
GROUND = 48  # of its colours, along each axis
COLOURS = plt.get_cmap("RdBu_r")
STEEPEST = 0.6  # nats a step: the end of the colours
DECADES = 12  # of a gradient, on either side of 1, that a picture tells apart


def gain_by_drive(table: pd.DataFrame, path: Path) -> None:
    """Draw the growth rate over gain and drive variance of tanh nets: theory as ground, measured cells as points.

    Nothing where a sweep has fewer than two gains or drives.
    """
    rows = table.dropna(subset=["gain", "growth_rate"])
    rows = rows[(rows.drive_variance > 0) & (rows.cell == "tanh") & rows.initializer.isin(["gaussian", "orthogonal"])]
    if rows.gain.nunique() < 2 or rows.drive_variance.nunique() < 2:
        return
    size, panels = rows.hidden_size.max(), list(rows.groupby("initializer"))
    gains = np.linspace(rows.gain.min() / 1.15, rows.gain.max() * 1.08, GROUND)
    drives = np.geomspace(rows.drive_variance.min() / 1.8, rows.drive_variance.max() * 1.8, GROUND)
    norm = TwoSlopeNorm(0, -STEEPEST, STEEPEST)
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(1.4 + 4 * len(panels), 4), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (initializer, own) in zip(all_axes[0], panels, strict=True):
        ground = np.stack([theory.growth_rate(gains, s2, size, initializer) for s2 in drives])
        image = axes.pcolormesh(gains, drives, ground, cmap=COLOURS, norm=norm, shading="gouraud", rasterized=True)
        axes.plot([theory.critical_gain(s2) for s2 in drives], drives, color="k", lw=1.2)
        axes.scatter(own.gain, own.drive_variance, c=own.growth_rate, cmap=COLOURS, norm=norm, edgecolors="k", s=70)
        axes.set(xlabel="gain", yscale="log", title=f"{initializer} W", xlim=gains[[0, -1]], ylim=drives[[0, -1]])
    all_axes[0][0].set_ylabel("drive variance")
    label = "growth of ln ||dL/dh|| per step back"
    figure.colorbar(image, ax=all_axes[0].tolist(), label=label, extend="both")
    figure.suptitle(f"points: measured, {rows.n.max()} nets, H = {size}; ground: theory; line: chi = 1")
    save(figure, path)


def length_by_radius(table: pd.DataFrame, path: Path) -> None:
    """Draw gradients over sequence length and spectral radius: dL/dh_0 with theory's bounds, dL/dW_hh for each clip.

    The lines are where theory's dL/dh_0 reaches the bounds of vanished and exploded. Nothing where a sweep has fewer
    than two lengths or radii, or more keys than length, radius and clip.
    """
    rows = table.dropna(subset=["spectral_radius", "log10_grad_W_hh_clipped"])
    rows = rows[(rows.cell == "tanh") & (rows.drive == "noise")]
    rows = rows[rows.initializer == rows.initializer.iloc[0]] if len(rows) else rows
    if rows.seq_len.nunique() < 2 or rows.spectral_radius.nunique() < 2:
        return
    if rows.duplicated(["seq_len", "spectral_radius", "clip"]).any():  # another key is swept: no cell is of one job
        return
    panels = [("||dL/dh_0||", rows, "log10_grad_h0")]
    panels += [
        (f"||dL/dW_hh||, clip {spelt(clip)}", cells, "log10_grad_W_hh_clipped")
        for clip, cells in sorted(rows.groupby("clip"), reverse=True)
    ]
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(2 + 3.2 * len(panels), 3.8), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (title, cells, column) in zip(all_axes[0], panels, strict=True):
        image = _heat_map(axes, cells.pivot_table(column, "spectral_radius", "seq_len"))
        axes.set(xlabel="sequence length", title=title)
    first = rows.iloc[0]
    if first.initializer in ("gaussian", "glorot", "orthogonal") and first.drive_variance > 0:
        lengths, radii = (sorted(rows[key].unique()) for key in ("seq_len", "spectral_radius"))
        size, s2 = int(first.hidden_size), float(first.drive_variance)
        bounds(all_axes[0][0], lengths, radii, lambda g: theory.growth_rate(g, s2, size, first.initializer))
    all_axes[0][0].set_ylabel("spectral radius")
    figure.colorbar(image, ax=all_axes[0].tolist(), label="log10 of the norm", extend="both")
    words = f"{rows.initializer.iloc[0]} W, {rows.n.max()} nets; lines: theory's bounds, 1e-6 and 1e6"
    figure.suptitle(words)
    save(figure, path)


def _heat_map(axes: plt.Axes, cells: pd.DataFrame) -> plt.Artist:
    image = axes.imshow(cells, origin="lower", cmap=COLOURS, norm=TwoSlopeNorm(0, -DECADES, DECADES), aspect="auto")
    for i, j in np.argwhere(np.isfinite(cells.to_numpy())):
        value = cells.iloc[i, j]
        colour = "w" if abs(value) > 0.6 * DECADES else "k"
        axes.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(cells.shape[1]), cells.columns)
    axes.set_yticks(range(cells.shape[0]), [f"{radius:g}" for radius in cells.index])
    return image


def bounds(axes: plt.Axes, lengths: list[int], radii: list[float], rate: Callable[[np.ndarray], np.ndarray]) -> None:
    """Draw, over the cells of a grid, the radius at which ln ||dL/dh_0|| = length rate(radius) is at each bound."""
    x = np.linspace(0, len(lengths) - 1, FINE)
    steps = np.exp(np.interp(x, range(len(lengths)), np.log(lengths)))
    fine = np.linspace(min(radii), max(radii), FINE)
    rates = rate(fine)
    for bound in (VANISHED, EXPLODED):
        at = np.interp(bound / steps, rates, fine, left=np.nan, right=np.nan)
        y = np.interp(at, radii, range(len(radii)))
        axes.plot(x, y, color="w", lw=3)  # seen on any ground
        axes.plot(x, y, color="k", lw=1.2, ls="--")
