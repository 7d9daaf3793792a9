"""How many steps back a trained net remembers: tanh, identity-ReLU, LSTM, GRU (claim S2).

Method. Delayed echo: the output is the input symbol of `seq_len` steps before, at every step (two symbols, so as many
bits must be carried as the lag is long). 50 units, Adam at learning rate .001, a clip at norm 1, batches of 20, up to
20,000 updates, 10 nets a cell. A net is solved when under 1% of fresh sequences have any wrong echo. The horizon of a
kind of net is the longest lag of the sweep at which half or more of its nets are solved. The seed article says of plain
nets: 5 to 10 steps, not 50 or 100. Control: a tanh net whose W_hh stays as it is drawn.

    python experiments/memory_horizon.py -m net=tanh,irnn,lstm,gru seq_len=5,10,15,20
"""

from pathlib import Path

import numpy as np
import pandas as pd
from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import success_by
from rnnkit.statistics import share_se

BUDGET_MINUTES = {"quick": 0.1, "laptop": 13.0}
HORIZON, HALF = 15, 0.5  # horizon of a tanh net <= 15; so beyond it under half of the nets are solved
PUBLISHED_UPDATES = 20_000
SOURCE = "the seed article, S2"


def draw(folder: Path) -> None:
    """Draw the share of nets solved against the lag, a line for each kind of net."""
    table, by = by_cell(read(folder).table, "net")
    success_by(table, "seq_len", by, folder / "horizon.png", "lag, steps back")


def horizon(table: pd.DataFrame, net: str) -> int:
    """Return the longest lag at which half or more of the nets are solved; 0 for none."""
    solved = table[(table.net == net) & (table.solved_share >= HALF)]
    return int(solved.seq_len.max()) if len(solved) else 0


def claims(tables: Tables) -> list[Claim]:
    """Return S2: what share of tanh nets is solved at the first lag beyond 15; whether others go further."""
    table, found = tables.table, []
    horizons = ", ".join(f"{net} {horizon(table, net)}" for net in dict.fromkeys(table.net))
    cap, enough = table.updates.max(), table.updates.max() >= PUBLISHED_UPDATES
    beyond = table[(table.net == "tanh") & (table.seq_len > HORIZON)].sort_values("seq_len").iloc[0]
    statement = f"tanh: share solved at lag {beyond.seq_len}, beyond the horizon of 15 ({cap:,} updates; of the sweep, "
    statement += f"horizons are {horizons})"
    se = share_se(beyond.n_solved, beyond.n)
    # a smaller budget would make the horizon shorter: then it says nothing for the claim
    measured = beyond.solved_share if enough else np.nan
    found.append(Claim("S2a", statement, SOURCE, "below", HALF, 0.0, measured, se, beyond.n))
    shortest = table[(table.net == "tanh")].sort_values("seq_len").iloc[0]
    statement = f"tanh: share solved at lag {shortest.seq_len} ({cap:,} updates)"
    se = share_se(shortest.n_solved, shortest.n)
    found.append(Claim("S2b", statement, SOURCE, "above", HALF, 0.0, shortest.solved_share, se, shortest.n, enough))
    for net in ("lstm", "gru"):
        row = table[(table.net == net) & (table.seq_len == beyond.seq_len)].iloc[0]
        statement = f"{net}: share solved at lag {row.seq_len}, too ({cap:,} updates)"
        se = share_se(row.n_solved, row.n)
        found.append(Claim("S2c", statement, SOURCE, "above", HALF, 0.0, row.solved_share, se, row.n, enough))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
