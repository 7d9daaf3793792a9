"""Which initialization suits a task (claim M6, Henaff, Szlam, LeCun 2016), as copying and adding judge it."""

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.tables import Tables
from rnnkit.statistics import standard_error

LEFT = 0.9  # of the chance baseline: a net below it has left the plateau
SUITS = Claim(
    claim="M6",
    class_="direction",
    kind="above",
    statement="{task}, seq_len {length}: loss of {worse} less that of {better}, in units of the best constant's "
    "({updates:,} updates{stuck})",
    source="Henaff, Szlam, LeCun 2016, whose transition is linear; here with tanh",
    bar=0.1,
    reason="a tenth of the loss of the best constant, fixed before the first run",
)


def first_matrix(tables: Tables, better: str, worse: str, length: int, enough_updates: int) -> Judgement:
    """Return M6: net `better` has the lower test loss, by a tenth of the chance baseline."""
    table = tables.table[tables.table.seq_len == length].set_index("net")
    losses = [
        tables.nets[tables.nets.out == table.out[net]].sort_values("replicate").test_loss.to_numpy()
        for net in (better, worse)
    ]
    difference = (losses[1] - losses[0]) / table.constant_loss[better]
    learned = min(values.mean() for values in losses) < LEFT * table.constant_loss[better]
    case = {"task": table.task[better], "length": length, "better": better, "worse": worse}
    case |= {"updates": table.updates[better], "stuck": "" if learned else "; neither has left the plateau"}
    enough = learned and table.updates[better] >= enough_updates
    return SUITS.judge(difference.mean(), standard_error(difference), len(difference), enough=enough, **case)
