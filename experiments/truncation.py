"""What truncated BPTT loses: a wrong sign (claim T1), and a bias that fades with the steps taken back (T2, S4).

Method, system = balancing. Influence balancing (`rnnkit.tasks.influence_balancing`) as an identity RNN of 23 units:
W_hh = A^T, one input that is always 1, W_xh = theta v, loss .5 (s_1 - 1)^2 at step 2 K. `RNN.backward` with
truncation=(K, K) gives dL/dW_xh; its part along v is dL/dtheta, and over dL/ds_1 that is ds_1/dtheta. K = 1 .. 100.

Method, system = gaussian or orthogonal. Driven tanh nets as in gradient_flow, one sequence of 200 steps each, loss at
the last step: h_T times a fixed random unit vector. g_K is dL/dW_hh through the last K steps, g all of it. What g_K
leaves out, g - g_K, is BPTT from h_{T-K} on, so that small biases come without cancellation.
  Slope: of ln (||g - g_K|| / ||g||) against K = 20 .. 60, each net's, mean over nets. A contribution from lag k is in
    size h_{T-k-1} times dL/dh_{T-k}, and ||h|| is stationary, so the slope should be the growth rate of G1. One
    sequence a net, because the log norm of a mean over sequences grows faster than the mean of their logs.
  Bound, after Aicher, Foti, Fox (2019), as derived here. With f_k = ||dL/dh_{T-k}|| and M = max ||h_t||,
    ||g - g_K|| <= M (f_K + f_{K+1} + ...). Where f_k <= f_tau b^(k - tau) beyond tau, that sum is at most
    E(K) = M f_tau b^(K - tau) / (1 - b) for K >= tau; and ||g|| >= ||g_K|| - E(K), for any K. So the relative bias is
    at most E(K) / max (||g_K'|| - E(K')). As they do, b is the largest of (f_k / f_tau)^(1 / (k - tau)). Over all lags
    k > 20 it makes the bound one of each net (T2b (a), an inequality). They assume the decay in expectation: with means
    over nets in place of f_k, and b of lags 20 < k <= 60 alone, the bound says beforehand what is left out at K = 80
    and 100, and may be wrong (T2b (b)).
  Cost: steps taken back for one update.

    python experiments/truncation.py -m system=balancing,gaussian,orthogonal out=DIR
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common.driven import driven
from common.flow_config import FlowConfig
from common.flow_nets import by_lag
from pydantic import Field

import rnnkit
from rnnkit.gradients import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import achieved
from rnnkit.kernels import TANH, rnn_backward
from rnnkit.parallel import map_replicates
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save, zero_line
from rnnkit.statistics import mean, standard_error
from rnnkit.tasks import influence_balancing

BUDGET_MINUTES = {"quick": 0.02, "laptop": 0.2}
COLUMNS = ["slope", "slope_se", "growth_rate", "growth_rate_theory", "slope_minus_growth", "slope_minus_growth_se"]
COLUMNS += ["log_bias_fall", "log_bias_fall_se", "above_bound", "vacuous_bounds"]
COLUMNS += ["over_bound_80", "over_bound_80_se", "over_bound_100", "over_bound_100_se", "status", "n"]

LONGEST, THETA = 100, 1.0
GRID = np.array([1, 2, 5, 10, 15, *range(20, 61, 5), 80, 100])
TAU, WINDOW, BEYOND_WINDOW = 20, 60, (80, 100)  # the slope's lags, and those from which b is estimated
FEW, MANY = 10, 40  # steps of the cost claim
# ds_1/dtheta as printed in the notes this project started with, and half a unit of the last digit; up to K = 10 exact.
EXACT = 1e-9
QUOTED = {
    1: (1, EXACT), 5: (5, EXACT), 10: (10, EXACT), 20: (16.48, 0.005), 30: (9.87, 0.005), 40: (0.566, 0.0005),
    45: (-2.81, 0.005), 50: (-4.75, 0.005), 60: (-5.897, 0.0005), 80: (-5.9999, 5e-5), 100: (-6.0, 5e-5),
}  # fmt: skip
FIRST_NEGATIVE = 41
TALLEC = "Tallec, Ollivier 2017; digits derived: exact fractions"
AICHER = "Aicher, Foti, Fox 2019; bound as derived here"
ARTICLE = "seed article, for very long sequences: it makes training tractable; that bias is its price is our reading"
DERIVATIVE = Claim(
    claim="T1",
    class_="check",
    kind="equal",
    statement="influence balancing, K = {K}: ds_1/dtheta",
    source=TALLEC,
    reason="half a unit of the last digit noted; up to K = 10 exact, 1e-9 for rounding",
)
SIGN_TURNS = Claim(
    claim="T1",
    class_="check",
    kind="equal",
    statement="influence balancing: the first K whose ds_1/dtheta is negative",
    source=TALLEC,
    bar=FIRST_NEGATIVE,
    margin=0.0,
    reason="a whole number",
)
RIGHT_SIGN = Claim(
    claim="T1",
    class_="check",
    kind="equal",
    statement="influence balancing: truncations K <= 40 that have the right sign",
    source=TALLEC,
    bar=0.0,
    margin=0.0,
    reason="a count of exceptions to a sentence about every K",
)
SLOPE = Claim(
    claim="T2a",
    class_="theory",
    kind="equal",
    statement="slope of ln relative bias = growth rate by theory: {cell}",
    source=f"{AICHER}; G1",
    margin=0.02,
    reason="a Gaussian net's slope over 40 lags has a standard deviation of some .02 at H = 50: two standard errors of "
    "32 nets are .008, and .01 is left for what one Gaussian W has beyond the 1/H term",
)
OWN_SLOPE = Claim(
    claim="T2a",
    class_="theory",
    kind="equal",
    statement="slope of ln relative bias = the nets' own growth rate, difference: {cell}",
    source=AICHER,
    bar=0.0,
    margin=0.01,
    reason="growth over the same lags: what is left is the ends' noise, about 1/2 nat over 40",
)
ABOVE_BOUND = Claim(
    claim="T2b",
    class_="check",
    kind="equal",
    statement=f"(a) relative bias above the geometric bound at any K from {TAU} to 100, nets: {{cell}}",
    source=AICHER,
    bar=0.0,
    margin=0.0,
    reason="a count of exceptions to an inequality",
)
BEYOND = Claim(
    claim="T2b",
    class_="theory",
    kind="below",
    statement=f"(b) ln of the mean left out at K = {{K}} over the bound of lags up to {WINDOW}: {{cell}}",
    source=f"{AICHER}: decay in expectation",
    bar=0.0,
    reason="a bound",
)
WRONG_WAY = Claim(
    claim="S4",
    class_="direction",
    kind="equal",
    statement="steps of K along which bias does not fall or cost does not rise: {cell}",
    source=ARTICLE,
    bar=0.0,
    margin=0.0,
    reason="a count of exceptions to a sentence about every step of K",
)
FALL = Claim(
    claim="S4",
    class_="direction",
    kind="above",
    statement=f"relative bias at K = {FEW} is over 100 times that at K = {MANY}, ln of the ratio: {{cell}}",
    source=ARTICLE,
    bar=float(np.log(100)),
    reason="30 steps at the -.3 nats a step or so of these nets would be 9 nats; half of it is asked",
)
COST = Claim(
    claim="S4",
    class_="check",
    kind="equal",
    statement=f"cost at K = {MANY} over cost at K = {FEW}: {{cell}}",
    source=ARTICLE,
    bar=MANY / FEW,
    margin=0.0,
    reason="steps are counted",
)


class Config(JobConfig):
    """Keys of a job; balancing is one fixed net, and only `system` matters to it."""

    system: Literal["balancing", "gaussian", "orthogonal"] = Field(description="balancing, gaussian or orthogonal")
    gain: float = Field(ge=1e-3, le=100, description="a number from 0.001 to 100")
    drive_variance: float = Field(gt=0, le=1e3, description="a number above 0, up to 1000")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    seq_len: int = Field(ge=120, le=100_000, description="an integer from 120 to 100000")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


class Net(NamedTuple):
    """What one driven net showed, by K of GRID: logs of what is left out, relative bias and bound, steps taken back.

    log_Mf: ln of max ||h_t|| times f_k, k = 0 .. T.
    """

    theory: float
    growth: float
    log_Mf: np.ndarray
    left_out: np.ndarray
    log_bias: np.ndarray
    log_bound: np.ndarray
    steps: np.ndarray


def balancing_derivative(K: int) -> float:
    """Return ds_1/dtheta through the last K steps, by rnnkit's truncated BPTT."""
    A, v = influence_balancing.system()
    net = rnnkit.RNN(1, len(v), cell="identity", initializer=np.ascontiguousarray(A.T), dtype="float64")
    net.parameters["l0.W_xh"][:] = THETA * v
    trace = net.forward(np.ones((2 * K, 1, 1)))
    dy = np.zeros_like(trace.y)
    dy[-1, 0, 0] = trace.y[-1, 0, 0] - 1
    gradients = net.backward(trace, dy, truncation=(K, K)).parameters
    return float(gradients["l0.W_xh"][0] @ v / dy[-1, 0, 0])


def log_sums(log_f: np.ndarray, last: int) -> np.ndarray:
    """Return ln of f_tau b^(K - tau) / (1 - b) for each K of GRID: inf where b >= 1, nan below tau.

    log_f: ln f_k, k = 0 .. T. b: the largest of (f_k / f_tau)^(1 / (k - tau)) over lags tau < k <= last.
    """
    far = np.arange(TAU + 1, last + 1)
    log_b = ((log_f[far] - log_f[TAU]) / (far - TAU)).max()
    sums = log_f[TAU] + (GRID - TAU) * log_b - np.log(-np.expm1(log_b)) if log_b < 0 else np.full(len(GRID), np.inf)
    return np.where(GRID < TAU, np.nan, sums)


def log_bound(log_f: np.ndarray, largest_h: float, log_norms_K: np.ndarray) -> np.ndarray:
    """Return ln of the bound on a net's relative bias for each K of GRID (inf where it says nothing, nan below tau).

    log_f: ln f_k, k = 0 .. T. log_norms_K: ln ||g_K||.
    """
    log_E = np.log(largest_h) + log_sums(log_f, len(log_f) - 1)
    least_g = np.nanmax(np.exp(log_norms_K) - np.exp(log_E))
    return log_E - np.log(least_g) if least_g > 0 else np.where(GRID < TAU, np.nan, np.inf)


def beyond_the_window(measured: list[Net]) -> dict[str, float]:
    """Return ln of the mean of what is left out at each K of BEYOND_WINDOW over its bound, with jackknifed errors."""
    log_f, left_out = (np.array([getattr(net, name) for net in measured]) for name in ("log_Mf", "left_out"))
    sum_f, sum_out, n = np.exp(log_f).sum(axis=0), np.exp(left_out).sum(axis=0), len(measured)

    def over_bound(f: np.ndarray, out: np.ndarray) -> np.ndarray:
        return (np.log(out) - log_sums(np.log(f), WINDOW))[np.isin(GRID, BEYOND_WINDOW)]

    without = np.array(
        [over_bound(sum_f - np.exp(f), sum_out - np.exp(out)) for f, out in zip(log_f, left_out, strict=True)]
    )
    se = np.sqrt((n - 1) * without.var(axis=0))
    row = {f"over_bound_{K}": value for K, value in zip(BEYOND_WINDOW, over_bound(sum_f, sum_out), strict=True)}
    return row | {f"over_bound_{K}_se": value for K, value in zip(BEYOND_WINDOW, se, strict=True)}


def measure_net(config: Config, replicate: int) -> Net:
    """Return what driven net number `replicate` shows."""
    fixed = {"initializer": config.system, "cell": "tanh", "drive": "noise", "dtype": "float64", "batch_size": 1}
    scale = {"spectral_radius": "none", "clip": "none", "clip_mode": "norm"}
    like = FlowConfig(**config.model_dump(exclude={"system"}), **fixed, **scale)
    net = driven(like, replicate)
    x, h = net.trace.x, net.trace.layers[0].h
    W_xh, W_hh = (net.net.parameters[f"l0.{name}"] for name in ("W_xh", "W_hh"))
    dh_T = net.direction[None]
    log_f = by_lag(backward_scaled(net.net, net.trace, net.last(1)))[0][:, 0]
    log_g = np.log(np.linalg.norm(rnn_backward(dh_T, x, h, W_xh, W_hh, TANH).dW_hh))
    log_K, left_out, steps = (np.empty(len(GRID)) for _ in range(3))
    for i, K in enumerate(GRID):
        last = x[-K:]
        near, steps[i] = rnn_backward(dh_T, last, h[-K - 1 :], W_xh, W_hh, TANH), len(last)
        far = rnn_backward(near.dh_0, x[:-K], h[:-K], W_xh, W_hh, TANH)
        log_K[i], left_out[i] = np.log(np.linalg.norm(near.dW_hh)), np.log(np.linalg.norm(far.dW_hh))
    rate = theory.growth_rate(achieved(W_hh).gain, config.drive_variance, config.hidden_size, config.system)
    growth = (log_f[WINDOW] - log_f[TAU]) / (WINDOW - TAU)
    M = np.linalg.norm(h, axis=2).max()
    bias, bound = left_out - log_g, log_bound(log_f, M, log_K)
    return Net(float(rate), float(growth), np.log(M) + log_f, left_out, bias, bound, steps)


def measure(config: Config) -> Measurement:
    """Measure all K of influence balancing, or all driven nets of a job, on all cores."""
    if config.system == "balancing":
        derivatives = map_replicates(lambda i: balancing_derivative(i + 1), LONGEST)
        lags = [{"truncation": K, "derivative": d} for K, d in enumerate(derivatives, 1)]
        return Measurement({"status": "done", "n": 1}, lags=lags)
    measured = map_replicates(lambda i: measure_net(config, i), config.replicates)
    fitted = (GRID >= TAU) & (GRID <= WINDOW)
    few, many = np.searchsorted(GRID, (FEW, MANY))
    nets = [
        {
            "replicate": i,
            "slope": np.polyfit(GRID[fitted], net.log_bias[fitted], 1)[0],
            "growth_rate": net.growth,
            "growth_rate_theory": net.theory,
            "log_bias_fall": net.log_bias[few] - net.log_bias[many],
            "log_bias_over_bound": np.nanmax(net.log_bias - net.log_bound),
        }
        for i, net in enumerate(measured)
    ]
    frame = pd.DataFrame(nets)
    row: dict[str, Any] = {name: mean(frame[name]) for name in ("slope", "growth_rate", "growth_rate_theory")}
    frame["slope_minus_growth"] = frame.slope - frame.growth_rate
    for name in ("slope", "slope_minus_growth", "log_bias_fall"):
        row |= {name: mean(frame[name]), f"{name}_se": standard_error(frame[name])}
    row |= {
        "above_bound": int((frame.log_bias_over_bound > 0).sum()),
        "vacuous_bounds": sum(bool(np.isinf(net.log_bound).any()) for net in measured),
    }
    row |= beyond_the_window(measured)
    log_bias, bounds = (np.array([getattr(net, name) for net in measured]) for name in ("log_bias", "log_bound"))
    lags = [
        {
            "truncation": int(K),
            "log_bias": mean(log_bias[:, i]),
            "log_bias_sd": float(log_bias[:, i].std()),
            "log_bound": None if K < TAU else mean(bounds[np.isfinite(bounds[:, i]), i]),
            "steps_back": mean([net.steps[i] for net in measured]),
        }
        for i, K in enumerate(GRID)
    ]
    return Measurement(row | {"status": "done", "n": config.replicates}, nets, lags)


def draw(folder: Path) -> None:
    """Draw the derivative against K, and the bias of driven nets against K with theory's slope and the bound."""
    tables = read(folder)
    lags = tables.lags.merge(tables.table[["out", "system", "drive_variance", "growth_rate_theory"]], on="out")
    if (fixed := lags[lags.system == "balancing"]).size:
        _draw_balancing(fixed.drop_duplicates("truncation"), folder / "balancing.png")
    if (driven := lags[lags.system != "balancing"]).size:
        _draw_bias(driven, folder / "bias.png")


def _draw_balancing(lags: pd.DataFrame, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4.2))
    zero_line(axes)
    wrong = lags.derivative > 0
    for shown, colour, label in ((wrong, "C1", "wrong sign"), (~wrong, "C0", "right sign")):
        axes.plot(lags.truncation[shown], lags.derivative[shown], ".", color=colour, label=label)
    axes.axhline(lags.derivative.iloc[-1], color="C0", lw=0.8, ls="--")
    axes.set(xlabel="truncation K (steps taken back)", ylabel="ds_1 / dtheta through the last K steps")
    axes.set_title("influence balancing: the time scale is 1.4 steps, the sign needs 41")
    axes.legend()
    save(figure, path)


def _draw_bias(lags: pd.DataFrame, path: Path) -> None:
    cells = list(lags.groupby(["system", "drive_variance"]))
    figure, panels = plt.subplots(1, len(cells), figsize=(4.5 * len(cells), 4.2), sharey=True, squeeze=False)
    for axes, ((system, s2), group) in zip(panels[0], cells, strict=True):
        K, ten, far = group.truncation, np.log(10), group.truncation >= TAU
        bias, sd = group.log_bias / ten, group.log_bias_sd / ten
        anchor = group[group.truncation == TAU].iloc[0]
        line = (anchor.log_bias + anchor.growth_rate_theory * (K - TAU)) / ten
        axes.fill_between(K, bias - sd, bias + sd, color="C0", alpha=0.2, lw=0)
        axes.plot(K, bias, "o", ms=4, color="C0", label="measured: mean and 1 sd of nets")
        axes.plot(K[far], line[far], color="C1", lw=1.2, label="slope by theory (G1)")
        axes.plot(K, group.log_bound / ten, ":", color="C3", label="geometric bound, mean")
        zero_line(axes)
        axes.set(xlabel="truncation K = cost: steps taken back for an update", title=f"{system} W, s2 = {s2:g}")
        axes.legend(loc="lower left")
    panels[0, 0].set_ylabel("log10 relative bias of dL/dW_hh")
    save(figure, path)


def claims(tables: Tables) -> list[Judgement]:
    """Return T1 of influence balancing; T2 and S4 of each kind of driven net."""
    found = []
    for _, row in tables.table.iterrows():
        lags = tables.lags[tables.lags.out == row.out]
        found += _balancing_claims(lags) if row.system == "balancing" else _driven_claims(row, lags, tables.nets)
    return found


def _balancing_claims(lags: pd.DataFrame) -> list[Judgement]:
    by_K = lags.set_index("truncation").derivative
    found = [DERIVATIVE.judge(by_K[K], 0.0, 1, bar=e, margin=d, K=K) for K, (e, d) in QUOTED.items()]
    negative = by_K.index[by_K < 0]
    first = negative.min() if len(negative) else np.nan
    right = (by_K[by_K.index < FIRST_NEGATIVE] * by_K[LONGEST] > 0).sum()
    return [*found, SIGN_TURNS.judge(first, 0.0, len(by_K)), RIGHT_SIGN.judge(right, 0.0, FIRST_NEGATIVE - 1)]


def _driven_claims(row: Any, lags: pd.DataFrame, nets: pd.DataFrame) -> list[Judgement]:
    """Return T2 and S4 of a job: its slopes have the same draws, and so has the fall of its bias."""
    cell = f"{row.system} W, gain {row.gain:g}, s2 = {row.drive_variance:g}, H = {row.hidden_size}"
    above = (nets[nets.out == row.out].log_bias_over_bound > 0).sum()
    lags, n = lags.sort_values("truncation").set_index("truncation"), row.n
    wrong_way = ((lags.log_bias.diff()[1:] >= 0) | (lags.steps_back.diff()[1:] <= 0)).sum()
    theory_rate, own = row.growth_rate_theory, (row.slope_minus_growth, row.slope_minus_growth_se)
    return [
        SLOPE.judge(row.slope, row.slope_se, n, bar=theory_rate, draws=f"slope: {cell}", cell=cell),
        OWN_SLOPE.judge(*own, n, draws=f"slope: {cell}", cell=cell),
        ABOVE_BOUND.judge(above, 0.0, n, cell=cell),
        *(
            BEYOND.judge(row[f"over_bound_{K}"], row[f"over_bound_{K}_se"], n, draws=f"bound: {cell}", K=K, cell=cell)
            for K in BEYOND_WINDOW
        ),
        WRONG_WAY.judge(wrong_way, 0.0, len(lags) - 1, draws=f"bias: {cell}", cell=cell),
        FALL.judge(row.log_bias_fall, row.log_bias_fall_se, n, draws=f"bias: {cell}", cell=cell),
        COST.judge(lags.steps_back[MANY] / lags.steps_back[FEW], 0.0, n, cell=cell),
    ]


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
