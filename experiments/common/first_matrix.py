"""Which initialization suits a task (claim M6, Henaff, Szlam, LeCun 2016), as copying and adding judge it."""

from rnnkit.runner.claims import Claim
from rnnkit.runner.tables import Tables
from rnnkit.statistics import standard_error

MARGIN, LEFT = 0.1, 0.9  # M6, fixed before the first run
HENAFF = "Henaff, Szlam, LeCun 2016, with tanh"


def first_matrix(tables: Tables, better: str, worse: str, length: int, enough_updates: int) -> Claim:
    """Return M6: net `better` has the lower test loss, by MARGIN of the chance baseline."""
    table = tables.table[tables.table.seq_len == length].set_index("net")
    losses = [
        tables.nets[tables.nets.out == table.out[net]].sort_values("replicate").test_loss.to_numpy()
        for net in (better, worse)
    ]
    difference = (losses[1] - losses[0]) / table.constant_loss[better]
    learned = min(values.mean() for values in losses) < LEFT * table.constant_loss[better]
    statement = (
        f"{table.task[better]}, seq_len {length}: loss of {worse} less that of {better}, in units of the best "
        f"constant's ({table.updates[better]:,} updates{'' if learned else '; neither has left the plateau'})"
    )
    enough = bool(learned) and table.updates[better] >= enough_updates
    return Claim("M6", statement, HENAFF, "above", MARGIN, 0.0, float(difference.mean()),
                 standard_error(difference), len(difference), enough)  # fmt: skip
