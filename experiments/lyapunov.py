"""Gradients grow at the largest Lyapunov exponent of the states, and both at the rate of theory (claim G5).

Method. Driven tanh nets as in growth_theory. In each net three rates, nats per step: the slope of ln ||dL/dh|| over the
lags beyond 20, batch 8; the largest Lyapunov exponent, by QR of changes carried forward through the same steps of the
first sample, its first 20 steps left out; the theory at the net's achieved gain. Judged where that theory is. And
ln ||dL/dW_hh|| of each sample, the loss at half of the steps and at all of them: it must stay where the exponent is
below 0, and grow at the exponent where it is above.

    python experiments/lyapunov.py -m initializer=gaussian,orthogonal gain=1.0,3.0 drive_variance=1.0 out=DIR
"""

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from common.cells import CellConfig, by_cell
from common.driven import Driven, driven
from common.flow import GROWTH_SOURCE, GROWTH_TOLERANCE, predicted
from common.flow_config import FlowConfig
from common.flow_nets import by_lag
from pydantic import Field, model_validator

from rnnkit import statistics
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.scaled_backward import backward_scaled, log_norms_by_sample
from rnnkit.parallel import map_replicates
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import positive_or_none
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import LINE, log_norm_by_lag, measured_on_theory
from rnnkit.statistics import NEAR, mean, standard_error

BUDGET_MINUTES = {"quick": 0.32}
MEASURED = ["growth_rate", "exponent", "rate_minus_exponent", "weight_log_ratio", "weight_rate_minus_exponent"]
COLUMNS = [
    "gain_achieved",
    *(column for name in MEASURED for column in (name, f"{name}_se")),
    "growth_rate_theory",
    "theory_note",
    "status",
    "n",
]
GAINS = positive_or_none(0.001, 10, "0.001 to 10")
DECISIVE = 3.0  # nats of predicted change over half of the steps: nearer to 0 neither case is settled by then
MIKHAEIL = "Mikhaeil, Monfared, Durstewitz 2022"
G1_MARGIN = (
    "the .004 of ten cells in an earlier simulation, and twice the .0015 asked of standard errors: too wide to tell "
    "most 1/H terms, and the crossover of one Gaussian W"
)
SLOPE = Claim(
    claim="G5a",
    class_="theory",
    kind="equal",
    statement="(a) slope of ln ||dL/dh|| - largest Lyapunov exponent by QR: {cell}",
    source=f"{MIKHAEIL}, section 3.1, eqs. 4 to 6",
    bar=0.0,
    margin=GROWTH_TOLERANCE,
    reason=G1_MARGIN,
)
EXPONENT = Claim(
    claim="G5b",
    class_="theory",
    kind="equal",
    statement="(b) largest Lyapunov exponent by QR = theory: {cell}",
    source=f"{GROWTH_SOURCE} in docs/finite_size.md",
    margin=GROWTH_TOLERANCE,
    reason=G1_MARGIN,
)
STABLE = Claim(
    claim="G5c",
    class_="theory",
    kind="equal",
    statement="(c) stable: ln of ||dL/dW|| at {steps} steps over that at half of them: {cell}",
    source=f"{MIKHAEIL}, theorem 1, remark 2",
    bar=0.0,
    margin=0.1,
    reason=f"nats: a gradient that went with the exponent would have moved by {DECISIVE:g} at least",
)
CHAOTIC = Claim(
    claim="G5c",
    class_="theory",
    kind="equal",
    statement="(c) chaotic: growth of ln ||dL/dW|| per step - largest exponent: {cell}",
    source=f"{MIKHAEIL}, theorem 2",
    bar=0.0,
    margin=GROWTH_TOLERANCE,
    reason=G1_MARGIN,
)


class Config(CellConfig):
    """Keys of a job; the rest is gradient_flow's."""

    initializer: Literal["gaussian", "orthogonal"] = Field(description="gaussian or orthogonal")
    gain: GAINS
    drive_variance: float = Field(gt=0, le=10, description="a number above 0, up to 10")
    seq_len: int = Field(ge=70, le=100_000, description="an integer from 70 to 100000")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")

    @model_validator(mode="after")
    def _weights_to_scale(self) -> Self:
        self.check_scaling("gain")
        if self.gain == "none" and self.the_cell.recurrent():
            raise ValueError("gain must be a number from 0.001 to 10, got none")
        return self


def as_flow(config: Config) -> FlowConfig:
    """Return the same job as gradient_flow's."""
    fixed = {"cell": config.named_cell, "drive": "noise", "dtype": "float64"}
    keys = config.model_dump() | fixed
    return FlowConfig(**keys, spectral_radius="none", clip="none", clip_mode="norm")


def measure_net(config: Config, replicate: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return (the row of net number `replicate`, its log norms (T+1, B), nan of states that are not finite)."""
    net, half = driven(as_flow(config), replicate), config.seq_len // 2
    log_norms, _ = by_lag(backward_scaled(net.net, net.trace, net.last(config.batch_size)))
    if not np.isfinite(net.trace.h).all():
        log_norms = np.full_like(log_norms, np.nan)
    rate, exponent = mean(statistics.growth_rates(log_norms)) or np.nan, largest_exponent(net)
    ratio = mean(weight_log_norms(net, config.seq_len) - weight_log_norms(net, half))
    row = {
        "replicate": replicate,
        "gain_achieved": net.weights.gain,
        "growth_rate": rate,
        "exponent": exponent,
        "rate_minus_exponent": rate - exponent,
        "weight_log_ratio": ratio,
        "weight_rate_minus_exponent": ratio / (config.seq_len - half) - exponent,
    }
    return row, log_norms


def largest_exponent(net: Driven) -> float:
    """Return the largest exponent along the first sample; alone: the largest of several estimates is too large."""
    return float(lyapunov_exponents(net.net, net.alone(0), n=1, burn_in=NEAR)[0])


def weight_log_norms(net: Driven, steps: int) -> np.ndarray:
    """Return ln of the norm of each sample's gradient of the recurrent weights, of its loss after so many steps."""
    if not net.net.cell.recurrent():
        return np.full(net.trace.x.shape[1], np.nan)
    trace = net.trace if steps == len(net.trace.x) else net.net.forward(net.trace.x[:steps].copy(), net.first)
    return log_norms_by_sample(net.net, trace, net.last(trace.x.shape[1]))


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores."""
    nets, paths = zip(*map_replicates(lambda i: measure_net(config, i), config.replicates), strict=True)
    columns = {name: np.array([net[name] for net in nets]) for name in ("gain_achieved", *MEASURED)}
    flow = as_flow(config)
    rates, note = None, f"no theory for {config.the_cell.name}"
    if flow.cell == "tanh":
        rates, note = predicted(flow, np.empty(0), columns["gain_achieved"])
    log_norms = np.stack(paths, axis=2)
    diverged = int((~(log_norms < np.inf)).any(axis=(0, 1)).sum())  # nan: of states that are not finite
    of_weights = bool(config.the_cell.recurrent())
    known = [name for name in MEASURED if of_weights or not name.startswith("weight_")]
    finite = np.all([np.isfinite(columns[name]) for name in known], axis=0)  # all, but where relu has died
    row: dict[str, Any] = {name: mean(columns[name][finite]) for name in (*["gain_achieved"] * of_weights, *known)}
    row |= {f"{name}_se": standard_error(columns[name][finite]) for name in known}
    row |= {
        "growth_rate_theory": None if rates is None else mean(rates),
        "theory_note": note,
        "status": "diverged" if diverged else "done",
        "n": config.replicates,
    }
    each = [None] * len(nets) if rates is None else rates.tolist()
    rows = [net | {"growth_rate_theory": rate} for net, rate in zip(nets, each, strict=True)]
    if diverged:
        message = f"{diverged} of {config.replicates} nets became non-finite, and are left out"
        return Measurement(row, rows, message=message)
    lost = config.replicates - int(finite.sum())
    message = f"{lost} of {config.replicates} nets have a gradient of exactly zero, and are left out" if lost else ""
    return Measurement(row, rows, statistics.by_lag(log_norms), message=message)


def draw(folder: Path) -> None:
    """Draw slopes and exponents on the theory's line, and log norm against lag under the strongest drive."""
    tables = read(folder)
    for initializer, rows in tables.table.dropna(subset="gain").groupby("initializer"):
        rows, by = by_cell(rows, "drive_variance")
        s2 = ", " + (rows[by] if by == LINE else "s2 = " + rows.drive_variance.map(str))
        slopes = rows.assign(rate="slope of the gradient" + s2)
        exponents = rows.assign(
            rate="largest exponent" + s2, growth_rate=rows.exponent, growth_rate_se=rows.exponent_se
        )
        path = folder / f"growth_rate_{initializer}.png"
        measured_on_theory(
            pd.concat([slopes, exponents]), "gain", "rate", path, f"gain, {initializer} W", "nats per step"
        )
    shown = tables.table[tables.table.drive_variance == tables.table.drive_variance.max()]
    shown, by = by_cell(shown[shown.initializer == shown.initializer.iloc[0]], "gain")
    lags = tables.lags.merge(shown[["out", by]].astype({by: object}).fillna("none"), on="out")
    title = f"{shown.initializer.iloc[0]} W, drive variance {shown.drive_variance.iloc[0]}"
    log_norm_by_lag(lags, by, folder / "lags.png", title)


def claims(tables: Tables) -> list[Judgement]:
    """Return G5 for each cell where the theory is claimed: (a) slope, (b) exponent, (c) the gradient of the weights."""
    found = []
    for row in tables.table.itertuples():
        expected = row.growth_rate_theory
        if (row.initializer != "orthogonal" and row.drive_variance < 0.5) or pd.isna(expected):
            continue
        case = {"cell": f"{row.initializer}, g = {row.gain:g}, s2 = {row.drive_variance:g}", "draws": row.out}
        found.append(SLOPE.judge(*_measured(row, "rate_minus_exponent"), **case))
        found.append(EXPONENT.judge(*_measured(row, "exponent"), bar=expected, **case))
        change = expected * (row.seq_len // 2)
        if change < -DECISIVE:
            found.append(STABLE.judge(*_measured(row, "weight_log_ratio"), steps=row.seq_len, **case))
        elif change > DECISIVE:
            found.append(CHAOTIC.judge(*_measured(row, "weight_rate_minus_exponent"), **case))
    return found


def _measured(row: Any, column: str) -> tuple[float, float, int]:
    return getattr(row, column), getattr(row, f"{column}_se"), row.n


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
