"""How much of its input a linear net remembers, and how much of that arithmetic loses (claim L2).

Method. h_t = h_{t-1} W + s_t v with white s and random v. The capacity at lag k is the share of the variance of s_{t-k}
that the best linear readout of h_t explains. Its sum over all lags is the number of units whatever W is, exactly
(Jaeger 2001; Gonon, Grigoryeva, Ortega 2020), and each lag has a closed form by the eigenvalues of W alone
(`rnnkit.gradients.linear_memory`). Two ways of the literature stand beside it: the covariance of h by its Lyapunov
equation and its pseudo-inverse; and a simulation, `samples` steps of an rnnkit net and a least-squares readout of each
lag, corrected for its H coefficients. Both lose what a nearly singular covariance hides: with a Gaussian W published
sums contradict the theorem for numerical reasons alone (Ballarin, Grigoryeva, Ortega 2024). Eigenvalues of an
orthogonal W lie evenly on a circle, and there little is lost. Fisher memory counts against noise in every unit instead
(Ganguli, Huh, Sompolinsky 2008): a normal W has 1 in all, from any v; `fisher_best` is that from the best v.

    python experiments/memory_capacity.py -m network=orthogonal,gaussian,delay_line hidden_size=20,50,100 out=DIR
"""

from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from rnnkit.gradients.linear_memory import delay_line_fisher, fisher_memory, memory_capacity
from rnnkit.initializers import recurrent_weights
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import Streams, streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.3}
WAYS = ("exact", "covariance", "simulated")
MEASURED = [f"capacity_{way}" for way in WAYS] + ["profile_error", "fisher_best", "fisher_mean"]
COLUMNS = [*(column for name in MEASURED for column in (name, f"{name}_se")), "fisher_best_theory", "status", "n"]
JAEGER = "Jaeger 2001, GMD report 152, propositions 2 and 4; Gonon, Grigoryeva, Ortega 2020"
BALLARIN = "Ballarin, Grigoryeva, Ortega 2024, abstract: the gap of numerics; figures 4, 5"
GANGULI = "Ganguli, Huh, Sompolinsky 2008, abstract: Fisher memory of a normal W is 1"
ROUNDING = "sums of some thousand squares, and what is left beyond the last lag"
NET = "{network} W, {scale:g}, {units} units"
THEOREM = Claim(
    claim="L2a",
    class_="check",
    kind="equal",
    statement=f"(a) capacity over all lags, in units of H, by eigenvalues: {NET}",
    source=JAEGER,
    bar=1.0,
    margin=1e-6,
    reason=ROUNDING,
)
SIMULATED = Claim(
    claim="L2b",
    class_="theory",
    kind="equal",
    statement=f"(b) capacity over all lags, in units of H, simulated: {NET}",
    source=JAEGER,
    bar=1.0,
    margin=0.03,
    reason="least squares from 10,000 samples, whose capacity errs by about sqrt(2 lags H) / samples of H",
)
PROFILE = Claim(
    claim="L2b",
    class_="theory",
    kind="below",
    statement=f"(b) simulated less exact, root mean square over 2 H lags: {NET}",
    source=JAEGER,
    bar=0.02,
    reason="a single lag errs by some sqrt(1 / samples)",
)
LOST = Claim(
    claim="L2c",
    class_="direction",
    kind="below",
    statement=f"(c) capacity over all lags, in units of H, by {{way}}: at most .9: {NET}",
    source=BALLARIN,
    bar=0.9,
    reason="a tenth of H: what the contradiction must amount to",
)
FISHER = Claim(
    claim="L2d",
    class_="check",
    kind="equal",
    statement=f"(d) Fisher memory from the best v: {NET}",
    source=GANGULI,
    margin=1e-6,
    reason=ROUNDING,
)
FISHER_ABOVE = Claim(
    claim="L2d",
    class_="direction",
    kind="above",
    statement=f"(d) Fisher memory from the best v exceeds 1: {NET}",
    source=GANGULI,
    bar=1.0,
    reason="1 is what a normal W has",
)
SHADES = {"exact": "0.2", "covariance": "#c8553d", "simulated": "#3b6ea5"}


class Config(JobConfig):
    """Keys of a job."""

    network: Literal["orthogonal", "gaussian", "delay_line"] = Field(description="orthogonal, gaussian or delay_line")
    scale: float = Field(
        ge=0.001, le=0.999, description="a number from 0.001 to 0.999 (spectral radius; link of a delay line)"
    )
    hidden_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    lags: int = Field(ge=1, le=100_000, description="an integer from 1 to 100000")
    samples: int = Field(ge=100, le=10_000_000, description="an integer from 100 to 10000000")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def weights(config: Config, rng: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Return (W (H, H), v (H,) of norm 1): random, but for a delay line's, which begins at its first unit."""
    H = config.hidden_size
    if config.network == "delay_line":
        return config.scale * np.eye(H, k=1), np.eye(H)[0]
    v = rng.init.standard_normal(H)
    W = recurrent_weights(config.network, H, rng.init, radius=config.scale)
    return W, v / np.linalg.norm(v)


def by_covariance(W: np.ndarray, v: np.ndarray, lags: int) -> np.ndarray:
    """Return the capacity by lag as v W^k C^+ (v W^k)^T, C the covariance of h, in float64."""
    C = scipy.linalg.solve_discrete_lyapunov(W.T, np.outer(v, v))
    inverse, capacity, a = np.linalg.pinv(C, hermitian=True), np.empty(lags + 1), v
    for k in range(lags + 1):
        capacity[k] = a @ inverse @ a
        a = a @ W
    return capacity


def simulated(config: Config, W: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the capacity by lag as the adjusted share of variance that least squares explain."""
    H, lags, n = config.hidden_size, config.lags, config.samples
    s = rng.standard_normal(2 * lags + n)  # the first `lags` steps bring the net to its stationary state
    net = RNN(1, H, None, cell="identity", initializer=W, dtype="float64")
    net.parameters["l0.W_xh"][:] = v
    h = net.forward(s[:, None, None]).y[2 * lags :, 0]
    past = sliding_window_view(s[lags:], lags + 1)[:, ::-1]  # (n, lags + 1): s_{t-k}
    U, sizes, _ = np.linalg.svd(h - h.mean(axis=0), full_matrices=False)
    U = U[:, sizes > sizes[0] * n * np.finfo(float).eps]  # as numpy.linalg.lstsq
    explained = np.square(U.T @ past).sum(axis=0) / (n * past.var(axis=0))
    return 1 - (1 - explained) * (n - 1) / (n - 1 - U.shape[1])


def measure_net(config: Config, replicate: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return (what is measured of net number `replicate`, its capacities by lag (WAYS, lags + 1))."""
    rng, H = streams(config.seed, replicate), config.hidden_size
    W, v = weights(config, rng)
    exact, beside = memory_capacity(W, config.lags), by_covariance(W, v, config.lags)
    found = np.stack([exact, beside, simulated(config, W, v, rng.data)])
    J = fisher_memory(W)
    row = {"replicate": replicate} | {f"capacity_{way}": a.sum() / H for way, a in zip(WAYS, found, strict=True)}
    row["profile_error"] = float(np.sqrt(np.mean(np.square(found[2] - exact)[: 2 * H])))
    return row | {"fisher_best": float(np.linalg.eigvalsh(J)[-1]), "fisher_mean": float(np.trace(J) / H)}, found


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores; capacities in units of H."""
    nets, by_lag = zip(*map_replicates(lambda i: measure_net(config, i), config.replicates), strict=True)
    frame, row = pd.DataFrame(nets), {}
    for name in MEASURED:
        row |= {name: mean(frame[name]), f"{name}_se": standard_error(frame[name])}
    line = delay_line_fisher(config.scale**2, config.hidden_size)
    row["fisher_best_theory"] = {"orthogonal": 1.0, "delay_line": line, "gaussian": None}[config.network]
    columns = dict(zip(WAYS, np.mean(by_lag, axis=0), strict=True))
    columns |= {f"{way}_sd": sd for way, sd in zip(WAYS, np.std(by_lag, axis=0), strict=True)}
    lags = pd.DataFrame(columns).rename_axis("lag").reset_index()
    row |= {"status": "done", "n": config.replicates}
    return Measurement(row, list(nets), lags.to_dict("records"))


def draw(folder: Path) -> None:
    """Draw the capacity against the lag, a panel for each kind of net, of the largest size."""
    tables = read(folder)
    table = tables.table[tables.table.hidden_size == tables.table.hidden_size.max()].drop_duplicates("network")
    figure, all_axes = plt.subplots(
        1, len(table), figsize=(1 + 3.2 * len(table), 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, row in zip(all_axes[0], table.itertuples(), strict=True):
        own = tables.lags[tables.lags.out == row.out]
        for way in WAYS:
            label = f"{way}: {getattr(row, f'capacity_{way}'):.3f} H in all"
            axes.plot((own.lag + 1) / row.hidden_size, own[way], color=SHADES[way], lw=1.2, label=label)
        axes.set(xlabel="(lag + 1) / H", xscale="log", title=f"{row.network}, scale {row.scale:g}", ylim=(-0.05, 1.05))
        axes.legend(fontsize=7)
    all_axes[0][0].set_ylabel("capacity")
    figure.suptitle(f"linear nets of {table.hidden_size.max()} units, mean of {table.n.max()}")
    save(figure, folder / "capacity.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return L2: (a) the theorem, (b) simulation where it can see it, (c) what is lost elsewhere, (d) Fisher memory."""
    found = []
    for row in tables.table.itertuples():
        found.append(_judge(row, THEOREM, "capacity_exact"))
        same = row.out
        if row.network == "gaussian":
            found += [_judge(row, LOST, f"capacity_{way}", way=way, draws=same) for way in WAYS[1:]]
            found.append(_judge(row, FISHER_ABOVE, "fisher_best", draws=same))
            continue
        found.append(_judge(row, SIMULATED, "capacity_simulated", draws=same))
        found.append(_judge(row, PROFILE, "profile_error", draws=same))
        found.append(_judge(row, FISHER, "fisher_best", bar=row.fisher_best_theory))
    return found


def _judge(row: Any, claim: Claim, name: str, **how: Any) -> Judgement:
    case = {"network": row.network, "scale": row.scale, "units": row.hidden_size}
    return claim.judge(getattr(row, name), getattr(row, f"{name}_se"), row.n, **case, **how)


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
