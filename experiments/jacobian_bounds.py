"""What bounds the growth of a gradient: the largest singular value, not the spectral radius (claims G3 a and b).

Method. The three nets of Pascanu, Mikolov, Bengio (2013), 50 units, driven by noise, then as gradient_flow. In every
net the largest one-step growth over all steps and samples is held against ln(sigma_max gamma). The mean sigma_max and
radius of their W that these nets are checked by are this project's own: they are not in the paper.

    python experiments/jacobian_bounds.py -m network=sigmoid,basic_tanh,smart_tanh out=DIR
"""

from pathlib import Path
from typing import Literal

import numpy as np
from common import flow
from common.flow_config import FlowConfig
from pydantic import Field

from rnnkit.gradients import theory
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag

BUDGET_MINUTES = {"quick": 0.02}
HIDDEN = 50
NETWORKS = {  # standard deviations .01 and .1 of the entries, as gains
    "sigmoid": {"cell": "sigmoid", "initializer": "gaussian", "gain": 0.01 * np.sqrt(HIDDEN)},
    "basic_tanh": {"cell": "tanh", "initializer": "gaussian", "gain": 0.1 * np.sqrt(HIDDEN)},
    "smart_tanh": {"cell": "tanh", "initializer": "sparse", "spectral_radius": 0.95},
}
COLUMNS = ["largest_step_over_bound", *flow.COLUMNS]
# Means over nets and their spread in this project's first notes; of basic tanh's sigma_max there is no spread, so smart
# tanh's serves.
SIGMA_MAX = {"smart_tanh": (1.81, 0.10), "basic_tanh": (1.36, 0.10)}
RADIUS = {"basic_tanh": (0.753, 0.033)}
SOURCE = "Pascanu, Mikolov, Bengio 2013, section 2.1"
BOUND = Claim(
    claim="G3a",
    class_="check",
    kind="below",
    statement="(a) no one-step factor exceeds sigma_max gamma: {network}, largest ln factor - ln bound",
    source=SOURCE,
    bar=1e-12,
    reason="a theorem: rounding of sums of 50 float64 products",
)
WEIGHTS = Claim(
    claim="G3b",
    class_="check",
    kind="equal",
    statement="(b) {network}: mean {name} over nets",
    source="this project's first notes, not in Pascanu, Mikolov, Bengio 2013",
    reason="the spread over nets noted with the number, or of the other network where none was",
)
VANISHES = Claim(
    claim="G3b",
    class_="direction",
    kind="below",
    statement="(b) {network}: sigma_max > 1 in every net, and yet gradients vanish",
    source=f"{SOURCE}: sigma_max > 1/gamma is necessary to explode, not sufficient",
    bar=-0.02,
    reason="nats per step: a factor e within 50 steps",
)


class Config(JobConfig):
    """Keys of a job; the rest is gradient_flow's."""

    network: Literal["sigmoid", "basic_tanh", "smart_tanh"] = Field(description="sigmoid, basic_tanh or smart_tanh")
    drive_variance: float = Field(gt=0, le=1e3, description="a number above 0, up to 1000")
    seq_len: int = Field(ge=70, le=1_000_000, description="an integer from 70 to 1000000")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def measure(config: Config) -> Measurement:
    """Measure the nets, and how near their largest one-step growth comes to the bound."""
    keys = {"gain": "none", "spectral_radius": "none"} | NETWORKS[config.network]
    shared = config.model_dump(exclude={"network"})
    fixed = {"hidden_size": HIDDEN, "drive": "noise", "dtype": "float64", "clip": "none", "clip_mode": "norm"}
    measured = flow.measure_flow(FlowConfig(**shared, **fixed, **keys))
    bounds = [theory.largest_step(net["sigma_max"], keys["cell"]) for net in measured.nets]
    over = [net["largest_step"] - bound for net, bound in zip(measured.nets, bounds, strict=True)]
    measured.row["largest_step_over_bound"] = float(max(over))
    return measured


def draw(folder: Path) -> None:
    """Draw log norm against lag."""
    tables = read(folder)
    lags = tables.lags.merge(tables.table[["out", "network"]], on="out")
    log_norm_by_lag(lags, "network", folder / "lags.png", "three initialisations of Pascanu et al. (2013)")


def claims(tables: Tables) -> list[Judgement]:
    """Return G3 (a) for each network, G3 (b) for smart tanh, and the radii and singular values it rests on."""
    found = []
    for row in tables.table.itertuples():
        found.append(BOUND.judge(row.largest_step_over_bound, 0.0, row.n, network=row.network))
        nets = tables.nets[tables.nets.out == row.out]
        for name, noted in (("sigma_max", SIGMA_MAX), ("spectral_radius_achieved", RADIUS)):
            if row.network in noted:
                bar, margin = noted[row.network]
                measured = nets[name].mean(), nets[name].std() / np.sqrt(len(nets)), row.n
                found.append(WEIGHTS.judge(*measured, bar=bar, margin=margin, network=row.network, name=name))
        if row.network == "smart_tanh":
            rate = row.growth_rate if nets.sigma_max.min() > 1 else np.nan
            found.append(VANISHES.judge(rate, row.growth_rate_se, row.n, network=row.network))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
