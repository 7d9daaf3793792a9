"""A lag that real-time recurrent learning cannot bridge and an LSTM can (claim M2).

Method. Task 2a of Hochreiter, Schmidhuber (1997): (x, a_1 .. a_{p-1}, x) or (y, a_1 .. a_{p-1}, y), evenly drawn;
symbols are one-hot, and at each of p steps the next of p + 1 is predicted. Logistic outputs o = s(V_in + u h), fed by
the input and one hidden unit; no biases; error sum .5 (target - o)^2; weights even in [-.2, .2]; states start anew.

rtrl   h_t = s(w_in + r h_{t-1}); dh/dw and dh/dr are carried forward; all weights change after every step
bptt   the same net; w, r and u change after the last step by the gradient of the whole sequence (the sensitivities of
       rtrl give it too; a row of V acts at one step alone, so when it changes there makes no difference)
lstm   h_t = h_{t-1} + s(gate_in) s(w_in): memory cell and input gate, no output gate, no forget gate; weights change
       after every step; gradients are exact, for nothing leads from the cell back to its gate

The numbers of weights are those of their table 2. A case names method, p and learning rate. A trial is a success when,
with weights as they are, no output errs by .25 or more in any of 10,000 random sequences: frozen weights see two
sequences, and both are tried whenever the last x and the last y sequence were without fault. It is unsolved when
`max_sequences` were shown, or `max_outputs` outputs computed. Beside it the harder rule, held: the 10,000 sequences
after the success are without fault too, while learning goes on.

Where the paper says two things: success is an error below .25 at the end of a sequence in its table 11, and always, as
here, in its text. Appendix A.1 has a weight's update as the sum over all steps of a sequence, which of the three only
bptt makes. Eq. 16 has no 1/2 in the error, and eq. 19 leaves the 2 out.

Our conventions where the paper is silent. The lstm's cell and gate join the net ("once the error has stopped
decreasing") when the mean error of 100 sequences first is not below that of the 100 before. Its gate's weights begin
at -3 + U[-.2, .2]: to bias the input gate towards zero is the paper's own remedy for a cell that drifts, and table 2
leaves no room for a bias weight. lstm_open does without: its cell gathers about p / 4 and its outputs saturate.

The rule of success and the -3 were settled on trials of seed 4242, which no preset uses. Those trials needed about five
times the published learning rates for the published numbers, and no factor that the paper gives explains it. So what is
judged of the nets without gates is the best share over the learning rates of a sweep: p = 4 is learnt at one of them,
p = 10 at none. The published shares, of stated rates, stand as crosses in the picture.

    python experiments/long_lag.py -m case=rtrl-4-1,lstm-100-1 out=DIR
"""

from pathlib import Path
from typing import Any, NamedTuple, Self

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from rnnkit._compile.jit import jit
from rnnkit.cells.functions import sigmoid
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.style import looks
from rnnkit.statistics import mean, share_se, standard_error

BUDGET_MINUTES = {"quick": 0.17, "laptop": 9.0, "paper": 180.0}
COLUMNS = ["method", "delay", "learning_rate", "weights", "cap", "solved_share", "solved_share_se"]
COLUMNS += ["held_share", "sequences", "sequences_se", "status", "n"]
RTRL, BPTT, LSTM = 0, 1, 2
METHODS = {"rtrl": RTRL, "bptt": BPTT, "lstm": LSTM, "lstm_open": LSTM}
RIGHT, IN_A_ROW, BLOCK, PLATEAU = 0.25, 10_000, 10_000, 100
GATE = -3.0
SHOWN, ROW, LAST_X, LAST_Y = range(4)  # counts of a trial: sequences shown, those without fault in a row, the last ones

SOURCE = "Hochreiter, Schmidhuber 1997, table 2"
PUBLISHED_CAP = 5_000_000
PUBLISHED_SHARE = {("rtrl", 4, 1.0): 0.78, ("rtrl", 4, 4.0): 0.56, ("rtrl", 4, 10.0): 0.22, ("lstm", 100, 1.0): 1.0}
PUBLISHED_SEQUENCES = {("rtrl", 4, 1.0): 1_043_000, ("rtrl", 4, 4.0): 892_000, ("rtrl", 4, 10.0): 254_000}
PUBLISHED_SEQUENCES |= {("lstm", 100, 1.0): 5040}
PUBLISHED_WEIGHTS = {("rtrl", 4): 36, ("rtrl", 10): 144, ("rtrl", 100): 10404, ("bptt", 100): 10404}
PUBLISHED_WEIGHTS |= {("lstm", 100): 10504}
LSTM_CASE = ("lstm", 100, 1.0)
LSTM_CAP = 2 * PUBLISHED_SEQUENCES[LSTM_CASE]
ENOUGH_RATES = 3
LEARNT = Claim(
    claim="M2a",
    class_="direction",
    kind="above",
    statement="{name}: best share of trials solved over learning rates {rates}, within {cap:,} sequences",
    source=f"{SOURCE}: 78, 56 and 22% at rates 1, 4 and 10",
    bar=0.5,
    reason="more often than not at the best rate, as theirs at 1 and 4; which rate that is is left open",
)
NOT_LEARNT = Claim(
    claim="M2b",
    class_="direction",
    kind="below",
    statement="{name}: best share of trials solved over learning rates {rates}, within {cap:,} sequences",
    source=f"{SOURCE}: none",
    bar=0.2,
    reason="none of 18 trials in print is a share of at most .18, at 95%",
)
LEARNABLE = {("rtrl", 4): LEARNT} | dict.fromkeys([("rtrl", 10), ("rtrl", 100), ("bptt", 100)], NOT_LEARNT)
SHARE = Claim(
    claim="M2c",
    class_="number",
    kind="equal",
    statement="{name}: share of trials solved within {cap:,} sequences",
    source=SOURCE,
    bar=1.0,
    margin=0.25,
    reason="two standard errors of their own 18 trials",
)
SEQUENCES = Claim(
    claim="M2c",
    class_="number",
    kind="equal",
    statement="{name}: sequences until success, mean of the trials solved",
    source=SOURCE,
    margin=2520,
    reason='half of theirs: when "the error has stopped decreasing" is left open',
)
WEIGHTS = Claim(
    claim="M2d",
    class_="check",
    kind="equal",
    statement="{name}: number of weights",
    source=SOURCE,
    margin=0.0,
    reason="a count",
)


class Config(JobConfig):
    """Keys of a job."""

    case: str = Field(
        pattern=r"^(rtrl|bptt|lstm|lstm_open)-[0-9]{1,4}-[0-9]{1,3}(\.[0-9]+)?$",
        description="method-p-learning rate as in rtrl-4-1 (methods are rtrl, bptt, lstm and lstm_open)",
    )
    max_sequences: int = Field(ge=1, le=10**9, description="an integer from 1 to 1000000000")
    max_outputs: int = Field(ge=1, le=10**13, description="an integer from 1 to 10000000000000")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000 (trials)")

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        _, p, rate = self.parts
        if not (2 <= p <= 1000 and rate > 0):
            raise ValueError(f"case must have p from 2 to 1000 and a learning rate above 0, got {self.case}")
        return self

    @property
    def parts(self) -> tuple[str, int, float]:
        """Method, p and learning rate."""
        method, p, rate = self.case.split("-")
        return method, int(p), float(rate)

    @property
    def cap(self) -> int:
        """Most sequences of a trial before those that show its success."""
        p = self.parts[1]
        return max(1, min(self.max_sequences, self.max_outputs // (p * (p + 1))))


class Net(NamedTuple):
    """Weights, S = p + 1: V (S, S) in-out, u (S,) hidden-out, w (2, S) in-hidden (lstm: cell, gate), r (1,) h-h."""

    V: np.ndarray
    u: np.ndarray
    w: np.ndarray
    r: np.ndarray


def start(method: str, p: int, rng: np.random.Generator) -> Net:
    """Draw a net."""
    net = Net(*(rng.uniform(-0.2, 0.2, shape) for shape in ((p + 1, p + 1), p + 1, (2, p + 1), 1)))
    if method == "lstm":
        net.w[1] += GATE
    return net


def number_of_weights(method: str, net: Net) -> int:
    """Return how many numbers are learned: the second row of w is the lstm's gate, r is not the lstm's."""
    hidden = net.w.size if METHODS[method] == LSTM else net.w[0].size + net.r.size
    return net.V.size + net.u.size + hidden


@jit
def hidden_step(w: np.ndarray, r: float, method: int, symbol: int, h: float, dw: np.ndarray, dr: float) -> tuple:
    """Return the next h and dh/dr; take dh/dw (2, S) one step forward."""
    if method == LSTM:
        g, i = sigmoid(w[0, symbol]), sigmoid(w[1, symbol])
        dw[0, symbol] += i * g * (1 - g)
        dw[1, symbol] += g * i * (1 - i)
        return h + i * g, 0.0
    new = sigmoid(w[0, symbol] + r * h)
    slope = new * (1 - new)
    for k in range(dw.shape[1]):
        dw[0, k] *= slope * r
    dw[0, symbol] += slope
    return new, slope * (h + r * dr)


@jit
def output_step(v: np.ndarray, u: np.ndarray, target: int, h: float, o: np.ndarray, d: np.ndarray) -> tuple:
    """Fill d with -dE/d(net input of each output), v the input's row of V; return (largest error, E, -dE/dh)."""
    worst, loss, back = 0.0, 0.0, 0.0
    for k in range(o.size):
        o[k] = sigmoid(v[k] + u[k] * h)
        d[k] = -o[k]
    d[target] += 1.0
    for k in range(o.size):
        worst = max(worst, abs(d[k]))
        loss += 0.5 * d[k] * d[k]
        d[k] *= o[k] * (1 - o[k])
        back += d[k] * u[k]
    return worst, loss, back


@jit
def show(first: int, method: int, has_hidden: bool, rate: float, net: Net, change: Net) -> tuple:
    """Show the sequence that begins with symbol `first`, 0 or 1, and learn; return (largest error, E).

    has_hidden: else h is 0. change: of the net's shapes, zeros. rate: 0 leaves the net as it is.
    """
    V, u, w, r = net
    du, dw_sum = change.u, change.w
    S = u.size
    o, d, dw = np.empty(S), np.empty(S), np.zeros((2, S))
    h, dr, dr_sum, worst, total = 0.0, 0.0, 0.0, 0.0, 0.0
    rows = 2 if method == LSTM else 1
    for t in range(S - 1):
        symbol = first if t == 0 else t + 1  # a_t is number t + 1
        target = first if t == S - 2 else t + 2
        if has_hidden:
            h, dr = hidden_step(w, r[0], method, symbol, h, dw, dr)
        largest, loss, back = output_step(V[symbol], u, target, h, o, d)
        worst, total = max(worst, largest), total + loss
        for k in range(S):
            V[symbol, k] += rate * d[k]
            du[k] += rate * d[k] * h
        if not has_hidden:
            continue
        dr_sum += rate * back * dr
        for j in range(rows):
            for k in range(S):
                dw_sum[j, k] += rate * back * dw[j, k]
        if method != BPTT or t == S - 2:
            for k in range(S):
                u[k] += du[k]
                du[k] = 0.0
            for j in range(rows):
                for k in range(S):
                    w[j, k] += dw_sum[j, k]
                    dw_sum[j, k] = 0.0
            r[0] += dr_sum
            dr_sum = 0.0
    return worst, total


@jit
def learn(
    firsts: np.ndarray, method: int, has_hidden: bool, rate: float, net: Net, change: Net, counts: np.ndarray
) -> tuple:
    """Show sequences until both are right with weights as they are; return (the mean E of one, whether so)."""
    total = 0.0
    for n in range(firsts.size):
        worst, error = show(firsts[n], method, has_hidden, rate, net, change)
        total += error
        counts[SHOWN] += 1
        counts[ROW] = counts[ROW] + 1 if worst < RIGHT else 0
        counts[LAST_X + firsts[n]] = worst < RIGHT
        if counts[LAST_X] and counts[LAST_Y]:
            x, y = show(0, method, has_hidden, 0.0, net, change)[0], show(1, method, has_hidden, 0.0, net, change)[0]
            if max(x, y) < RIGHT:
                return total / (n + 1), True
    return total / firsts.size, False


@jit
def stays_right(firsts: np.ndarray, method: int, rate: float, net: Net, change: Net) -> bool:
    """Show sequences and learn; return whether all were without fault."""
    right = True
    for first in firsts:
        right = right and show(first, method, True, rate, net, change)[0] < RIGHT
    return right


def trial(config: Config, replicate: int) -> dict[str, Any]:
    """Train one net; return its row of nets.csv."""
    name, p, rate = config.parts
    method, rng = METHODS[name], streams(config.seed, replicate)
    net, counts, before, joined, solved = start(name, p, rng.init), np.zeros(4, np.int64), np.inf, method != LSTM, False
    change = Net(*(np.zeros_like(part) for part in net))
    while not solved and (left := config.cap - counts[SHOWN]) > 0:
        firsts = rng.data.integers(2, size=min(BLOCK if joined else PLATEAU, left))
        error, solved = learn(firsts, method, joined, rate, net, change, counts)
        joined, before = joined or error >= before, error
    row = {"replicate": replicate, "solved": int(solved), "sequences": int(counts[SHOWN]) if solved else None}
    held = solved and stays_right(rng.data.integers(2, size=IN_A_ROW), method, rate, net, change)
    return row | {"held": int(held), "error": error}


def measure(config: Config) -> Measurement:
    """Make all trials of a case, on all cores."""
    method, p, rate = config.parts
    nets, n = map_replicates(lambda i: trial(config, i), config.replicates), config.replicates
    sequences = [net["sequences"] for net in nets if net["solved"]]
    row = {"method": method, "delay": p, "learning_rate": rate, "cap": config.cap, "status": "done", "n": n}
    row |= {"solved_share": len(sequences) / n, "solved_share_se": share_se(len(sequences), n)}
    row |= {"sequences": mean(sequences), "sequences_se": standard_error(sequences)}
    row["held_share"] = mean([net["held"] for net in nets])
    row["weights"] = number_of_weights(method, start(method, p, streams(0).init))
    return Measurement(row, nets)


def draw(folder: Path) -> None:
    """Draw the share of trials solved against the sequences shown, a panel a delay; crosses: the published ends."""
    tables = read(folder)
    panels = list(tables.table.groupby("delay"))
    shape = {"figsize": (1 + 3 * len(panels), 3.4), "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, all_axes = plt.subplots(1, len(panels), **shape)
    for axes, (p, rows) in zip(all_axes[0], panels, strict=True):
        styles = looks(f"{row.method}, rate {row.learning_rate:g}" for row in rows.itertuples())
        for (label, style), row in zip(styles.items(), rows.itertuples(), strict=True):
            solved = np.sort(tables.nets[tables.nets.out == row.out].sequences.dropna())
            x, y = [100, *solved, row.cap], [*np.arange(len(solved) + 1) / row.n, len(solved) / row.n]
            axes.step(x, y, where="post", **style, label=label)
            case = (row.method, row.delay, row.learning_rate)
            if case in PUBLISHED_SEQUENCES:
                at = PUBLISHED_SEQUENCES[case], PUBLISHED_SHARE[case]
                axes.plot(*at, "x", color=style["color"], ms=8, mew=2, zorder=3)
        axes.set(xscale="log", xlabel="sequences shown", ylim=(-0.03, 1.05), title=f"p = {p}")
        axes.legend()
    all_axes[0][0].set_ylabel("share of trials solved")
    figure.suptitle(f"{tables.table.n.max()} trials; crosses: in print, at the mean number of sequences")
    save(figure, folder / "solved.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return M2: p = 4 is learnt (a), p = 10 and 100 are not (b), the LSTM learns (c), numbers of weights (d)."""
    found = []
    for (method, p), rows in tables.table.groupby(["method", "delay"], sort=False):
        if (method, p) in LEARNABLE:
            found.append(_best(LEARNABLE[method, p], rows, f"{method}, p = {p}"))
    for row in tables.table.itertuples():
        name, case = f"{row.method}, p = {row.delay}, rate {row.learning_rate:g}", (row.method, row.delay)
        budget = {"enough": row.cap >= LSTM_CAP, "draws": _trials(row)}
        if (*case, row.learning_rate) == LSTM_CASE:
            found.append(SHARE.judge(row.solved_share, row.solved_share_se, row.n, **budget, name=name, cap=row.cap))
            measured, bar = (row.sequences, row.sequences_se, row.n), PUBLISHED_SEQUENCES[LSTM_CASE]
            found.append(SEQUENCES.judge(*measured, bar=bar, **budget, name=name))
        if (weights := PUBLISHED_WEIGHTS.get(case)) is not None:
            found.append(WEIGHTS.judge(row.weights, 0.0, 1, bar=weights, name=name))
    return found


def _best(claim: Claim, rows: pd.DataFrame, name: str) -> Judgement:
    """Return the claim of the learning rate that solves most trials. A cap below the paper's decides nothing."""
    best, rates = rows.loc[rows.solved_share.fillna(-1).idxmax()], sorted(rows.learning_rate)
    case = {"name": name, "rates": ", ".join(f"{rate:g}" for rate in rates), "cap": rows.cap.min()}
    enough = rows.cap.min() >= PUBLISHED_CAP and len(rates) >= ENOUGH_RATES
    return claim.judge(best.solved_share, best.solved_share_se, best.n, enough=enough, draws=name, **case)


def _trials(row: Any) -> str:
    """Return what trials with the same first weights and sequences have in common: every rate begins with them."""
    return f"{row.method}, p = {row.delay}"


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
