"""The tables of the benchmark as CSV, one page to read, one picture."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.style import NAMES

KINDS = {"rnn": ("RNN", 2.0), "lstm": ("LSTM", 1.5), "gru": ("GRU", 1.7)}  # name, target of the geometric mean
TABLES = (*KINDS, "training", "trained", "long", "busy", "environment")
SHARE = 0.8  # of its limit, where a cell stays under 1.5 times the best peer
CLOSE = 1.5


def write(out: Path, new: dict[str, pd.DataFrame]) -> None:
    """Write the new tables, and from all tables of the folder the page and the picture."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in new.items():
        table.to_csv(out / f"{name}.csv", index=False)
    tables = {name: pd.read_csv(out / f"{name}.csv") for name in TABLES if (out / f"{name}.csv").exists()}
    shown = {name: tables[name] for name in KINDS if name in tables}
    if shown:
        ratios_by_hidden_size(shown, out / "ratios.png")
    page = [summary(tables), *([classes(shown)] if shown else [])]
    page += [f"## {name}\n\n{table.to_markdown(index=False, floatfmt='.3g')}" for name, table in tables.items()]
    (out / "table.md").write_text("\n\n".join(page) + "\n")
    print(page[0], out / "table.md", sep="\n")


def classes(shown: dict[str, pd.DataFrame]) -> str:
    """Return the ratio to the best peer by kind of net and size: geometric mean (least to most)."""
    small, large = (lambda t: (t.B > 1) & (t.H <= 64)), (lambda t: (t.B > 1) & (t.H >= 256))
    parts = {
        "all cells": lambda t: t.B > 0,
        "one row": lambda t: t.B == 1,
        "more rows, H to 64": small,
        "more rows, H between": lambda t: (t.B > 1) & ~small(t) & ~large(t),
        "more rows, H from 256": large,
    }
    rows = [
        {"time of the best peer / rnnkit": part}
        | {KINDS[kind][0]: _spread(table[of(table)]["best_peer/rnnkit"]) for kind, table in shown.items()}
        for part, of in parts.items()
    ]
    return pd.DataFrame(rows).to_markdown(index=False)


def _spread(ratios: pd.Series) -> str:
    mean = np.exp(np.log(ratios).mean())
    return f"{mean:.2f} ({ratios.min():.2f} to {ratios.max():.2f})" if len(ratios) else ""


def summary(tables: dict[str, pd.DataFrame]) -> str:
    """Return the targets and what was reached, cells under target by name."""
    lines = ["| target | reached | cells under it |", "|---|---|---|"]
    for kind, (name, target) in KINDS.items():
        if kind in tables:
            lines += _net_lines(name, target, tables[kind])
    of = {"training": _training_lines, "trained": _trained_lines, "long": _long_lines, "busy": _busy_lines}
    for part, lines_of in of.items():
        lines += lines_of(tables[part]) if part in tables else []
    return "\n".join(lines) + "\n"


def _net_lines(name: str, target: float, table: pd.DataFrame) -> list[str]:
    ratios = table["best_peer/rnnkit"]
    far = table[(ratios < CLOSE) & (table.limit_share < SHARE)]
    mean = np.exp(np.log(ratios).mean())
    close = f"{name}: at least {SHARE:.0%} of its limit where under {CLOSE}x"
    return [
        f"| {name}: geometric mean at least {target}x the best peer | {mean:.2f}x | |",
        f"| {name}: every cell at least 1.0x | {ratios.min():.2f}x | {_names(table[ratios < 1])} |",
        f"| {close} | {len(far)} cells are not | {_names(far)} |",
    ]


def _training_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    for H, target in ((50, 5.5), (128, 3.0)):
        cells = table[table.H == H]
        names = "; ".join(f"{r.nets} nets, T={r.T}" for r in cells[cells["best_peer/rnnkit"] < target].itertuples())
        reached = cells["best_peer/rnnkit"].min()
        lines.append(f"| training, H = {H}: at least {target}x the best peer | {reached:.2f}x | {names} |")
    return lines


def _trained_lines(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    name = f"training of {row.nets:g} nets, H = {row.H:g}, B = {row.B:g}, T = {row['T']:g}"
    return [f"| {name}: at most 1.15x forward + BPTT | {row['train/bare']:.2f}x | |"]


def _long_lines(table: pd.DataFrame) -> list[str]:
    kept, plain = (table[table.form == form].set_index("T") for form in ("checkpointed", "plain"))
    longest, step = table["T"].max(), kept.us_per_step
    extra = step[longest] / plain.us_per_step[longest]
    return [
        f"| checkpointed: cost of a step flat within 15% | {step.max() / step.min() - 1:.0%} | |",
        f"| checkpointed, T = {longest}: at most 150 MB | {kept.megabytes[longest]:.0f} MB | |",
        f"| checkpointed, T = {longest}: at most 1.5x the time of plain | {extra:.2f}x | |",
    ]


def _busy_lines(table: pd.DataFrame) -> list[str]:
    lines, of_nets = [], table[table["best_peer/rnnkit"].notna()]
    ratios = of_nets["best_peer/rnnkit"]
    target = f"beside {table.busy[0]} busy processes: every cell at least 1.0x the best peer there"
    lines.append(f"| {target} | {ratios.min():.2f}x | {_busy_names(of_nets[ratios < 1])} |")
    for column, most, of in (("busy/quiet", 2.5, "quiet"), ("threads/serial", 1.2, "serial")):
        target = f"beside {table.busy[0]} busy processes: at most {most}x the {of} time"
        lines.append(f"| {target} | {table[column].max():.2f}x | {_busy_names(table[table[column] > most])} |")
    return lines


def _busy_names(table: pd.DataFrame) -> str:
    return "; ".join(f"{r.what}, {r.H}, {r.B}, {r.T}" for r in table.itertuples())


def _names(cells: pd.DataFrame) -> str:
    return "; ".join(f"{r.H}, {r.B}, {r.T}" for r in cells.itertuples())


def ratios_by_hidden_size(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw how many times faster rnnkit is than the best peer against H, a panel a kind, a line a batch and length."""
    figure, panels = plt.subplots(1, len(tables), figsize=(3.6 * len(tables), 3.8), sharey=True, squeeze=False)
    for axes, (kind, table) in zip(panels[0], tables.items(), strict=True):
        axes.axhline(1, color="0.6", lw=0.8, zorder=0)
        groups = list(table.groupby(["B", "T"]))
        for i, ((B, T), group) in enumerate(groups):
            axes.plot(group["H"], group["best_peer/rnnkit"], "o-", ms=4, color=NAMES[i], label=f"{B}, {T}")
        axes.set(xscale="log", yscale="log", xlabel="hidden units H", title=KINDS[kind][0])
        powers = [h for h in sorted(table["H"].unique()) if h & (h - 1) == 0]  # labels of 100 and 128 would overlap
        axes.set_xticks(powers, powers)
        axes.set_yticks([0.5, 1, 2, 4, 8], ["0.5", 1, 2, 4, 8])
        axes.minorticks_off()
    panels[0, 0].set_ylabel("time of the best peer / time of rnnkit")
    panels[0, -1].legend(title="batch, steps", frameon=False, fontsize=8)
    save(figure, path)
