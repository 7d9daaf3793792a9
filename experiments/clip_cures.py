"""A clip cures explosion (claim S3).

Method. ReLU nets on temporal order, W_hh Gaussian, scaled to a spectral radius: at 3 gradients explode, at .3 they
vanish; SGD, learning rate .01, with and without a clip at norm 1, paired in weights and data. Judged is explosion: the
nets that diverge (a gradient or loss that is not finite). Where gradients vanish their norm does not come to the clip,
so that both arms are one: that no more nets are solved with it cannot fail, and is shown in the picture alone.

    python experiments/clip_cures.py -m spectral_radius=0.3,3.0 clip=none,1.0
"""

from pathlib import Path

import numpy as np
from common.cells import varied_cells
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.runner.tables.training_figures import outcomes
from rnnkit.statistics import paired_difference

BUDGET_MINUTES = {"quick": 0.12, "laptop": 1.2}
CURED = Claim(
    claim="S3a",
    class_="direction",
    kind="above",
    statement="radius {radius}: share diverged without a clip less that with clip 1 (cap {cap:,} updates; with it "
    "{solved} of {nets} solved: not to diverge is not to learn)",
    source="the seed article, S3; Pascanu, Mikolov, Bengio 2013, sections 2 and 3",
    bar=0.5,
    reason="half of the nets, fixed before the first run",
)


def draw(folder: Path) -> None:
    """Draw how the nets of each cell ended."""
    table = read(folder).table
    outcomes(table, [*varied_cells(table), "spectral_radius", "clip"], folder / "outcomes.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return S3a: fewer nets diverge with a clip, at the largest radius."""
    table, nets = tables.table, tables.nets
    radius, n = table.spectral_radius.max(), int(table.n.min())

    def ended(clip: float, outcome: str) -> np.ndarray:
        cell = table[(table.spectral_radius == radius) & (table["clip"] == clip)].iloc[0]
        return (nets[nets.out == cell.out].sort_values("replicate").outcome == outcome).to_numpy()

    fewer = paired_difference(ended(NO_CLIP, "diverged"), ended(1.0, "diverged"))
    solved = int(ended(1.0, "solved").sum())
    case = {"radius": radius, "cap": table.updates.iloc[0], "solved": solved, "nets": n}
    return [CURED.judge(*fewer, n, **case)]


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
