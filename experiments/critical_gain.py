"""A spectral radius above 1 does not mean explosion: the critical gain of a driven net (claim G2).

Method. Gaussian W at a stated share of the critical gain chi = 1 for that drive, then as gradient_flow: H = 100,
batch 8, 64 nets. Below the critical gain gradients must fade although the spectral radius is above 1. One quoted
critical gain is itself off: at s2 = 4 a rule of 201 Gauss-Hermite nodes gives 2.3246, adaptive quadrature 2.3250, which
is rnnkit's.

    python experiments/critical_gain.py -m gain_ratio=0.85,1.2 drive_variance=0.1,1,2 out=DIR
"""

from pathlib import Path

import numpy as np
from common import flow
from common.flow_config import FlowConfig
from pydantic import Field

from rnnkit.gradients import theory
from rnnkit.runner.claims import Claim
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag, measured_on_theory

BUDGET_MINUTES = {"quick": 0.15}
COLUMNS = ["critical_gain", *flow.COLUMNS]
WITHOUT_SPREAD = flow.WITHOUT_SPREAD
MARGIN = 0.02  # nats per step on the right side of 0: a factor e within 50 steps, a third of the least effect predicted
EXACT = 0.00005  # the critical gains below have four decimals
# Solutions of chi = 1 by 201 Gauss-Hermite nodes, from the notes this project started with: theory, not print. The one
# at s2 = 4 is off in its last digits (2.3250 by adaptive quadrature), so it fails and is left to fail.
QUOTED = {0.1: 1.4093, 0.25: 1.5497, 0.5: 1.6862, 1.0: 1.8556, 2.0: 2.0655, 4.0: 2.3246}
SOURCE = "theory of G1 at chi = 1"


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


def claims(tables: Tables) -> list[Claim]:
    """Return G2: the critical gains, both sides of each, and the counterexample itself."""
    found = []
    for row in tables.table.itertuples():
        below = row.gain_ratio < 1
        cell = f"gain = {row.gain_ratio:g} x critical, s2 = {row.drive_variance:g}"
        statement = f"gradients {'vanish' if below else 'explode'} at {cell}"
        kind = "below" if below else "above"
        found.append(Claim("G2", statement, SOURCE, kind, 0.0, MARGIN, row.growth_rate, row.growth_rate_se, row.n))
        if below and row.drive_variance in QUOTED:
            critical = QUOTED[row.drive_variance]
            statement = f"critical gain at s2 = {row.drive_variance:g}, rnnkit.theory against 201 Gauss-Hermite nodes"
            found.append(Claim("G2", statement, SOURCE, "equal", critical, EXACT, row.critical_gain, 0.0, 1))
            found.append(_counterexample(row, tables))
    return found


def _counterexample(row: object, tables: Tables) -> Claim:
    nets = tables.nets[tables.nets.out == row.out]
    against = int(np.sum(~((nets.spectral_radius_achieved > 1) & (nets.growth_rate < 0))))
    statement = f"radius > 1 and growth < 0 in every net at s2 = {row.drive_variance:g}: nets against"
    return Claim("G2", statement, SOURCE, "equal", 0.0, 0.0, against, 0.0, len(nets))


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
