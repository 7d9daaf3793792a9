"""The LSTM of 1997, by its text, on lags of up to 1,000 steps among random distractors (claim M2e).

Method. Task 2c of Hochreiter, Schmidhuber (1997). A sequence is b, then x or y, then q + k distractors drawn from p,
then e, evenly and independently; k, of mean 9, is geometric: after q distractors each further one comes with
probability .9. After e the net is to name the second symbol: two outputs, an error at the end alone. The lag is at
least q + 1. (The paper prints q + 14 as the mean length, last symbol included; its own sum is q + 13.)

The net is theirs: p + 4 one-hot inputs, two memory cells, each with an input and an output gate, no forget gate, no
biases, weights even in [-.2, .2]. Cells and gates see the input and what all six of them gave a step before; outputs
see the cells. With s the logistic function, for a cell

    c_t = c_{t-1} + s(a_in) g(a_c),   out_t = s(a_out) h(c_t),   g = 4 s - 2,   h = 2 s - 1.

Its gradient is theirs too: what flows back through a cell's own state is kept for any time (dc/dw is carried forward),
what would flow back into a gate or a cell from a step before is cut off. One update a sequence, of .5 (target - o)^2
summed over both outputs, by the learning rate .01.

Success: both errors below .2 in 10,000 sequences in a row, while learning goes on; counted are the sequences shown
before these. A trial is given up after `max_symbols` of them. In print are means of 20 trials; whether they count the
10,000 is not said, and the margin, half of what is printed, is of about that size.

What may stand in the way is seen before any training: gates near 1/2 are an input that never changes, so that a state
drifts. `drift` is the mean of |c_T| of untrained nets, `slope` that of h'(c_T), by which all that a cell learns is
scaled. The paper's remedy, to bias the input gate towards zero, is not taken: here it has "no bias weights".

    python experiments/long_lag_distractors.py -m case=50-50,100-100 out=DIR
"""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field

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
from rnnkit.statistics import mean, share_se, standard_error

BUDGET_MINUTES = {"quick": 0.2, "laptop": 14.0, "paper": 40.0}
COLUMNS = [
    "lag",
    "distractors",
    "weights",
    "drift",
    "slope",
    "cap",
    "solved_share",
    "solved_share_se",
    "sequences",
    "sequences_se",
    "status",
    "n",
]
RIGHT, IN_A_ROW, BLOCK, GOES_ON = 0.2, 10_000, 500, 0.9
CELLS, IN, OUT, CELL = 2, 0, 1, 2  # the rows of a cell's weights
B, E = 0, 1  # symbols, then x, y, then the distractors
SHOWN, ROW = range(2)
DRIFTS = 20  # sequences of distractors whose end states are `drift`

SOURCE = "Hochreiter, Schmidhuber 1997, table 3"
PUBLISHED = {  # (q, p): (weights, sequences until success)
    (50, 50): (364, 30_000), (100, 100): (664, 31_000), (200, 200): (1264, 33_000), (500, 500): (3064, 38_000),
    (1000, 1000): (6064, 49_000), (1000, 500): (3064, 49_000), (1000, 200): (1264, 75_000),
    (1000, 100): (664, 135_000), (1000, 50): (364, 203_000),
}  # fmt: skip
ENOUGH_TIMES, ENOUGH_TRIALS = 1.5, 20  # the cap in sequences in print, and trials: fewer decide nothing
SHARE = Claim(
    claim="M2e",
    class_="number",
    kind="equal",
    statement="at least {lag} distractors of {kinds} kinds: share of trials solved within {cap:,} sequences",
    source=SOURCE,
    bar=1.0,
    margin=0.25,
    reason="two standard errors of 20 trials, as of task 2a",
)
SEQUENCES = Claim(
    claim="M2f",
    class_="number",
    kind="equal",
    statement="at least {lag} distractors of {kinds} kinds: sequences until success, mean of the trials solved",
    source=SOURCE,
    reason="half of theirs, as of task 2a: the 10,000 that show success may be in it or not",
)
WEIGHTS = Claim(
    claim="M2g",
    class_="check",
    kind="equal",
    statement="at least {lag} distractors of {kinds} kinds: number of weights",
    source=SOURCE,
    margin=0.0,
    reason="a count",
)


class Config(JobConfig):
    """Keys of a job."""

    case: str = Field(
        pattern=r"^[1-9][0-9]{0,3}-[1-9][0-9]{0,3}$",
        description="q-p as in 50-50 (at least q distractors in a sequence, of p kinds; both from 1 to 9999)",
    )
    learning_rate: float = Field(gt=0, le=1e3, description="a number above 0, up to 1000")
    max_symbols: int = Field(ge=1, le=10**13, description="an integer from 1 to 10000000000000 (of a trial)")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000 (trials)")

    @property
    def parts(self) -> tuple[int, int]:
        """Return q and p."""
        q, p = self.case.split("-")
        return int(q), int(p)

    @property
    def cap(self) -> int:
        """Most sequences of a trial before those that show its success."""
        return max(1, self.max_symbols // (self.parts[0] + 12))  # b, x or y, e, and 9 distractors of the suffix


class Net(NamedTuple):
    """Weights: W (3, 2, S + 6) of gates and cells, from S symbols and the six units; V (2, 2) cell-output."""

    W: np.ndarray
    V: np.ndarray


class Sequences(NamedTuple):
    """Symbols of sequences one after the other, where each ends, and which class each is, 0 (x) or 1 (y)."""

    symbols: np.ndarray
    ends: np.ndarray
    classes: np.ndarray


def start(p: int, rng: np.random.Generator) -> Net:
    """Draw a net."""
    return Net(rng.uniform(-0.2, 0.2, (3, CELLS, p + 4 + 3 * CELLS)), rng.uniform(-0.2, 0.2, (2, CELLS)))


def sample(rng: np.random.Generator, n: int, q: int, p: int) -> Sequences:
    """Draw n sequences."""
    classes = rng.integers(2, size=n)
    ends = np.cumsum(q + rng.geometric(1 - GOES_ON, n) - 1 + 3)
    symbols = rng.integers(4, 4 + p, size=ends[-1])
    begins = np.concatenate([[0], ends[:-1]])
    symbols[begins], symbols[begins + 1], symbols[ends - 1] = B, 2 + classes, E
    return Sequences(symbols, ends, classes)


@jit
def read_sequence(symbols: np.ndarray, W: np.ndarray, y: np.ndarray, dc: np.ndarray) -> tuple:
    """Return (c (2,), the units of the step before the last (6,)); y (6,) ends as the last step's, of zeros.

    dc (2, 2, S + 6), of zeros: ends as dc/dw of the input gate's and the cell's own weights.
    """
    S, c, before = W.shape[2] - y.size, np.zeros(CELLS), np.zeros(y.size)
    for symbol in symbols:
        before[:] = y
        for j in range(CELLS):
            a = W[:, j, symbol].copy()
            for kind in range(3):
                for m in range(y.size):
                    a[kind] += W[kind, j, S + m] * before[m]
            i, o, s = sigmoid(a[IN]), sigmoid(a[OUT]), sigmoid(a[CELL])
            by_gate, by_cell = (4 * s - 2) * i * (1 - i), i * 4 * s * (1 - s)
            dc[0, j, symbol] += by_gate
            dc[1, j, symbol] += by_cell
            for m in range(y.size):
                dc[0, j, S + m] += by_gate * before[m]
                dc[1, j, S + m] += by_cell * before[m]
            c[j] += i * (4 * s - 2)
            y[IN * CELLS + j], y[OUT * CELLS + j] = i, o
            y[CELL * CELLS + j] = o * (2 * sigmoid(c[j]) - 1)
    return c, before


@jit
def show(symbols: np.ndarray, is_y: int, rate: float, W: np.ndarray, V: np.ndarray) -> float:
    """Show a sequence and learn; return the larger of the two errors."""
    y, dc = np.zeros(3 * CELLS), np.zeros((2, CELLS, W.shape[2]))
    c, before = read_sequence(symbols, W, y, dc)
    S, last, worst, back = W.shape[2] - y.size, symbols[-1], 0.0, np.zeros(CELLS)
    for k in range(2):
        o = sigmoid(V[k, 0] * y[CELL * CELLS] + V[k, 1] * y[CELL * CELLS + 1])
        error = (1.0 if k == is_y else 0.0) - o
        worst = max(worst, abs(error))
        for j in range(CELLS):
            back[j] += error * o * (1 - o) * V[k, j]
            V[k, j] += rate * error * o * (1 - o) * y[CELL * CELLS + j]
    for j in range(CELLS):
        o, s = y[OUT * CELLS + j], sigmoid(c[j])
        by_out, by_cell = rate * back[j] * (2 * s - 1) * o * (1 - o), rate * back[j] * o * 2 * s * (1 - s)
        W[OUT, j, last] += by_out
        for m in range(y.size):
            W[OUT, j, S + m] += by_out * before[m]
        for m in range(W.shape[2]):
            W[IN, j, m] += by_cell * dc[0, j, m]
            W[CELL, j, m] += by_cell * dc[1, j, m]
    return worst


@jit
def learn(
    symbols: np.ndarray, ends: np.ndarray, classes: np.ndarray, rate: float, W: np.ndarray, V: np.ndarray,
    counts: np.ndarray
) -> bool:  # fmt: skip
    """Show sequences; return whether IN_A_ROW of them, with those before, were right."""
    begin = 0
    for n in range(ends.size):
        right = show(symbols[begin : ends[n]], classes[n], rate, W, V) < RIGHT
        begin = ends[n]
        counts[SHOWN] += 1
        counts[ROW] = counts[ROW] + 1 if right else 0
        if counts[ROW] == IN_A_ROW:
            return True
    return False


def trial(config: Config, replicate: int) -> dict[str, Any]:
    """Train one net; return its row of nets.csv."""
    (q, p), rng, counts = config.parts, streams(config.seed, replicate), np.zeros(2, np.int64)
    net, solved = start(p, rng.init), False
    c = np.array([state_of(net, symbols) for symbols in rng.evaluation.integers(4, 4 + p, (DRIFTS, q))])
    while not solved and counts[SHOWN] - counts[ROW] < config.cap:
        solved = learn(*sample(rng.data, BLOCK, q, p), config.learning_rate, *net, counts)
    row = {"replicate": replicate, "solved": int(solved)}
    row["sequences"] = int(counts[SHOWN] - IN_A_ROW) if solved else None
    e = np.exp(-np.abs(c))
    return row | {"drift": float(np.abs(c).mean()), "slope": float((2 * e / (1 + e) ** 2).mean())}


def state_of(net: Net, symbols: np.ndarray) -> np.ndarray:
    """Return the states c (2,) of a net after some symbols."""
    return read_sequence(symbols, net.W, np.zeros(3 * CELLS), np.zeros((2, CELLS, net.W.shape[2])))[0]


def measure(config: Config) -> Measurement:
    """Make all trials of a case, on all cores."""
    (q, p), n = config.parts, config.replicates
    nets = map_replicates(lambda i: trial(config, i), n)
    sequences = [net["sequences"] for net in nets if net["solved"]]
    row = {
        "lag": q,
        "distractors": p,
        "cap": config.cap,
        "weights": sum(part.size for part in start(p, streams(0).init)),
    }
    row |= {"solved_share": len(sequences) / n, "solved_share_se": share_se(len(sequences), n)}
    row |= {key: mean([net[key] for net in nets]) for key in ("drift", "slope")}
    row |= {"sequences": mean(sequences), "sequences_se": standard_error(sequences), "status": "done", "n": n}
    return Measurement(row, nets)


def draw(folder: Path) -> None:
    """Draw the sequences until success against the distractors of a sequence, beside the published ones."""
    tables = read(folder)
    figure, axes = plt.subplots(figsize=(6.4, 4))
    labels = [f"{row.lag}\n{row.distractors} kinds" for row in tables.table.itertuples()]
    for i, row in enumerate(tables.table.itertuples()):
        own = tables.nets[tables.nets.out == row.out].sequences.dropna()
        axes.plot(
            np.full(len(own), i) + 0.1, own, "o", ms=4, mfc="none", color="C0", label="a trial" if i == 0 else None
        )
        if published := PUBLISHED.get((row.lag, row.distractors)):
            axes.plot(i - 0.1, published[1], "x", ms=9, mew=2, color="C2", label="in print, mean" if i == 0 else None)
    axes.set_xticks(range(len(labels)), labels)
    axes.set(yscale="log", xlabel="distractors of a sequence, at least", ylabel="sequences until success")
    axes.set_title(f"two memory cells, {tables.table.n.max()} trials")
    axes.legend()
    save(figure, folder / "sequences.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return M2e to M2g of the cases in print."""
    found = []
    for row in tables.table.itertuples():
        if (row.lag, row.distractors) not in PUBLISHED:
            continue
        weights, bar = PUBLISHED[row.lag, row.distractors]
        case = {"lag": row.lag, "kinds": row.distractors}
        enough = {"enough": row.cap >= ENOUGH_TIMES * bar and row.n >= ENOUGH_TRIALS}
        found.append(SHARE.judge(row.solved_share, row.solved_share_se, row.n, **enough, **case, cap=row.cap))
        measured = row.sequences, row.sequences_se, row.n
        found.append(SEQUENCES.judge(*measured, bar=bar, margin=bar / 2, **enough, **case))
        found.append(WEIGHTS.judge(row.weights, 0.0, 1, bar=weights, **case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
