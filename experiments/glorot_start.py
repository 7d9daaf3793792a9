"""Where Glorot's initialization sits among starts, and what its gradients do (claim S5).

Method. No training. W_hh is drawn square as rnnkit.RNN draws it (start = glorot), with entries of standard deviation
.01 (start = small: gain .01 sqrt(H)), or Gaussian at a stated gain (start = 1.5), and measured as in gradient_flow:
driven tanh nets, batch 8, 50 steps of burn-in, the slope of ln ||dL/dh|| over the lags beyond 20. The standard
deviation sqrt(2 / (H + H)) is gain 1 at any H; under any drive gain 1 is below the critical gain (critical_gain.py),
so what Glorot's start does is to fade slowly where a small start fades at once. Nets of one replicate share the drive
and, but for its scale, W_hh: starts are compared net by net. Another cell may be given; claims are of tanh.

    python experiments/glorot_start.py -m start=glorot,small,1.5 drive_variance=0.1,0.5,1.0 out=DIR
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from common.cells import CellConfig, by_cell
from common.flow import COLUMNS, measure_flow
from common.flow_config import FlowConfig
from pydantic import BeforeValidator, Field

from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag, measured_on_theory
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.05, "laptop": 0.4}
SMALL = 0.01  # standard deviation of "sigmoid" nets in Pascanu, Mikolov, Bengio (2013)
TRUSTED_DRIVE = 0.5  # Gaussian W of this size under weaker drive lies above G1 (claim G6)
ARTICLE = "seed article, notes after the code: Glorot init helps at the start; Glorot, Bengio 2010, eq. 16"
THEORY = "theory of G1 at each net's achieved gain"
GAIN = Claim(
    claim="S5a",
    class_="check",
    kind="equal",
    statement="gain of Glorot's W_hh, H = {units}",
    source=ARTICLE,
    bar=1.0,
    margin=0.01,
    reason="a net's gain has a standard deviation of 1 / (sqrt(2) H), .014 at H = 50: two standard errors of 24 nets "
    "are .006",
)
ADVANTAGE = Claim(
    claim="S5b",
    class_="direction",
    kind="above",
    statement=f"growth rate of Glorot's start over that of std {SMALL:g}, nats per step: {{cell}}",
    source=ARTICLE,
    bar=1.0,
    reason="a factor e for each step; ln(1 / (.01 sqrt(H))) is 2.6 at H = 50, 2.0 at 200",
)
VANISHES = Claim(
    claim="S5c",
    class_="theory",
    kind="below",
    statement="gradients of Glorot's start vanish: {cell}",
    source=THEORY,
    bar=-0.02,
    reason="nats per step: a factor e within 50 steps, as G2",
)
RATE = Claim(
    claim="S5d",
    class_="theory",
    kind="equal",
    statement="growth rate of Glorot's start = theory: {cell}",
    source=THEORY,
    margin=0.012,
    reason="as G7a: fewer nets than the 128 of G1",
)


def _start(value: object) -> object:
    if value in ("glorot", "small"):
        return value
    if not isinstance(value, int | float) or not 1e-3 <= value <= 100:
        raise ValueError
    return float(value)


class Config(CellConfig):
    """Keys of a job; the rest is gradient_flow's."""

    start: Annotated[Any, BeforeValidator(_start)] = Field(description="glorot, small or a gain from 0.001 to 100")
    drive_variance: float = Field(gt=0, le=1e3, description="a number above 0, up to 1000")
    seq_len: int = Field(ge=70, le=1_000_000, description="an integer from 70 to 1000000")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def measure(config: Config) -> Measurement:
    """Measure all nets of one start."""
    gains = {"glorot": "none", "small": SMALL * np.sqrt(config.hidden_size)}
    kind = {"initializer": "glorot" if config.start == "glorot" else "gaussian"}
    kind |= {"gain": gains.get(config.start, config.start), "spectral_radius": "none"}
    fixed = {"cell": config.named_cell, "drive": "noise", "dtype": "float64", "clip": "none", "clip_mode": "norm"}
    return measure_flow(FlowConfig(**config.model_dump(exclude={"start", "cell"}), **kind, **fixed))


def draw(folder: Path) -> None:
    """Draw the growth rate against the drive for each start, and log norm against lag, at the largest H."""
    tables = read(folder)
    shown, by = by_cell(tables.table[tables.table.hidden_size == tables.table.hidden_size.max()], "start")
    measured_on_theory(shown, "drive_variance", by, folder / "growth_rate.png", "drive variance s2")
    strongest = shown[shown.drive_variance == shown.drive_variance.max()]
    lags = tables.lags.merge(strongest[["out", by]], on="out")
    title = f"H = {strongest.hidden_size.iloc[0]}, drive variance {strongest.drive_variance.iloc[0]:g}"
    log_norm_by_lag(lags, by, folder / "lags.png", title)


def claims(tables: Tables) -> list[Judgement]:
    """Return S5: Glorot's gain (a), its advantage (b), that it vanishes (c), at the rate of theory (d)."""
    found = []
    glorot = tables.table[tables.table.start == "glorot"]
    for row in glorot.drop_duplicates("hidden_size").itertuples():
        gains = tables.nets[tables.nets.out == row.out].gain_achieved
        found.append(GAIN.judge(mean(gains), standard_error(gains), row.n, units=row.hidden_size))
    for row in glorot.itertuples():
        case = {"cell": f"s2 = {row.drive_variance:g}, H = {row.hidden_size}", "draws": row.out}
        ahead, rate = _advantage(tables, row), (row.growth_rate, row.growth_rate_se, row.n)
        measured = (np.nan, np.nan) if ahead.empty else (mean(ahead), standard_error(ahead))
        found.append(ADVANTAGE.judge(*measured, len(ahead), **case))
        found.append(VANISHES.judge(*rate, **case))
        if row.drive_variance >= TRUSTED_DRIVE:
            found.append(RATE.judge(*rate, bar=row.growth_rate_theory, **case))
    return found


def _advantage(tables: Tables, row: Any) -> pd.Series:
    """Return Glorot's growth rate minus the small start's, net by net; empty where there is no such job."""
    same = (tables.table.drive_variance == row.drive_variance) & (tables.table.hidden_size == row.hidden_size)
    small = tables.table[same & (tables.table.start == "small")].out
    rates = tables.nets.set_index("replicate")
    return (rates[rates.out == row.out].growth_rate - rates[rates.out.isin(small)].growth_rate).dropna()


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
