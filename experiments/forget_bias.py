"""How long an LSTM's cell keeps a gradient: sigma(b)^k over k steps by the bias b of its forget gate (claim G9).

Method. An LSTM driven by noise, with a gradient of norm 1 at its last c, is taken back with `RNN.backward`; the slope
of ln ||dL/dc|| over the lags beyond 20 gives the half-life, ln 2 / -slope steps. Without weights the cell path is all
there is: dc_T/dc_{T-k} = sigma(b)^k. Beside it the same bias with Glorot weights, where gates move and gradients go
through h too: exploratory.

    python experiments/forget_bias.py -m forget_bias=0.0,1.0,2.0 out=DIR
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

import rnnkit
from rnnkit import statistics
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag, measured_on_theory
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.05}
COLUMNS = [
    "half_life",
    "half_life_theory",
    "growth_rate",
    "growth_rate_se",
    "growth_rate_theory",
    "half_life_glorot",
    "growth_rate_glorot",
    "growth_rate_glorot_se",
    "status",
    "n",
]
WEIGHTS = ("zero", "glorot")
# Half-lives as printed in the notes this project started with, and half a unit of the last digit.
QUOTED = {
    -1.0: (0.53, 0.005),
    0.0: (1.00, 0.005),
    1.0: (2.21, 0.005),
    2.0: (5.46, 0.005),
    3.0: (14.27, 0.005),
    5.0: (103.2, 0.05),
}
HALF_LIFE = Claim(
    claim="G9",
    class_="check",
    kind="equal",
    statement="LSTM without weights, forget bias {bias:g}: half-life of the gradient of c, steps",
    source="dc_t/dc_{t-1} = f: Gers, Schmidhuber, Cummins 2000, section 3; f = 1: Hochreiter, Schmidhuber 1997, 3.2",
    reason="half a unit of the last digit noted",
)


class Config(JobConfig):
    """Keys of a job."""

    forget_bias: float = Field(ge=-20, le=20, description="a number from -20 to 20")
    seq_len: int = Field(ge=70, le=100_000, description="an integer from 70 to 100000")
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def log_norms(config: Config, weights: str, replicate: int) -> np.ndarray:
    """Return ln ||dL/dc_{T-k}|| (T+1, B), k = 0..T, -inf where float64 has run out."""
    rng, H, B = streams(config.seed, replicate), config.hidden_size, config.batch_size
    net = rnnkit.RNN(
        H, H, cell="lstm", forget_bias=config.forget_bias, dtype="float64", seed=int(rng.init.integers(2**32))
    )
    if weights == "zero":
        for name in ("l0.W_xh", "l0.W_hh"):
            net.parameters[name][:] = 0
    first, last = net.initial_state(B), net.initial_state(B)
    first.c[:] = rng.data.standard_normal(first.c.shape)
    direction = rng.evaluation.standard_normal(H)
    last.c[:] = direction / np.linalg.norm(direction)
    trace = net.forward(rng.data.standard_normal((config.seq_len, B, H)), first)
    gradients = net.backward(trace, None, last, hidden=True)
    back = np.concatenate([gradients.state.c, gradients.hidden["l0"].c])[::-1]
    with np.errstate(divide="ignore"):
        return np.log(np.linalg.norm(back, axis=2))


def half_life(rate: float | None) -> float | None:
    """Return the steps in which a gradient that decays at this rate halves, None where it does not decay."""
    return None if rate is None or rate >= 0 else float(np.log(2) / -rate)


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, without weights and with them, on all cores."""
    theory = -float(np.logaddexp(0, -config.forget_bias))  # ln sigma(b)
    row: dict[str, Any] = {"half_life_theory": half_life(theory), "growth_rate_theory": theory}
    lags, nets = [], [{"replicate": i} for i in range(config.replicates)]
    for weights, ending in zip(WEIGHTS, ("", "_glorot"), strict=True):
        paths = map_replicates(lambda i, weights=weights: log_norms(config, weights, i), config.replicates)
        rates = [mean(statistics.growth_rates(path)) for path in paths]
        for net, rate in zip(nets, rates, strict=True):
            net[f"growth_rate{ending}"] = rate
        alive = [rate for rate in rates if rate is not None]
        row[f"growth_rate{ending}"], row[f"half_life{ending}"] = mean(alive), half_life(mean(alive))
        row[f"growth_rate{ending}_se"] = standard_error(alive)
        lags += [{"weights": weights} | lag for lag in statistics.by_lag(np.stack(paths, axis=2))]
    return Measurement(row | {"status": "done", "n": config.replicates}, nets, lags)


def draw(folder: Path) -> None:
    """Draw the rate against the bias, measured on theory, and log norm against lag for both kinds of weights."""
    tables = read(folder)
    table = tables.table
    glorot = table.assign(growth_rate=table.growth_rate_glorot, growth_rate_se=table.growth_rate_glorot_se)
    both = pd.concat([table.assign(weights="zero"), glorot.assign(weights="glorot")])
    measured_on_theory(
        both,
        "forget_bias",
        "weights",
        folder / "growth_rate.png",
        "bias of the forget gate",
        "growth of ln ||dL/dc|| per step back",
    )
    lags = tables.lags.merge(table[["out", "forget_bias"]], on="out")
    for weights, name in zip(WEIGHTS, ("lags.png", "lags_glorot.png"), strict=True):
        title = f"LSTM, {weights} weights: the norm is that of dL/dc"
        log_norm_by_lag(lags[lags.weights == weights], "forget_bias", folder / name, title)


def claims(tables: Tables) -> list[Judgement]:
    """Return G9 for each bias whose half-life was printed."""
    found = []
    for row in tables.table.itertuples():
        if row.forget_bias in QUOTED:
            bar, margin = QUOTED[row.forget_bias]
            found.append(HALF_LIFE.judge(row.half_life, 0.0, row.n, bar=bar, margin=margin, bias=row.forget_bias))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
