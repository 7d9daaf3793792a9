"""Where gradients vanish, neither a clip nor updates of one length help (claim C4).

Method. Temporal order of `seq_len` 20 as in `temporal_order`, basic tanh with W_hh scaled to a spectral radius: at .5
gradients vanish, the part of the loss in the state ten steps back being less than a thousandth; 1 is the positive
control. Three methods on nets in pairs, the same first weights and data: `sgd` at .01; `clip`, at norm 1;
`normalized`, every update scaled to length .01, which is a clip at 1e-6 with as much larger a rate. A clip cannot act
where no norm reaches it, so that the second arm alone could not fail; the third acts at every update, and makes
gradients that have faded as large as any. If smallness of the gradient were what vanishing does, it would solve the
task. It does not if what has vanished is the far lags' share of the gradient.

    python experiments/vanishing_uncured.py -m method=sgd,clip,normalized spectral_radius=0.5,1.0
"""

from pathlib import Path
from typing import Literal

import numpy as np
from common.training import COLUMNS, TrainingConfig, measure_training
from pydantic import Field

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import outcomes
from rnnkit.statistics import paired_difference, share_se
from rnnkit.training.protocol import Protocol

BUDGET_MINUTES = {"quick": 0.1, "laptop": 10.0}
VANISHING, CONTROL = 0.5, 1.0  # spectral radii
TINY = 1e-6  # a clip below every norm
ENOUGH_UPDATES, ENOUGH_NETS = 15_000, 20
SOURCE = "Pascanu, Mikolov, Bengio 2013, section 3"
UNCURED = Claim(
    claim="C4",
    class_="direction",
    kind="below",
    statement="radius {radius:g}, {method} against sgd, which solves {plain} of {nets}: success it adds where "
    "gradients vanish (cap {cap:,} updates)",
    source=f"{SOURCE}: a clip is for gradients that explode",
    bar=0.2,
    reason="one net in five; twenty pairs tell none from two in five",
)
LEARNS = Claim(
    claim="C4",
    class_="direction",
    kind="above",
    statement="radius {radius:g}, {method}: share solved where gradients do not vanish, the positive control "
    "(cap {cap:,} updates)",
    source=f"{SOURCE}; without it the rows above could not have been otherwise",
    bar=0.5,
    reason="more often than not",
)


class Config(TrainingConfig):
    """Keys of a job."""

    method: Literal["sgd", "clip", "normalized"] = Field("sgd", description="sgd, clip or normalized")

    def protocol(self) -> Protocol:
        """Return the training that the keys describe, with the clip of the method."""
        clip = {"sgd": "none", "clip": 1.0, "normalized": TINY}[self.method]
        rate = self.learning_rate / (TINY if self.method == "normalized" else 1)
        plain = self.model_copy(update={"clip": clip, "learning_rate": rate})
        return TrainingConfig.protocol(plain)


def draw(folder: Path) -> None:
    """Draw how the nets of each cell ended."""
    outcomes(read(folder).table, ["spectral_radius", "method"], folder / "outcomes.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return C4: what each method adds at radius .5, and that it learns at radius 1."""
    table, nets, found = tables.table, tables.nets, []
    case = {"cap": table.updates.min()}
    enough = case["cap"] >= ENOUGH_UPDATES and table.n.min() >= ENOUGH_NETS

    def solved(method: str, radius: float) -> np.ndarray:
        cell = table[(table.method == method) & (table.spectral_radius == radius)].iloc[0]
        return (nets[nets.out == cell.out].sort_values("replicate").outcome == "solved").to_numpy()

    for method in ("clip", "normalized"):
        same = {"enough": enough, "draws": f"{method}: the same first weights and data", "method": method}
        plain = solved("sgd", VANISHING)
        added, told = paired_difference(solved(method, VANISHING), plain), {"plain": plain.sum(), "nets": len(plain)}
        found.append(UNCURED.judge(*added, len(plain), radius=VANISHING, **told, **same, **case))
        learns = solved(method, CONTROL)
        se = share_se(int(learns.sum()), len(learns))
        found.append(LEARNS.judge(learns.mean(), se, len(learns), radius=CONTROL, **same, **case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure_training, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
