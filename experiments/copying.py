"""The copying plateau: where tanh nets and LSTMs stay (claim M3).

Method. Copying of ten symbols over a delay `seq_len` as in Arjovsky, Shah, Bengio (2016) and their code: RMSprop,
learning rate .001, decay .9, batches of 20, 80 tanh or LSTM units. A net without memory can do no better than
10 ln 8 / (T + 20) nats a step: tanh nets and LSTMs come to that plateau and are there at the end. Which
initialization suits copying: see `linear_transition`.

    python experiments/copying.py -m net=tanh,lstm seq_len=100,200
"""

from pathlib import Path

import numpy as np
from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import learning_curves_by
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.15, "laptop": 6.0}
PLATEAUS = {100: 0.1733, 200: 0.0945, 300: 0.0650, 500: 0.0400}
ENOUGH_UPDATES = 2000  # fewer decide nothing
ARJOVSKY = "Arjovsky, Shah, Bengio 2016, copying memory problem: 10 ln 8/(T + 20)"
PLATEAU = Claim(
    claim="M3a",
    class_="check",
    kind="equal",
    statement="plateau at delay {delay}: 10 ln 8 / (T + 20)",
    source=ARJOVSKY,
    margin=5e-5,
    reason="10 ln 8 / (T + 20) to four decimals, half a unit of the last",
)
STAYS = Claim(
    claim="M3b",
    class_="direction",
    kind="equal",
    statement="{net}, delay {delay}, after {updates:,} updates: test loss / plateau",
    source=ARJOVSKY,
    bar=1.0,
    margin=0.05,
    reason="at the plateau within 5%, except at the smallest delay",
)


def draw(folder: Path) -> None:
    """Draw the loss over training beside the plateau, a panel for each delay."""
    tables = read(folder)
    table, by = by_cell(tables.table, "net")
    history = tables.history.merge(table[["out", by, "seq_len", "constant_loss"]], on="out")
    learning_curves_by(history, by, "seq_len", folder / "loss.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return M3: the plateaus, and who sits there."""
    table, found = tables.table, []
    for delay, bar in PLATEAUS.items():
        for row in table[(table.seq_len == delay) & (table.net == "tanh")].itertuples():
            found.append(PLATEAU.judge(row.constant_loss, 0.0, 1, bar=bar, delay=delay))
    smallest = min(length for length in table.seq_len if length in PLATEAUS)
    for row in table[table.net.isin(["tanh", "lstm"]) & (table.seq_len > smallest)].itertuples():
        losses = tables.nets[tables.nets.out == row.out].test_loss.to_numpy() / row.constant_loss
        budget = {"enough": row.updates >= ENOUGH_UPDATES, "draws": f"{row.net}: the same first weights and symbols"}
        case = {"net": row.net, "delay": row.seq_len, "updates": row.updates}
        found.append(STAYS.judge(np.mean(losses), standard_error(losses), len(losses), **budget, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
