"""The adding problem: a ReLU net that begins at the identity learns it sooner than others (claims M5).

Method. Adding over `seq_len` steps, target the sum in [0, 2], after Le, Jaitly, Hinton (2015): 100 units, a ReLU net
with W_hh = I and input weights N(0, .001) ("IRNN") beside a tanh net and a ReLU net with a random W_hh; mean squared
error, of which the constant 1 has 1/6. Adam, learning rate .001, a clip at norm 1, batches of 16 (our choice: their
learning rates were searched for). Paired nets. Final losses have two modes, that of the constant and near 0, so that
what is compared is the updates until a net is solved (under 1% of 1,000 fresh sequences more than .2 off), censored at
the cap, by the log-rank statistic: its one-step estimate of the log hazard ratio, with standard error 1/sqrt(V). Which
initialization suits adding: see `linear_transition`.

    python experiments/adding.py -m net=irnn,tanh,relu seq_len=50,100
"""

from pathlib import Path

from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import learning_curves_by, solved_over_updates
from rnnkit.statistics import log_rank, standard_error

BUDGET_MINUTES = {"quick": 0.2, "laptop": 15.0}
BASELINE, BASELINE_SEQUENCES = 1 / 6, 200_000
ENOUGH_UPDATES, ENOUGH_LENGTH = 20_000, 150  # fewer updates, or fewer steps than theirs, decide nothing
LE = "Le, Jaitly, Hinton 2015"
CONSTANT = Claim(
    claim="M5a",
    class_="check",
    kind="equal",
    statement="adding: squared error of the constant 1",
    source=f"the variance of a sum of two uniform numbers, 1/6; {LE}, section 4.1 (.1767 [recalled])",
    bar=BASELINE,
    margin=0.002,
    reason="over four standard errors of 200,000 sequences",
)
SOONER = Claim(
    claim="M5b",
    class_="direction",
    kind="above",
    statement="adding, seq_len {length}: irnn is solved sooner than {other}, log hazard ratio ({solved} of {nets} "
    "against {of_other}, cap {updates:,} updates)",
    source=f"{LE}, section 4.1",
    bar=0.0,
    reason="a hazard ratio of 1: the direction alone is in print",
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
    """Draw the loss over training beside the baseline, and the share of nets solved, a panel for each length."""
    tables = read(folder)
    table, by = by_cell(tables.table, "net")
    history = tables.history.merge(table[["out", by, "seq_len", "constant_loss"]], on="out")
    learning_curves_by(history, by, "seq_len", folder / "loss.png")
    keys = table[["out", by, "seq_len", "updates"]].rename(columns={"updates": "cap"})
    solved_over_updates(tables.nets.merge(keys, on="out"), by, "seq_len", folder / "solved.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return M5: the baseline, IRNN against tanh and ReLU at the longest length."""
    table, length = tables.table, tables.table.seq_len.max()
    row = table.iloc[0]
    found = [CONSTANT.judge(row.loss_of_constant, row.loss_of_constant_se, BASELINE_SEQUENCES)]
    cells = table[table.seq_len == length].set_index("net")
    first = {net: tables.nets[tables.nets.out == cells.out[net]].sort_values("replicate")["first"]
             for net in ("irnn", "tanh", "relu")}  # fmt: skip
    times = {net: (of.fillna(row.updates).to_numpy(), of.notna().to_numpy()) for net, of in first.items()}
    case = {"length": length, "updates": row.updates, "nets": row.n, "solved": first["irnn"].notna().sum()}
    enough = row.updates >= ENOUGH_UPDATES and length >= ENOUGH_LENGTH
    for other in ("tanh", "relu"):
        measured, of_other = log_rank([[times["irnn"], times[other]]]), first[other].notna().sum()
        same = {"enough": enough, "draws": "the same nets of irnn"}
        found.append(SOONER.judge(*measured, row.n, other=other, of_other=of_other, **same, **case))
    return found


EXPERIMENT = Experiment(
    __file__, TrainingConfig, measure, [*COLUMNS, "loss_of_constant", "loss_of_constant_se"], draw, claims
)

if __name__ == "__main__":
    launch(EXPERIMENT)
