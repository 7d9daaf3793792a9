"""Does clipping solve temporal order sooner, and Pascanu's regularizer? Success against length by method (claim C2).

Method. As in `temporal_order`, after Pascanu, Mikolov, Bengio (2013), section 4 and figure 7: basic tanh, SGD, batches
of 20, a clip at norm 1, the regularizer with weight 4 in the form of their eq. 10 and their code: the squared ratio,
which eq. 9 does not have. Solved is under 1% wrong, as in the paper; their code stops at none of 10,000. SGD, SGD-C
(clip), SGD-CR (both) and the regularizer without a clip, at three learning rates. Nets are paired: net r of every
method has the same first weights and the same data. What is compared is the updates to the first solve, censored at the
cap, by the log-rank statistic stratified by length: its one-step estimate of the log hazard ratio, (O - E)/V, with
standard error 1/sqrt(V). Lengths where both methods solve over 90% or under 10% are named: a ceiling or floor says
little.

    python experiments/clipping_methods.py -m seq_len=20,30 clip=none,1.0 omega=0,4 learning_rate=0.01,0.003
"""

from pathlib import Path

import numpy as np
import pandas as pd
from common.pascanu import EXPLODES, regularizer_alone, with_methods
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.training_figures import solved_over_updates
from rnnkit.statistics import log_rank, paired_difference

BUDGET_MINUTES = {"quick": 0.35, "laptop": 8.0}
PUBLISHED_RATE, PUBLISHED_UPDATES = 0.01, 5_000_000
SOURCE = "Pascanu, Mikolov, Bengio 2013, figure 7"
RATIO = "a hazard ratio of 1: the direction alone is in print"
FALLS = Claim(
    claim="C2a",
    class_="direction",
    kind="above",
    statement="{method}: share solved at length {low} less that at {high} (cap {cap:,} updates)",
    source=SOURCE,
    bar=0.0,
    reason="no fall: the direction alone is in print",
)
SOONER = Claim(
    claim="C2b",
    class_="direction",
    kind="above",
    statement="SGD-C at .01 solves sooner than SGD {rate:g}: log hazard ratio (cap {cap:,} updates; {notes})",
    source=SOURCE,
    bar=0.0,
    reason=f"{RATIO}; what is not solved at the cap is censored, so that a wrong sign is one at any cap",
)
SOONER_THAN_BEST = Claim(
    claim="C2c",
    class_="direction",
    kind="above",
    statement="SGD-C at .01 solves sooner than SGD at its best learning rate, {rate:g}: log hazard ratio "
    "(cap {cap:,} updates; {notes})",
    source=f"control of what {SOURCE} shows at one learning rate",
    bar=0.0,
    reason=f"{RATIO}; what is not solved at the cap is censored, so that a wrong sign is one at any cap",
)
REGULARIZED = Claim(
    claim="C2d",
    class_="direction",
    kind="above",
    statement="SGD-CR solves sooner than SGD-C, both at .01: log hazard ratio (cap {cap:,} updates; {notes})",
    source=SOURCE,
    bar=0.0,
    reason=RATIO,
)


def draw(folder: Path) -> None:
    """Draw the share of nets solved against updates, by method, a panel for each length."""
    nets = with_methods(read(folder))
    solved_over_updates(nets[nets.learning_rate == PUBLISHED_RATE], "method", "seq_len", folder / "solved.png")


def compared(nets: pd.DataFrame, one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float, str]:
    """Return the log hazard ratio of `one` against `other`, its standard error, and lengths at ceiling or floor."""
    strata, notes = [], []
    for length in sorted(nets.seq_len.unique()):
        pair = [part[part.seq_len == length].sort_values("replicate") for part in (one, other)]
        strata.append([(p["first"].fillna(p.cap).to_numpy(), p["first"].notna().to_numpy()) for p in pair])
        shares = [p["first"].notna().mean() for p in pair]
        if min(shares) > 0.9 or max(shares) < 0.1:
            notes.append(f"{length} {'ceiling' if min(shares) > 0.9 else 'floor'}")
    return *log_rank(strata), ", ".join(notes) or "no ceiling or floor"


def best_rate(plain: pd.DataFrame) -> float:
    """Return the learning rate that solves most nets without a clip; of equals the one of fewer updates."""
    score = plain.groupby("learning_rate").apply(lambda g: (g["first"].notna().sum(), -g.updates.sum()))
    return score.idxmax() if not score.empty else np.nan


def falls(nets: pd.DataFrame, method: str) -> Judgement:
    """Return C2a of one method: fewer nets are solved at the longest length than at the shortest."""
    own = nets[(nets.method == method) & (nets.learning_rate == PUBLISHED_RATE)].sort_values("replicate")
    low, high = own.seq_len.min(), own.seq_len.max()
    solved = [(own[own.seq_len == length]["first"].notna()).to_numpy() for length in (low, high)]
    case = {"method": method, "low": low, "high": high, "cap": own.cap.iloc[0]}
    return FALLS.judge(*paired_difference(*solved), len(solved[0]), draws="the same first weights and data", **case)


def claims(tables: Tables) -> list[Judgement]:
    """Return C2: success falls with length; clipping solves sooner; also against the best rate without a clip."""
    nets = with_methods(tables)
    found = [falls(nets, method) for method in ("SGD", "SGD-C", "SGD-CR")]
    plain, clipped = (nets[nets.method == method] for method in ("SGD", "SGD-C"))
    published, cap = clipped[clipped.learning_rate == PUBLISHED_RATE], nets.cap.min()
    for claim, rate in ((SOONER, PUBLISHED_RATE), (SOONER_THAN_BEST, best_rate(plain))):
        ratio, se, notes = compared(nets, published, plain[plain.learning_rate == rate])
        case = {"draws": "SGD-C against SGD", "rate": rate, "cap": cap, "notes": notes}
        found.append(claim.judge(ratio, se, len(published), **case))
    ratio, se, notes = compared(
        nets, nets[(nets.method == "SGD-CR") & (nets.learning_rate == PUBLISHED_RATE)], published
    )
    enough = cap >= PUBLISHED_UPDATES
    alone = nets[(nets.method == "SGD-R") & (nets.learning_rate == PUBLISHED_RATE)]
    for length, own in alone.groupby("seq_len"):
        solved = own["first"].notna().to_numpy()
        decided = enough or solved.mean() > EXPLODES.bar  # more updates undo no success
        found.append(regularizer_alone(solved, length=length, cap=cap, enough=decided))
    return [*found, REGULARIZED.judge(ratio, se, len(published), enough=enough, cap=cap, notes=notes)]


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
