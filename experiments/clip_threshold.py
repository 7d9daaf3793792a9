"""How sensitive is training to the bound of a clip? Success against the bound in units of the mean norm (claim C2i).

Method. Pascanu, Mikolov, Bengio (2013), section 3.2: the bound may be chosen by the average norm over many updates, and
values from half to ten times this average can still yield convergence. As in `temporal_order`: basic tanh, SGD at .01,
batches of 20, solved when under 1% of 10,000 fresh sequences are wrong. A job is one bound, `none` among them; net r of
each job has the same first weights and the same data. The mean norm is that of the nets without a clip, over all their
updates: 10 to the mean of log10 of the norm, since single norms of 1,000 and more would else be all of a mean. Bounds
outside of half to ten times of it are drawn and not judged. "Can converge" is taken as: more than half of the nets do.

    python experiments/clip_threshold.py -m clip=none,0.5,1.0,2.0
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.statistics import share_se

BUDGET_MINUTES = {"quick": 0.2, "laptop": 3.0}
CAP, LENGTH = 20_000, 20
LEAST, MOST = 0.5, 10.0  # mean norms
CONVERGES = Claim(
    claim="C2i",
    class_="direction",
    kind="above",
    statement="length {length}: share solved within {cap:,} updates by a clip at {bound:g}, {times:.2g} mean norms",
    source="Pascanu, Mikolov, Bengio 2013, section 3.2: from half to ten times the average norm",
    bar=0.5,
    reason="converges: more often than not",
)


def mean_norm(tables: Tables) -> float:
    """Return the mean norm of the gradient where it is not clipped, over all updates of all nets."""
    (plain,) = tables.table[tables.table["clip"] == NO_CLIP].out
    checks = tables.history[tables.history.out == plain]
    return float(10 ** np.average(checks.log10_grad_norm, weights=checks.n_training))


def draw(folder: Path) -> None:
    """Draw the share solved against the bound in mean norms, and what nets without a clip do as a line."""
    tables = read(folder)
    table, norm = tables.table.sort_values("clip"), mean_norm(tables)
    clipped, plain = table[table["clip"] < NO_CLIP], table[table["clip"] == NO_CLIP].iloc[0]
    figure, axes = plt.subplots(figsize=(6.4, 4))
    axes.axvspan(LEAST, MOST, color="0.88", zorder=0, label="half to ten times the mean norm")
    axes.axhline(plain.solved_share, color="0.4", ls="--", label=f"no clip: {plain.n_solved} of {plain.n}")
    shares = clipped.solved_share
    bars = np.maximum([shares - clipped.wilson_low, clipped.wilson_high - shares], 0)
    axes.errorbar(clipped["clip"] / norm, shares, bars, fmt="o", capsize=3, color="C0", label="clip, 95% interval")
    axes.set(
        xscale="log", ylim=(-0.03, 1.03), xlabel=f"bound in mean norms ({norm:.2g})", ylabel="share of nets solved"
    )
    axes.set_title(f"temporal order, length {plain.seq_len}, {plain.updates:,} updates, n = {plain.n} nets")
    axes.legend(loc="lower center")
    save(figure, folder / "threshold.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return C2i of each bound from half to ten times the mean norm."""
    norm, found = mean_norm(tables), []
    for row in tables.table[tables.table["clip"] < NO_CLIP].itertuples():
        times = row.clip / norm
        if LEAST <= times <= MOST:
            n, k = int(row.n), int(row.n_solved)
            # more updates undo no success
            enough = row.seq_len >= LENGTH and (row.updates >= CAP or k / n > CONVERGES.bar)
            case = {"length": row.seq_len, "cap": row.updates, "bound": row.clip, "times": times}
            found.append(CONVERGES.judge(k / n, share_se(k, n), n, enough=enough, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
