"""Success of training over sequence length, spectral radius and clipping: the headline sweep (claims S8).

Method. The temporal order problem of Hochreiter and Schmidhuber (1997) as in Pascanu, Mikolov, Bengio (2013) and their
code: A or B at p0 in [.1 L, .2 L), again at p1 in [.5 L, .6 L), distractors elsewhere, and at the end one of four
classes. 50 tanh units, all weights N(0, .1) ("basic tanh"), W_hh then scaled to `spectral_radius`; SGD, batches of 20.
A net is solved when under 1% of 10,000 fresh sequences are wrong (first passage), held when so at three checks in a
row. Net r of each job has the same draws. `pair_error` is the share wrong among AB and BA alone,
which a bag of words cannot tell apart: counts know AA and BB, so the best of them errs on a quarter of all.
Whether a clip helps is judged elsewhere: at length 50 in `clip_headline`, where gradients vanish in
`vanishing_uncured`.

    python experiments/temporal_order.py -m seq_len=10,20,30 clip=none,1.0 spectral_radius=0.8,1.0,1.2
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from common.cells import by_cell
from common.phase import bounds
from common.training import COLUMNS, TrainingConfig, of_nets, train_nets
from matplotlib.axes import Axes

from rnnkit.gradients import theory
from rnnkit.networks import recipes
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import success_grid
from rnnkit.statistics import mean, share_se, standard_error
from rnnkit.tasks.temporal_order import TemporalOrder
from rnnkit.training.loop import Trained

BUDGET_MINUTES = {"quick": 0.15, "laptop": 6.0}
PAIR = (1, 2)  # BA and AB: the classes with one A and one B
PAIR_SEQUENCES = 2000
BAG = Claim(
    claim="S8a",
    class_="check",
    kind="equal",
    statement="best bag of words on temporal order: share wrong",
    source="counts of A and B, enumerated",
    bar=0.25,
    margin=0.0,
    reason="an enumeration is exact",
)
ALL_CLASSES = Claim(
    claim="S8b",
    class_="direction",
    kind="below",
    statement="seq_len {length}, radius 1.2, clip 1: share wrong of all four classes is below a bag of words' 0.25",
    source="the seed article, bag-of-words example: order matters; the task is chosen here",
    bar=0.25,
    reason="counts tell AA and BB: the best bag of words errs on a quarter of all",
)
PAIR_ALONE = Claim(
    claim="S8c",
    class_="direction",
    kind="below",
    statement="seq_len {length}, radius 1.2, clip 1: share wrong of AB and BA alone is below a bag of words' 0.5",
    source="the seed article, bag-of-words example: order matters; the task is chosen here",
    bar=0.5,
    reason="counts do not tell AB from BA: a bag of words is at chance",
)


def pair_error(config: TrainingConfig, net: Trained) -> float | None:
    """Return the share of AB and BA answered wrong, of fresh sequences; None for a net that is not finite."""
    batch = config.the_task.sample(
        streams(config.seed, 10**6 + net.replicate).evaluation, PAIR_SEQUENCES, config.seq_len
    )
    y = net.net.forward(batch.x).y
    chosen = np.isin(batch.target[0], PAIR)
    return float((y.argmax(axis=1) != batch.target[0])[chosen].mean()) if np.isfinite(y).all() else None


def bag_of_words_error() -> float:
    """Return the least share of wrong answers from the counts of A and B alone, over the four equal classes."""
    classes = {(first, second): first + 2 * second for first in (0, 1) for second in (0, 1)}
    right = {sum(pair): 1 for pair in classes}  # of every count one class can be answered
    return 1 - sum(right.values()) / len(classes)


def measure(config: TrainingConfig) -> Measurement:
    """Train the nets of one cell."""
    nets = train_nets(config)
    measured = of_nets(config, nets)
    if config.task == TemporalOrder(2).name:
        for row, net in zip(measured.nets, nets, strict=True):
            row["pair_error"] = pair_error(config, net)
        measured.row["pair_error"] = mean([r["pair_error"] for r in measured.nets if r["pair_error"] is not None])
        measured.row["bag_of_words_error"] = bag_of_words_error()
    return measured


def draw(folder: Path) -> None:
    """Draw the share of nets solved over length and radius, a panel for each clip, on theory's bounds at the start."""
    table, panel = by_cell(read(folder).table, "clip")
    success_grid(table, "seq_len", "spectral_radius", panel, folder / "success.png", bounds_at_the_start(table))


def bounds_at_the_start(table: pd.DataFrame) -> Callable[[Axes, list, list], None] | None:
    """Return what draws where gradients of tanh nets begin vanished or exploded; None of another sweep.

    A one-hot input drives each unit with the variance of its weights.
    """
    recipe = recipes.RECIPES[table.net.iloc[0]]
    swept = table.seq_len.nunique() > 1 and table.spectral_radius.nunique() > 1 and table.spectral_radius.notna().all()
    if table.net.nunique() > 1 or recipe.cell != "tanh" or recipe.input_std is None or not swept:
        return None
    s2, H = recipe.input_std**2, int(table.hidden_size.iloc[0])

    def mark(axes: Axes, lengths: list, radii: list) -> None:
        bounds(axes, lengths, radii, lambda gain: theory.growth_rate(gain, s2, H, "gaussian"))
        words = "dashed: at the start theory has 1e-6, or 1e6, of the gradient left at the first step"
        axes.figure.suptitle(words)

    return mark


def claims(tables: Tables) -> list[Judgement]:
    """Return S8 on the shortest length at radius 1.2 and clip 1, where the sweep has it; nothing of another task."""
    table = tables.table[tables.table.task == TemporalOrder(2).name]
    found = [BAG.judge(row.bag_of_words_error, 0.0, 4) for row in table.head(1).itertuples()]
    cells = table[(table["clip"] == 1) & (table.spectral_radius == 1.2)].sort_values("seq_len")
    if cells.empty:
        return found
    cell = cells.iloc[0]
    nets = tables.nets[tables.nets.out == cell.out]
    for claim, column in ((ALL_CLASSES, "error"), (PAIR_ALONE, "pair_error")):
        values = nets[column].dropna().to_numpy()
        se = max(standard_error(values), share_se(0, PAIR_SEQUENCES)) if len(values) > 1 else np.nan
        share = values.mean() if len(values) else np.nan
        found.append(claim.judge(share, se, len(values), draws="the same nets", length=cell.seq_len))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure, [*COLUMNS, "pair_error", "bag_of_words_error"], draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
