"""Pictures of trainings, from tables. The same table gives the same bytes."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rnnkit.runner.tables.figures import LINE, save
from rnnkit.runner.tables.formats import spelt
from rnnkit.runner.tables.style import NAMES, looks

HIGHEST = 10  # of a loss, in units of the best constant's
OUTCOMES = {"n_solved": "#4c9f70", "n_unsolved": "#c9c9c9", "n_diverged": "#c8553d"}


def success_grid(
    table: pd.DataFrame, x: str, y: str, panel: str, path: Path, mark: Callable[[Axes, list, list], None] | None = None
) -> None:
    """Draw the share of nets solved as colour over columns x and y, a panel for each value of `panel`.

    A cell says how many of its nets were solved, how many more or fewer than in the first panel, and how many diverged
    where any did; a title, in how many cells there are more, and fewer. mark: draws more on a panel's axes, given the
    values along both.
    """
    table = table.assign(**{key: table[key].map(spelt) for key in (x, y) if table[key].isna().any()})
    panels = [(value, cells) for value, cells in table.groupby(panel, sort=False)]
    xs, ys = sorted(table[x].unique()), sorted(table[y].unique())
    size = (1.2 + 0.66 * len(xs) * len(panels), 1.6 + 0.5 * len(ys))
    figure, all_axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axes, (value, cells) in zip(all_axes[0], panels, strict=True):
        share = cells.pivot_table("solved_share", y, x).reindex(index=ys, columns=xs).to_numpy(float)
        image = axes.imshow(share, origin="lower", vmin=0, vmax=1, aspect="auto")
        first = panels[0][1].set_index([x, y]).n_solved
        first = first if first.index.is_unique else {}  # where other keys are swept nothing is compared
        more = {cell.Index: cell.n_solved - first.get((getattr(cell, x), getattr(cell, y)), cell.n_solved)
                for cell in cells.itertuples()}  # fmt: skip
        for cell in cells.itertuples():
            text = f"{cell.n_solved}" + (f" ({more[cell.Index]:+d})" if more[cell.Index] else "")
            text += f"\n{cell.n_diverged} div." if cell.n_diverged else ""
            place = xs.index(getattr(cell, x)), ys.index(getattr(cell, y))
            axes.text(*place, text, ha="center", va="center", fontsize=7, color="w" if cell.solved_share < 0.6 else "k")
        axes.set_xticks(range(len(xs)), xs)
        axes.set_yticks(range(len(ys)), ys)
        if mark is not None:
            mark(axes, xs, ys)
        title = value.replace(", ", "\n") if panel == LINE else f"{panel} {spelt(value)}"
        if cells is not panels[0][1]:
            up, down = (sum(sign * difference > 0 for difference in more.values()) for sign in (1, -1))
            title += f"\nmore in {up} cells, fewer in {down}"
        axes.set(xlabel=x.replace("_", " "), title=title)
    all_axes[0][0].set_ylabel(y.replace("_", " "))
    figure.colorbar(image, ax=all_axes[0].tolist(), label=f"share solved of {table.n.max()} nets", fraction=0.04)
    save(figure, path)


def solved_over_updates(nets: pd.DataFrame, by: str, panel: str, path: Path) -> None:
    """Draw the share of nets solved so far against updates, a line for each `by`, a panel for each `panel`.

    nets: a row for each net, with `first`, empty where it was not solved, and `cap`.
    """
    panels = list(nets.groupby(panel))
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(1 + 2.8 * len(panels), 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    styles = looks(nets[by])
    for axes, (value, group) in zip(all_axes[0], panels, strict=True):
        for name, style in styles.items():
            own = group[group[by] == name]
            first = sorted(own["first"].dropna())
            share = [k / len(own) for k in range(len(first) + 1)]
            axes.step([0, *first, own.cap.max()], [*share, share[-1]], where="post", **style, label=name)
        axes.set(xlabel="updates", title=f"{panel.replace('_', ' ')} {value}", ylim=(-0.03, 1.03))
    all_axes[0][0].set_ylabel("share of nets solved")
    all_axes[0][-1].legend()
    save(figure, path)


def learning_curves_by(history: pd.DataFrame, by: str, panel: str, path: Path) -> None:
    """Draw the training loss in units of the best constant's, a line for each `by`, a panel for each `panel`.

    What goes above HIGHEST (an update that exploded) leaves the picture.
    """
    history = history.assign(share=history.loss / history.constant_loss)
    panels = list(history.groupby(panel))
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(1.6 + 2.6 * len(panels), 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    styles = looks(history[by])
    for axes, (value, group) in zip(all_axes[0], panels, strict=True):
        for name, style in styles.items():
            own = group[group[by] == name].sort_values("update")
            axes.plot(own["update"], own.share, **style, label=name)
        axes.axhline(1, color="0.3", ls=":", lw=1, label="best constant")
        axes.set(xlabel="updates", title=f"{panel.replace('_', ' ')} {value}", yscale="log")
    low, high = history.share.min(), history.share.max()
    all_axes[0][0].set(ylabel="training loss / best constant's", ylim=(low / 1.2, min(HIGHEST, 1.2 * high)))
    all_axes[0][-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    save(figure, path)


def success_by(table: pd.DataFrame, x: str, by: str, path: Path, xlabel: str) -> None:
    """Draw the share of nets solved against column x with Wilson intervals, a line for each `by`."""
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.axhline(0.5, color="0.7", lw=0.8, zorder=0)
    styles = looks(table[by])
    values = sorted(table[x].unique())
    step = 0.6 / len(styles)  # so that bars do not hide each other
    for i, (name, style) in enumerate(styles.items()):
        own = table[table[by] == name].sort_values(x)
        share = own.solved_share.astype(float)
        bars = np.abs(own[["wilson_low", "wilson_high"]].to_numpy(float).T - share.to_numpy())
        at = np.array([values.index(value) for value in own[x]]) + step * (i - (len(styles) - 1) / 2)
        axes.errorbar(at, share, bars, marker="o", **style, label=name)
    axes.set_xticks(range(len(values)), values)
    axes.set(xlabel=xlabel, ylabel="share of nets solved, 95% Wilson interval", ylim=(-0.03, 1.03))
    axes.set_title(f"{table.n.max()} nets a point")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    save(figure, path)


def outcomes(table: pd.DataFrame, keys: list[str], path: Path) -> None:
    """Draw how the nets of each job ended: solved, unsolved, diverged."""
    labels = [", ".join(f"{key.replace('_', ' ')} {spelt(row[key])}" for key in keys) for _, row in table.iterrows()]
    figure, axes = plt.subplots(figsize=(6.5, 0.8 + 0.4 * len(table)))
    left = np.zeros(len(table))
    for name, colour in OUTCOMES.items():
        axes.barh(labels, table[name], left=left, color=colour, label=name.removeprefix("n_"))
        left += table[name].to_numpy(float)
    axes.invert_yaxis()
    axes.set(xlabel="nets")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=3, frameon=False)
    save(figure, path)


def error_by_length(errors: np.ndarray, lengths: list[int], longest: int, path: Path) -> None:
    """Draw the error of every net (nets, lengths) against the length tested, and the longest length trained on."""
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.axvline(longest, color="0.7", lw=0.8, zorder=0)
    axes.axhline(0.25, color="0.3", ls=":", lw=1, label="best bag of words")
    axes.plot(lengths, errors.T, "o-", ms=3, lw=0.8, color=NAMES[0], alpha=0.5)
    axes.set(xlabel="length tested (grey line: longest trained on)", ylabel="share of sequences wrong", xscale="log")
    axes.set_xticks(lengths, lengths)
    axes.minorticks_off()
    axes.legend()
    save(figure, path)


def by_radius(nets: pd.DataFrame, y: str, level: float, path: Path, ylabel: str) -> None:
    """Draw column y of every net against the spectral radius it began with, and the mean of each radius."""
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.axhline(level, color="0.3", ls=":", lw=1, label="best constant")
    axes.plot(nets.spectral_radius, nets[y], "o", ms=4, mfc="none", color=NAMES[0])
    means = nets.groupby("spectral_radius")[y].mean()
    axes.plot(means.index, means, "-", color="k", label="mean")
    axes.set(xlabel="spectral radius at the start", ylabel=ylabel, yscale="log")
    axes.legend()
    save(figure, path)
