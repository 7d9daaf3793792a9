"""A spectral radius above 1 does not mean explosion: the critical gain of a driven net (claim G2).

Method. Gaussian W at a stated share of the critical gain chi = 1 for that drive, then as gradient_flow: H = 100,
batch 8, 64 nets. Below the critical gain gradients must fade although the spectral radius is above 1. The critical
gains themselves are checked by another quadrature in the tests of `rnnkit.theory`.

    python experiments/critical_gain.py -m gain_ratio=0.85,1.2 drive_variance=0.1,1,2 out=DIR
"""

from pathlib import Path

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
from rnnkit.runner.tables.figures import log_norm_by_lag, measured_on_theory

BUDGET_MINUTES = {"quick": 0.15}
COLUMNS = ["critical_gain", *flow.COLUMNS]
WITHOUT_SPREAD = flow.WITHOUT_SPREAD
SOURCE = "chi = 1 of the mean field: Molgedey, Schuchhardt, Schuster 1992; Chen, Pennington, Schoenholz 2018"
FACTOR = "a factor e within 50 steps, a third of the least effect predicted"
VANISH = Claim(
    claim="G2",
    class_="theory",
    kind="below",
    statement="growth rate of gradients at gain = {ratio:g} x critical, s2 = {s2:g}: they vanish",
    source=SOURCE,
    bar=-0.02,
    reason=FACTOR,
)
EXPLODE = Claim(
    claim="G2",
    class_="theory",
    kind="above",
    statement="growth rate of gradients at gain = {ratio:g} x critical, s2 = {s2:g}: they explode",
    source=SOURCE,
    bar=0.02,
    reason=FACTOR,
)
COUNTEREXAMPLE = Claim(
    claim="G2",
    class_="theory",
    kind="equal",
    statement="nets without radius > 1 and growth < 0 at {ratio:g} x critical, s2 = {s2:g}",
    source=SOURCE,
    bar=0.0,
    margin=0.0,
    reason="a count of exceptions to a sentence about every net",
)


class Config(JobConfig):
    """Keys of a job; the rest is gradient_flow's."""

    gain_ratio: float = Field(ge=1e-3, le=10, description="a number from 0.001 to 10 (gain over critical gain)")
    drive_variance: float = Field(gt=0, le=1e3, description="a number above 0, up to 1000")
    seq_len: int = Field(ge=70, le=1_000_000, description="an integer from 70 to 1000000")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def measure(config: Config) -> Measurement:
    """Measure nets at gain_ratio times the critical gain."""
    critical = theory.critical_gain(config.drive_variance)
    shared = config.model_dump(exclude={"gain_ratio"})
    fixed = {"initializer": "gaussian", "cell": "tanh", "drive": "noise", "dtype": "float64"}
    gain = {
        "gain": config.gain_ratio * critical,
        "spectral_radius": "none",
        "clip": "none",
        "clip_mode": "norm",
    }
    measured = flow.measure_flow(FlowConfig(**shared, **fixed, **gain))
    measured.row["critical_gain"] = critical
    return measured


def draw(folder: Path) -> None:
    """Draw growth against the share of the critical gain, and log norm against lag for the strongest drive."""
    tables = read(folder)
    measured_on_theory(tables.table, "drive_variance", "gain_ratio", folder / "growth_rate.png", "drive variance s2")
    shown = tables.table[tables.table.drive_variance == 1.0]
    if len(shown):
        lags = tables.lags.merge(shown[["out", "gain_ratio"]], on="out")
        log_norm_by_lag(lags, "gain_ratio", folder / "lags.png", "Gaussian W, drive variance 1")


def claims(tables: Tables) -> list[Judgement]:
    """Return G2: both sides of each critical gain, and the counterexample itself."""
    found = []
    for row in tables.table.itertuples():
        case = {"ratio": row.gain_ratio, "s2": row.drive_variance, "draws": row.out}
        side = VANISH if row.gain_ratio < 1 else EXPLODE
        found.append(side.judge(row.growth_rate, row.growth_rate_se, row.n, **case))
        if row.gain_ratio < 1:
            nets = tables.nets[tables.nets.out == row.out]
            against = np.sum(~((nets.spectral_radius_achieved > 1) & (nets.growth_rate < 0)))
            found.append(COUNTEREXAMPLE.judge(against, 0.0, len(nets), **case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
