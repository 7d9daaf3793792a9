"""The cures side by side, after training: how long a dependency each net learns (claims L7).

Method. Adding after Le, Jaitly, Hinton (2015) and copying after Arjovsky, Shah, Bengio (2016), over `seq_len` steps;
each net as its paper begins it (`rnnkit.networks.recipes`), all by one protocol: Adam, learning rate .001, a clip at
norm 1, batches of 20, 50 units. A net is solved when under 1% of fresh sequences are wrong; the horizon of a kind of
net is the longest sequence at which half or more of its nets are. Each cure is judged at the shortest sequence that
plain tanh nets do not learn; where they learn all of the sweep, no net learns that length, or a budget is below
`ENOUGH_UPDATES`, nothing is decided. One protocol for all is fair to none: papers searched for learning rates.

    python experiments/cures_trained.py -m task=adding_le,copying net=tanh,lstm,gru,chrono,lru seq_len=25,50,100 out=DIR
"""

from pathlib import Path

import numpy as np
import pandas as pd
from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.networks.recipes import RECIPES
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import success_by
from rnnkit.statistics import share_se

BUDGET_MINUTES = {"quick": 0.2, "laptop": 40.0}
HALF, ENOUGH_UPDATES = 0.5, 10_000
PLAIN = "tanh"
SOURCES = {"irnn": "Le, Jaitly, Hinton 2015, section 4.1", "chrono": "Tallec, Ollivier 2018, section 3"}
LEARNS = {
    net: Claim(
        claim="L7",
        class_="direction",
        kind="above",
        statement=f"{{task}}, {net}: share solved where {PLAIN} nets are not ({{horizons}}){{at}}",
        source=SOURCES.get(net, f"the net of {recipe.source}; that it is tried on this task is our choice"),
        bar=HALF,
        reason="under half of the plain nets are solved there, and half or more of the cure's are to be",
    )
    for net, recipe in RECIPES.items()
}


def horizon(table: pd.DataFrame, net: str) -> int:
    """Return the longest sequence at which half or more of the nets are solved; 0 for none."""
    solved = table[(table.net == net) & (table.solved_share >= HALF)]
    return int(solved.seq_len.max()) if len(solved) else 0


def draw(folder: Path) -> None:
    """Draw the share of nets solved against the length, a picture for each task."""
    tables = read(folder)
    for task, rows in tables.table.groupby("task"):
        table, by = by_cell(rows, "net")
        success_by(table, "seq_len", by, folder / f"{Path(task).stem}.png", "length of the sequence, steps")


def claims(tables: Tables) -> list[Judgement]:
    """Return L7: of each task and cure, the share solved at the shortest sequence that plain nets do not learn."""
    found = []
    for task, table in tables.table.groupby("task"):
        plain = table[(table.net == PLAIN) & (table.solved_share < HALF)].sort_values("seq_len")
        for net in dict.fromkeys(table.net[table.net != PLAIN]):
            horizons = f"horizons {net} {horizon(table, net)}, {PLAIN} {horizon(table, PLAIN)}"
            case = {"task": task, "horizons": horizons}
            if plain.empty:
                found.append(LEARNS[net].judge(np.nan, np.nan, 0, enough=False, at="", **case))
                continue
            row = table[(table.net == net) & (table.seq_len == plain.seq_len.iloc[0])].iloc[0]
            case["at"] = f", at {row.seq_len} steps, {row.updates:,} updates"
            learnt = (
                table[table.seq_len == row.seq_len].n_solved > 0
            ).any()  # by some net: else the budget is too small
            se, enough = share_se(row.n_solved, row.n), row.updates >= ENOUGH_UPDATES and learnt
            found.append(LEARNS[net].judge(row.solved_share, se, row.n, enough=enough, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
