"""Does clipping help? Temporal order at length 50, nets in pairs with and without a clip: the headline (claims C2).

Method. As in `clipping_methods`, after Pascanu, Mikolov, Bengio (2013), section 4 and figure 7: basic tanh, 50 units,
SGD at .01, batches of 20, solved when under 1% of 10,000 fresh sequences are wrong. SGD and SGD-C (clip at norm 1), and
with `omega` the regularizer of weight 4 alone (SGD-R) and beside the clip (SGD-CR). Length 50 is the shortest of their
figure; their cap is 5,000,000 updates, here 300,000. Net r of every method has the same first weights and the same
data, so that two methods are one until a norm passes 1. What is compared, pair by pair, is which of the two is solved
first; a pair in which neither is, or both after the same number of updates, counts for neither. Fixed before the run,
by a pilot of 5 pairs at this length (0 of 5 solved by SGD and 3 by SGD-C within 1,000,000 updates): 20 pairs, which
show a true difference of .4 nearly always.

    python experiments/clip_headline.py -m clip=none,1.0 omega=0
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common.pascanu import METHODS, regularizer_alone, with_methods
from common.training import COLUMNS, TrainingConfig, measure_training

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.style import looks
from rnnkit.statistics import paired_difference, wilson_interval

BUDGET_MINUTES = {"quick": 0.2, "laptop": 80.0}
PAIRS, CAP, LENGTH = 20, 300_000, 50
SOURCE = "Pascanu, Mikolov, Bengio 2013, figure 7"
SOONER = Claim(
    claim="C2e",
    class_="direction",
    kind="above",
    statement="length {length}, SGD-C against SGD: pairs it solves first less pairs the other does (cap {cap:,})",
    source=SOURCE,
    bar=0.0,
    reason="no difference: the direction alone is in print",
    question="Does clipping help to learn long lags?",
)
MORE = Claim(
    claim="C2f",
    class_="direction",
    kind="above",
    statement="length {length}: share solved within {cap:,} updates, SGD-C less SGD",
    source=SOURCE,
    bar=0.0,
    reason="no difference: the direction alone is in print",
)
REGULARIZED = Claim(
    claim="C2g",
    class_="direction",
    kind="above",
    statement="length {length}, SGD-CR against SGD-C: pairs it solves first less pairs the other does (cap {cap:,})",
    source=SOURCE,
    bar=0.0,
    reason="no difference: the direction alone is in print",
    question="Does Pascanu's regularizer help beside a clip?",
)
STYLES = looks(METHODS.values())


def first_solves(tables: Tables) -> pd.DataFrame:
    """Return the updates to the first solve, inf where there is none: a row a replicate, a column a method."""
    nets = with_methods(tables)
    return nets.pivot(index="replicate", columns="method", values="first").fillna(np.inf)


def draw(folder: Path) -> None:
    """Draw the share solved against updates, a line a method, with its 95% interval at the end."""
    tables = read(folder)
    first, table = first_solves(tables), tables.table
    figure, axes = plt.subplots(figsize=(6.4, 4))
    cap, n = int(table.updates.max()), len(first)
    for i, method in enumerate(m for m in METHODS.values() if m in first):
        solved = np.sort(first[method][np.isfinite(first[method])])
        steps = [0, *solved, cap], [*np.arange(len(solved) + 1) / n, len(solved) / n]
        axes.step(*steps, where="post", **STYLES[method], label=f"{method}: {len(solved)} of {n}")
        low, high = wilson_interval(len(solved), n)
        axes.vlines(cap * (1.02 + 0.02 * i), low, high, color=STYLES[method]["color"])
    axes.set(xlabel="updates", ylabel="share of nets solved", xlim=(0, 1.12 * cap), ylim=(-0.03, 1.03))
    axes.set_title(f"temporal order, length {table.seq_len.iloc[0]}, {n} nets in pairs; bars: 95%")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    save(figure, folder / "solved.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return the claims of the methods that were run."""
    first, table = first_solves(tables), tables.table
    case = {"length": table.seq_len.iloc[0], "cap": table.updates.max()}
    n, enough = len(first), case["length"] >= LENGTH and case["cap"] >= CAP and len(first) >= PAIRS

    def sooner(claim: Claim, one: str, other: str) -> Judgement:
        a, b = first[one].to_numpy(), first[other].to_numpy()
        return claim.judge(*paired_difference(a < b, b < a), n, enough=enough, draws=f"{one}, {other}", **case)

    found = [sooner(SOONER, "SGD-C", "SGD")]
    solved = {method: np.isfinite(first[method].to_numpy()) for method in first}
    more = paired_difference(solved["SGD-C"], solved["SGD"])
    found.append(MORE.judge(*more, n, enough=enough, draws="SGD-C, SGD", **case))
    if "SGD-CR" in first:
        found.append(sooner(REGULARIZED, "SGD-CR", "SGD-C"))
        found.append(regularizer_alone(solved["SGD-R"], enough=enough, **case))
    return found


EXPERIMENT = Experiment(__file__, TrainingConfig, measure_training, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
