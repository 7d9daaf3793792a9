"""The adding problem: a ReLU net that begins at the identity, and which initialization suits adding (claims M5, M6).

Method. Adding over `seq_len` steps, target the sum in [0, 2], after Le, Jaitly, Hinton (2015): 100 units, a ReLU net
with W_hh = I and input weights N(0, .001) ("IRNN") beside a tanh net and a ReLU net with a random W_hh; mean squared
error, of which the constant 1 has 1/6. Adam, learning rate .001, a clip at norm 1, batches of 16 (our choice: their
learning rates were searched for). Paired nets. M6 after Henaff, Szlam, LeCun (2016): the identity suits adding, a
random orthogonal W_hh does not; here with tanh, where their transition is linear. See `copying` for the other half.

    python experiments/adding.py -m net=irnn,tanh,relu,identity,orthogonal seq_len=50,100
"""

from pathlib import Path

import numpy as np
from common.cells import by_cell
from common.first_matrix import LEFT, first_matrix
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import learning_curves_by
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.2, "laptop": 6.0}
BASELINE, BASELINE_SEQUENCES = 1 / 6, 200_000
ENOUGH_UPDATES, ENOUGH_LENGTH = 6000, 150  # fewer updates, or fewer steps than theirs, decide nothing
LE = "Le, Jaitly, Hinton 2015"
CONSTANT = Claim(
    claim="M5a",
    class_="check",
    kind="equal",
    statement="adding: squared error of the constant 1",
    source=f"the variance of a sum of two uniform numbers; {LE} (.1767 [recalled])",
    bar=BASELINE,
    margin=0.002,
    reason="over four standard errors of 200,000 sequences",
)
BELOW = Claim(
    claim="M5b",
    class_="direction",
    kind="above",
    statement="adding, seq_len {length}: loss of {other} less that of irnn, in 1/6 ({updates:,} updates)",
    source=LE,
    bar=0.25,
    reason="a quarter of the loss of a constant, fixed before the first run",
)


def measure(config: TrainingConfig) -> Measurement:
    """Train the nets of a cell, and score the constant 1 on fresh sequences."""
    measured = measure_training(config)
    rng = streams(config.seed, 10**6).evaluation
    target = config.the_task.sample(rng, BASELINE_SEQUENCES, config.the_task.shortest).target
    squares = (target.ravel() - 1) ** 2
    return Measurement(
        measured.row | {"loss_of_constant": float(squares.mean()), "loss_of_constant_se": standard_error(squares)},
        measured.nets,
        history=measured.history,
        message=measured.message,
    )


def draw(folder: Path) -> None:
    """Draw the loss over training beside the baseline, a panel for each length."""
    tables = read(folder)
    table, by = by_cell(tables.table, "net")
    history = tables.history.merge(table[["out", by, "seq_len", "constant_loss"]], on="out")
    learning_curves_by(history, by, "seq_len", "loss", "constant_loss", folder / "loss.png", "mean squared error")


def claims(tables: Tables) -> list[Judgement]:
    """Return M5: the baseline, IRNN against tanh and ReLU at the longest length; M6."""
    table, length = tables.table, tables.table.seq_len.max()
    row = table.iloc[0]
    found = [CONSTANT.judge(row.loss_of_constant, row.loss_of_constant_se, BASELINE_SEQUENCES)]
    cells = table[table.seq_len == length].set_index("net")
    losses = {net: tables.nets[tables.nets.out == cells.out[net]].sort_values("replicate").test_loss.to_numpy()
              for net in ("irnn", "tanh", "relu")}  # fmt: skip
    learned = min(values.mean() for values in losses.values()) < LEFT * BASELINE
    enough = learned and row.updates >= ENOUGH_UPDATES and length >= ENOUGH_LENGTH
    for other in ("tanh", "relu"):
        difference = (losses[other] - losses["irnn"]) / BASELINE
        measured = (np.mean(difference), standard_error(difference), len(difference))
        case = {"length": length, "other": other, "updates": row.updates}
        found.append(BELOW.judge(*measured, enough=enough, draws="the same nets of irnn", **case))
    return [*found, first_matrix(tables, "identity", "orthogonal", length, ENOUGH_UPDATES)]


EXPERIMENT = Experiment(
    __file__, TrainingConfig, measure, [*COLUMNS, "loss_of_constant", "loss_of_constant_se"], draw, claims
)

if __name__ == "__main__":
    launch(EXPERIMENT)
