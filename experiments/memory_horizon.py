"""How many steps back a trained net remembers, in two settings: tanh, identity-ReLU, LSTM, GRU (claims S2).

Method. Two tasks whose `seq_len` is a lag. Delayed echo: the output is the input symbol of so many steps before, at
every step, so that as many bits must be carried as the lag is long, and every step has a loss. One bit: the first
symbol is asked for after so many distractors, with a loss at the last step alone. 50 units, Adam at learning rate .001,
a clip at norm 1, batches of 20, up to 20,000 updates, 10 nets a cell. A net is solved when under 1% of fresh sequences
have any wrong output. The horizon of a kind of net is the longest lag of the sweep at which half or more of its nets
are solved, its interval that of the lags at which the 95% interval of the share has a half in it. The seed article says
of plain nets: 5 to 10 steps, not 50 or 100, and names no setting: its numbers are judged in either. With a loss at
every step a tanh net can become a delay line. Control: a tanh net whose W_hh stays as it is drawn.

    python experiments/memory_horizon.py -m task=delayed_echo,one_bit net=tanh,irnn,lstm,gru seq_len=5,10,15,20
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

BUDGET_MINUTES = {"quick": 0.2, "laptop": 20.0}
NEAR, FAR, HALF = 5, 50, 0.5  # lags the article names
ENOUGH_UPDATES = 20_000
SOURCE = "the seed article, after vanishing gradients: 5 to 10 steps back, not 50 or 100; settings chosen here"
REMEMBERED = Claim(
    claim="S2a",
    class_="direction",
    kind="above",
    statement="{task}, tanh: share solved at lag {lag} ({cap:,} updates; horizons {horizons})",
    source=SOURCE,
    bar=HALF,
    reason="a horizon of 5 or more: half of the nets are solved there",
)
FORGOTTEN = Claim(
    claim="S2b",
    class_="direction",
    kind="below",
    statement="{task}, tanh: share solved at lag {lag} ({cap:,} updates; horizons {horizons})",
    source=SOURCE,
    bar=HALF,
    reason="a horizon below 50: under half of the nets are solved there",
)


def draw(folder: Path) -> None:
    """Draw the share of nets solved against the lag, a picture for each task, a line for each kind of net."""
    for task, rows in read(folder).table.groupby("task"):
        table, by = by_cell(rows, "net")
        success_by(table, "seq_len", by, folder / f"{Path(task).stem}.png", "lag, steps back")


def horizon(table: pd.DataFrame, net: str) -> str:
    """Return the longest lag at which half or more of the nets are solved, 0 for none, and its interval."""
    own = table[table.net == net]
    shares = (own.wilson_low, own.solved_share, own.wilson_high)
    low, best, high = (int(own.seq_len[share >= HALF].max()) if (share >= HALF).any() else 0 for share in shares)
    return f"{net} {best} ({low} to {high})"


def claims(tables: Tables) -> list[Judgement]:
    """Return S2 of each task: what share of tanh nets is solved at the article's lags."""
    found = []
    for task, table in tables.table.groupby("task"):
        tanh = table[table.net == "tanh"]
        case = {"task": task, "horizons": ", ".join(horizon(table, net) for net in dict.fromkeys(table.net))}
        case |= {"cap": table.updates.max(), "enough": table.updates.max() >= ENOUGH_UPDATES}
        for claim, lag in ((REMEMBERED, NEAR), (FORGOTTEN, FAR)):
            for row in tanh[tanh.seq_len == lag].itertuples():
                found.append(claim.judge(row.solved_share, share_se(row.n_solved, row.n), row.n, lag=lag, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
