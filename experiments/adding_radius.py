"""Which spectral radius to begin with: adding with momentum (claim M4).

Method. After Sutskever, Martens, Dahl, Hinton (2013), section 4: 100 tanh units, W_hh with 15 incoming weights a unit,
scaled to `spectral_radius` (theirs 1.1), input weights N(0, .001), inputs and target centred, batches of 100,
Nesterov's momentum; 50,000 updates there. Adding over `seq_len` steps: fewer than their 80, with fewer updates. Error
is the share of sequences with a squared error above .04, of which a constant has 36%. Paired nets; the radius is the
one thing that changes. Judged: nets that begin at 1.1 end below those at either end of a sweep from .5 to 2. That 1.1
is best is not in print, and their table 5 is about momentum. The statement says which radius was best.

    python experiments/adding_radius.py -m spectral_radius=0.5,0.8,1.1,1.4,2.0
"""

from pathlib import Path

import numpy as np
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import by_radius
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.08, "laptop": 2.5}
NEAR, LEFT = 1.1, 0.9  # of the loss of a constant: a net below it has left it
ENOUGH_UPDATES, ENOUGH_LENGTH = 4000, 30  # fewer updates, or fewer steps, decide nothing
LOWER = Claim(
    claim="M4",
    class_="direction",
    kind="above",
    statement=f"adding, seq_len {{length}}: loss at radius {{end}} less that at {NEAR}, in units of a constant's "
    "({updates:,} updates; best mean loss of the sweep at {best})",
    source="Sutskever, Martens, Dahl, Hinton 2013, section 4, begin at 1.1; that it is best is not in print",
    bar=0.1,
    reason="a tenth of the loss of a constant, fixed before the first run",
)


def draw(folder: Path) -> None:
    """Draw the loss of every net against the radius it began with."""
    tables = read(folder)
    nets = tables.nets.merge(tables.table[["out", "spectral_radius", "constant_loss"]], on="out")
    by_radius(nets, "test_loss", nets.constant_loss.iloc[0], folder / "radius.png", "test loss, mean squared error")


def claims(tables: Tables) -> list[Judgement]:
    """Return M4: nets that begin near 1.1 end with a lower loss than those at either end of the sweep."""
    table, found = tables.table[tables.table.mu == tables.table.mu.max()].set_index("spectral_radius"), []
    losses = {radius: tables.nets[tables.nets.out == out].sort_values("replicate").test_loss.to_numpy()
              for radius, out in table.out.items()}  # fmt: skip
    constant = table.constant_loss.iloc[0]
    learned = min(values.mean() for values in losses.values()) < LEFT * constant
    enough = learned and table.updates.min() >= ENOUGH_UPDATES and table.seq_len.min() >= ENOUGH_LENGTH
    best = min(losses, key=lambda radius: losses[radius].mean())
    case = {"length": table.seq_len.iloc[0], "updates": table.updates.iloc[0], "best": best}
    for end in (min(losses), max(losses)):
        difference = (losses[end] - losses[NEAR]) / constant
        measured = (np.mean(difference), standard_error(difference), len(difference))
        found.append(LOWER.judge(*measured, enough=enough, draws=f"the same nets of {NEAR}", end=end, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
