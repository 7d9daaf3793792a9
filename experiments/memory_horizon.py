"""How many steps back a trained net remembers: tanh, identity-ReLU, LSTM, GRU (claim S2).

Method. Delayed echo: the output is the input symbol of `seq_len` steps before, at every step (two symbols, so as many
bits must be carried as the lag is long). 50 units, Adam at learning rate .001, a clip at norm 1, batches of 20, up to
20,000 updates, 10 nets a cell. A net is solved when under 1% of fresh sequences have any wrong echo. The horizon of a
kind of net is the longest lag of the sweep at which half or more of its nets are solved. The seed article says of plain
nets: 5 to 10 steps, not 50 or 100, and names no setting. With a loss at every step a tanh net can become a delay line:
S2 speaks of this setting alone. Control: a tanh net whose W_hh stays as it is drawn.

    python experiments/memory_horizon.py -m net=tanh,irnn,lstm,gru seq_len=5,10,15,20
"""

from pathlib import Path

import pandas as pd
from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import success_by
from rnnkit.statistics import share_se

BUDGET_MINUTES = {"quick": 0.1, "laptop": 13.0}
HORIZON, HALF = 15, 0.5
PUBLISHED_UPDATES = 20_000
SOURCE = "the seed article, S2; the setting, Adam and an echo at every step, is chosen here"
BEYOND = Claim(
    claim="S2a",
    class_="direction",
    kind="below",
    statement="tanh: share solved at lag {lag}, beyond the horizon of 15 ({cap:,} updates; of the sweep, horizons are "
    "{horizons})",
    source=SOURCE,
    bar=HALF,
    reason="a horizon of at most 15: beyond it under half of the nets are solved",
)
SHORT = Claim(
    claim="S2b",
    class_="direction",
    kind="above",
    statement="tanh: share solved at lag {lag} ({cap:,} updates)",
    source=SOURCE,
    bar=HALF,
    reason="a horizon of at least the shortest lag: half of the nets are solved there",
)
OTHERS = Claim(
    claim="S2c",
    class_="direction",
    kind="above",
    statement="{net}: share solved at lag {lag}, too ({cap:,} updates)",
    source=SOURCE,
    bar=HALF,
    reason="a horizon beyond that of tanh: half of the nets are solved there",
)


def draw(folder: Path) -> None:
    """Draw the share of nets solved against the lag, a line for each kind of net."""
    table, by = by_cell(read(folder).table, "net")
    success_by(table, "seq_len", by, folder / "horizon.png", "lag, steps back")


def horizon(table: pd.DataFrame, net: str) -> int:
    """Return the longest lag at which half or more of the nets are solved; 0 for none."""
    solved = table[(table.net == net) & (table.solved_share >= HALF)]
    return int(solved.seq_len.max()) if len(solved) else 0


def claims(tables: Tables) -> list[Judgement]:
    """Return S2: what share of tanh nets is solved at the first lag beyond 15; whether others go further."""
    table = tables.table
    horizons = ", ".join(f"{net} {horizon(table, net)}" for net in dict.fromkeys(table.net))
    tanh = table[table.net == "tanh"].sort_values("seq_len")
    beyond = tanh[tanh.seq_len > HORIZON].iloc[0]
    there = table[table.seq_len == beyond.seq_len]
    others = [(OTHERS, there[there.net == net].iloc[0]) for net in ("lstm", "gru")]
    budget = {"cap": table.updates.max(), "enough": table.updates.max() >= PUBLISHED_UPDATES}
    found = []
    for claim, row in [(BEYOND, beyond), (SHORT, tanh.iloc[0]), *others]:
        case = {"lag": row.seq_len, "net": row.net, "horizons": horizons}
        found.append(claim.judge(row.solved_share, share_se(row.n_solved, row.n), row.n, **budget, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
