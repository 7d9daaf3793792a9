"""How long the cells of a chrono-initialized LSTM keep a gradient (claim L3 c).

Method. Tallec and Ollivier (2018) begin the forget gates so that 1/(1 - f), the steps after which a cell forgets, is
uniform on [2, longest]. Through the cells alone, without recurrent weights and input, the squared gradient k steps
back is E f^(2k) = about E_2(2k / longest), the exponential integral (`rnnkit.theory.kept_by_gates`): level up to a
tenth of `longest`, then falling as e^(-2k / longest) longest / 2k, which no single gate and no power of k does. The
loss is the sum of c_T / sqrt(H); judged at lags of longest / 10, longest and 3 longest. A job of another `longest` has
the same gates, stretched: all is one curve of one draw. Beside it, not judged, the gradient of all states of the whole
net, its recurrent weights Gaussian of gain 1, driven by white noise.

    python experiments/chrono.py -m longest=30,100,300 out=DIR
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pydantic import Field

from rnnkit.gradients import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.networks import recipes
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import Streams, streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.style import hues
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.1}
SHARES = {"tenth": 0.1, "once": 1.0, "thrice": 3.0}  # lags judged, of `longest`
COLUMNS = [*(column for name in SHARES for column in (f"kept_{name}", f"kept_{name}_se", f"kept_{name}_theory"))]
COLUMNS += ["log10_whole_once", "status", "n"]
RELATIVE = 0.1  # margin, of the bar
KEPT = Claim(
    claim="L3c",
    class_="theory",
    kind="equal",
    statement="(c) gates of up to {longest} steps: mean squared gradient of the cells {lag} steps back",
    source="Tallec, Ollivier 2018, eq. 16; E f^(2k) derived in this file",
    reason="a tenth of it: four standard errors at 3 longest, of 64 nets of 100 units",
)


class Config(JobConfig):
    """Keys of a job."""

    longest: int = Field(ge=10, le=100_000, description="an integer from 10 to 100000")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def make_net(config: Config, rng: Streams) -> RNN:
    """Return an LSTM with gates of this longest memory, of one input and no readout."""
    shape = 1, config.hidden_size, None
    recipe = recipes.RECIPES["chrono"]
    return RNN(*shape, cell=recipe.cell, initializer=recipe.initializer, chrono=config.longest, dtype="float64",
               seed=rng.init)  # fmt: skip


def measure_net(config: Config, replicate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ln of the gradient's norm by lag (T + 1,): of the cells alone, and of all states of the driven net."""
    rng, T = streams(config.seed, replicate), round(max(SHARES.values()) * config.longest)
    net = make_net(config, rng)
    last = net.initial_state(1)
    last.c[:] = 1 / np.sqrt(config.hidden_size)
    driven = net.forward(rng.data.standard_normal((T, 1, 1)))
    whole = backward_scaled(net, driven, last).log_norms["l0"].joint[::-1, 0]
    for name in net.cell.recurrent().values():
        net.parameters[f"l0.{name}"][:] = 0
    alone = backward_scaled(net, net.forward(np.zeros((T, 1, 1))), last).log_norms["l0"].c[::-1, 0]
    return alone, whole


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores."""
    alone, whole = map(np.stack, zip(*map_replicates(lambda i: measure_net(config, i), config.replicates), strict=True))
    squares, lags = np.exp(2 * alone), np.arange(alone.shape[1])
    expected, row = theory.kept_by_gates(lags, config.longest), {}
    for name, share in SHARES.items():
        k = round(share * config.longest)
        row |= {f"kept_{name}": float(squares[:, k].mean()), f"kept_{name}_se": standard_error(squares[:, k])}
        row |= {f"kept_{name}_theory": float(expected[k])}
    row |= {"log10_whole_once": float(whole[:, config.longest].mean() / np.log(10))}
    columns = {"lag": lags, "kept": squares.mean(axis=0), "kept_theory": expected}
    columns["kept_whole"] = np.exp(2 * whole).mean(axis=0)
    at = {f"kept_{name}": squares[:, round(share * config.longest)] for name, share in SHARES.items()}
    nets = pd.DataFrame({"replicate": np.arange(config.replicates)} | at)
    row |= {"status": "done", "n": config.replicates}
    return Measurement(row, nets.to_dict("records"), pd.DataFrame(columns).to_dict("records"))


def draw(folder: Path) -> None:
    """Draw the root mean squared gradient against the lag, in units of the longest memory."""
    tables = read(folder)
    figure, axes = plt.subplots(figsize=(6, 4.2))
    colours = hues(tables.table.longest)
    for row in tables.table.itertuples():
        own, colour = tables.lags[tables.lags.out == row.out], colours[row.longest]
        at = own.lag / row.longest
        axes.plot(at, np.sqrt(own.kept_theory), color=colour, lw=1)
        axes.plot(at[:: len(at) // 20], np.sqrt(own.kept)[:: len(at) // 20], "o", ms=4, mfc="none", color=colour,
                  label=f"longest {row.longest}")  # fmt: skip
        axes.plot(at, np.sqrt(own.kept_whole), ":", color=colour, lw=1)
    axes.set(xlabel="lag / longest memory", ylabel="root mean square of ||dL/dc||", yscale="log")
    axes.set_title("points: cells alone; lines: theory; dotted: all states of the driven net")
    axes.legend()
    save(figure, folder / "kept.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return L3 (c): the mean squared gradient at three lags of each job, all of the same gates."""
    found = []
    for row in tables.table.itertuples():
        for name, share in SHARES.items():
            bar, measured, se = (getattr(row, f"kept_{name}{end}") for end in ("_theory", "", "_se"))
            case = {"longest": row.longest, "lag": round(share * row.longest)}
            found.append(KEPT.judge(measured, se, row.n, bar=bar, margin=RELATIVE * bar, draws="gates", **case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
