"""Which initialization suits a task: orthogonal for copying, the identity for adding, of a linear map (claim M6).

Method. After Henaff, Szlam, LeCun (2016): what a state keeps goes through a linear map, h_t = h_{t-1} W_hh +
relu(x_t W_xh + b), begun as a random orthogonal W_hh (their LT-ORNN) or as the identity (LT-IRNN), 80 units, RMSprop,
learning rate .001, decay .9, a clip at norm 1, batches of 20. Copying of ten symbols over a delay of 10 asks to know
each place of the input apart, which a rotation does and the identity cannot; adding over 50 steps asks for a sum, which
the identity makes. Judged after 1,500 updates, copying at the shortest and adding at the longest length of the sweep,
by the test loss of nets in pairs, the same first weights but for W_hh and the same data, in units of the best
constant's. The same two starts with a tanh around the map (`orthogonal` and `identity`) stand beside, not judged: the
theory of the pairing is that of a linear map.

    python experiments/linear_transition.py -m task=copying,adding_le seq_len=10,50 net=lt_orthogonal,lt_identity
"""

from pathlib import Path

from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import learning_curves_by
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.1, "laptop": 5.0}
ENOUGH_UPDATES = 1500  # fewer decide nothing
BETTER = {"copying": ("lt_orthogonal", "lt_identity"), "adding_le": ("lt_identity", "lt_orthogonal")}
JUDGED_AT = {"copying": min, "adding_le": max}  # of the lengths of a sweep
SUITS = Claim(
    claim="M6",
    class_="direction",
    kind="above",
    statement="{task}, seq_len {length}: loss of {worse} less that of {better}, in units of the best constant's "
    "({updates:,} updates)",
    source="Henaff, Szlam, LeCun 2016, LT-ORNN and LT-IRNN on copying and adding",
    bar=0.1,
    reason="a tenth of the loss of the best constant, fixed before the first run",
)


def draw(folder: Path) -> None:
    """Draw the loss over training beside that of the best constant, a picture a task, a panel a length."""
    tables = read(folder)
    for task, table in tables.table.groupby("task"):
        history = tables.history.merge(table[["out", "net", "seq_len", "constant_loss"]], on="out")
        learning_curves_by(history, "net", "seq_len", folder / f"{Path(task).stem}.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return M6 of both tasks."""
    found = []
    for task, (better, worse) in BETTER.items():
        table = tables.table[tables.table.task == task]
        cells = table[table.seq_len == JUDGED_AT[task](table.seq_len)].set_index("net")
        losses = [
            tables.nets[tables.nets.out == cells.out[net]].sort_values("replicate").test_loss.to_numpy()
            for net in (better, worse)
        ]
        difference = (losses[1] - losses[0]) / cells.constant_loss[better]
        case = {"task": task, "length": cells.seq_len[better], "better": better, "worse": worse}
        case |= {"updates": cells.updates[better]}
        enough = case["updates"] >= ENOUGH_UPDATES
        found.append(SUITS.judge(difference.mean(), standard_error(difference), len(difference), enough=enough, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
