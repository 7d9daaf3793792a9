"""How a gradient grows or fades on its way back through a driven recurrent net (claim G7).

Method. A net h_t = phi(x_t W_xh + h_{t-1} W_hh) is driven for `seq_len` steps. Its loss is the sum over samples of
h_T times a fixed random unit vector, so that ln ||dL/dh_T|| = 0. Followed back: ln ||dL/dh_{T-k}|| for each sample,
and the gradient of the batch mean for W_hh, before and after clipping. A job is `replicates` independent nets.

    python experiments/gradient_flow.py -m seq_len=10,50,100 spectral_radius=0.5,1.0,1.5 clip=none,1.0 out=DIR
"""

from pathlib import Path

import numpy as np
from common.cells import by_cell
from common.flow import COLUMNS, WITHOUT_SPREAD, measure_flow
from common.flow_config import FlowConfig
from common.phase import length_by_radius

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag, measured_on_theory
from rnnkit.runner.tables.formats import NO_CLIP
from rnnkit.statistics import EXPLODED, SHORTEST_SLOPE, VANISHED

__all__ = ["WITHOUT_SPREAD"]
BUDGET_MINUTES = {"quick": 0.4}
THRESHOLD_MARGIN = 2.0  # nats: cells whose predicted log norm is nearer to a threshold decide nothing
SOURCE = "theory of G1 at each net's achieved gain; sequence length and radius: Pascanu, Mikolov, Bengio 2013"
SLOPE = Claim(
    claim="G7a",
    class_="theory",
    kind="equal",
    statement="seq_len {length}, radius {radius}: slope = theory",
    source=SOURCE,
    margin=0.012,
    reason="seq_len 100 leaves 80 lags: two standard errors of .003, and .006 for what one Gaussian W has beyond 1/H",
)
SHARE = Claim(
    claim="G7b",
    class_="theory",
    kind="equal",
    statement="share {word} is over .5 exactly where theory says so: jobs that disagree",
    source=SOURCE,
    bar=0.0,
    margin=0.0,
    reason=f"a count of exceptions; jobs predicted within {THRESHOLD_MARGIN:g} nats of the threshold are left out",
)


def draw(folder: Path) -> None:
    """Draw the measured rates on the theory's line, log norm against lag, and gradients over length and radius."""
    tables = read(folder)
    done = tables.table[tables.table.status == "done"]
    length_by_radius(done, folder / "length_by_radius.png")
    x = next((key for key in ("spectral_radius", "gain") if done[key].notna().all()), None)
    by = "seq_len" if done.drive_variance.nunique() == 1 else "drive_variance"
    if x is not None:
        rows, by = by_cell(done, by)
        measured_on_theory(rows, x, by, folder / "growth_rate.png", f"{x.replace('_', ' ')} asked for")
    longest = done[(done.seq_len == done.seq_len.max()) & (done["clip"] == done["clip"].iloc[0])]
    longest = longest[(longest.drive_variance == longest.drive_variance.max())]
    longest = longest[longest.initializer == longest.initializer.iloc[0]]
    longest, key = by_cell(longest, x or "cell")
    lags = tables.lags.merge(longest[["out", key]], on="out")
    log_norm_by_lag(
        lags,
        key,
        folder / "lags.png",
        f"{longest.initializer.iloc[0]} W, s2 = {longest.drive_variance.iloc[0]}",
    )


def claims(tables: Tables) -> list[Judgement]:
    """Return G7 (a) for each cell with a slope, and G7 (b) over all cells. Two lengths are of the same nets."""
    table = tables.table[tables.table["clip"] == NO_CLIP]
    found = []
    for row in table[table.seq_len >= SHORTEST_SLOPE].itertuples():
        case = {"length": row.seq_len, "radius": row.spectral_radius}
        measured = row.growth_rate, row.growth_rate_se, row.n
        same = f"radius {row.spectral_radius}"
        found.append(SLOPE.judge(*measured, bar=row.growth_rate_theory, draws=same, **case))
    predicted_end = table.growth_rate_theory * table.seq_len
    for word, column, beyond in (
        ("vanished (below 1e-6)", "vanished_fraction", VANISHED - predicted_end),
        ("exploded (above 1e6)", "exploded_fraction", predicted_end - EXPLODED),
    ):
        judged = table[beyond.abs() > THRESHOLD_MARGIN]
        wrong = ((judged[column] > 0.5) != (beyond[judged.index] > 0)).sum()
        found.append(SHARE.judge(wrong if len(judged) else np.nan, 0.0, len(judged), word=word))
    return found


EXPERIMENT = Experiment(__file__, FlowConfig, measure_flow, [*COLUMNS, "growth_rate_of_states"], draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
