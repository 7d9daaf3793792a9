"""A clip cures explosion, not vanishing (claim S3).

Method. ReLU nets on temporal order, W_hh Gaussian, scaled to a spectral radius: at 3 gradients explode, at .3 they
vanish; SGD, learning rate .01, with and without a clip at norm 1, paired in weights and data. What is judged: explosion
by the nets that diverge (a gradient or loss that is not finite), vanishing by the nets that are solved.

    python experiments/clip_cures.py -m spectral_radius=0.3,3.0 clip=none,1.0
"""

from pathlib import Path

import numpy as np
from common.cells import varied_cells
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.runner.tables.training_figures import outcomes
from rnnkit.statistics import paired_difference

BUDGET_MINUTES = {"quick": 0.12, "laptop": 1.2}
# fixed before the first run
CURED, NOT_RAISED = 0.5, 0.2
SOURCE = "the seed article, S3; Pascanu, Mikolov, Bengio 2013, sections 2 and 3"


def draw(folder: Path) -> None:
    """Draw how the nets of each cell ended."""
    table = read(folder).table
    outcomes(table, [*varied_cells(table), "spectral_radius", "clip"], folder / "outcomes.png")


def claims(tables: Tables) -> list[Claim]:
    """Return S3: (a) fewer nets diverge with a clip; (b) no more are solved where gradients vanish."""
    table, nets = tables.table, tables.nets

    def ended(radius: float, clip: float, outcome: str) -> np.ndarray:
        cell = table[(table.spectral_radius == radius) & (table["clip"] == clip)].iloc[0]
        return (nets[nets.out == cell.out].sort_values("replicate").outcome == outcome).to_numpy()

    low, high = table.spectral_radius.min(), table.spectral_radius.max()
    fewer, fewer_se = paired_difference(ended(high, NO_CLIP, "diverged"), ended(high, 1.0, "diverged"))
    more, more_se = paired_difference(ended(low, 1.0, "solved"), ended(low, NO_CLIP, "solved"))
    n, cap = int(table.n.min()), f"cap {table.updates.iloc[0]:,} updates"
    solved = {key: int(ended(*key, "solved").sum()) for key in ((high, 1.0), (low, 1.0), (low, NO_CLIP))}
    learned = f"with it {solved[high, 1.0]} of {n} solved: not to diverge is not to learn"
    floor = f"{solved[low, 1.0]} and {solved[low, NO_CLIP]} of {n}"
    return [
        Claim("S3a", f"radius {high}: share diverged without a clip less that with clip 1 ({cap}; {learned})", SOURCE,
              "above", CURED, 0.0, fewer, fewer_se, n),
        Claim("S3b", f"radius {low}: share solved with clip 1 less that without ({cap}; {floor})", SOURCE,
              "below", NOT_RAISED, 0.0, more, more_se, n),
    ]  # fmt: skip


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
