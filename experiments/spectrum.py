"""The whole Lyapunov spectrum of autonomous nets beside large-net numbers in print (claim L1).

Method. No input: h_t = (1 - leak) h_{t-1} + leak tanh(h_{t-1} W), W Gaussian of a stated gain; at leak 1 a tanh map. It
has the exponents of x' = (1 - leak) x + leak J tanh(x), of which the numbers are: x = J h. From h_0 = tanh of normal
numbers, `burn_in` steps are left out, and all exponents are measured over `steps`. Of each net: the largest exponent,
the share of positive ones, the entropy rate (their sum) and the Kaplan-Yorke dimension, per unit, and the mean. Those
of finite nets depart from their limit as 1/N: a straight line through all nets of a sweep over hidden_size, against
1/N, has it at 0, with the line's standard error. Nets of 64 units are too small for that: at gain 2 not all of them
stay chaotic. Of leak 1 the mean exponent has a closed form in that limit, ln g - 1/2 + E ln phi'(a), and the largest a
mean-field value, .5 ln chi, that finite nets come near.

    python experiments/spectrum.py -m gain=2,3 leak=1 hidden_size=64,128,256 out=DIR
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pydantic import Field

from rnnkit.cells import Leaky
from rnnkit.gradients import theory
from rnnkit.gradients.lyapunov import entropy_rate, kaplan_yorke_dimension, lyapunov_exponents
from rnnkit.initializers import recurrent_weights
from rnnkit.networks.by_state import State
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import label_of, save, zero_line
from rnnkit.runner.tables.style import NAMES
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.7, "laptop": 15.0}
MEASURED = ["largest", "share_positive", "entropy_rate", "dimension", "mean_exponent"]
COLUMNS = [
    *(column for name in MEASURED for column in (name, f"{name}_se")),
    "largest_theory",
    "mean_exponent_theory",
    "status",
    "n",
]
# By (gain, leak), in the order of MEASURED; None where there is none to be judged by. Exponents and entropy rates of
# the published data are per unit of time (its AGENTS.md, "Units"), which is 1 / leak steps: .21453 and .004592 of the
# leaky map are half of that a step.
PRINTED = {
    (2.0, 1.0): (0.15425, 0.13257, 0.010608, 0.25659, -1.15055),
    (3.0, 1.0): (0.30958, 0.15259, 0.025106, 0.28717, -2.27390),
    (3.0, 0.5): (0.107265, 0.04395, 0.002296, 0.08973, None),
}
RELATIVE = 0.03  # margin, of the bar
FEWEST_SIZES = 2
WORDS = dict(zip(MEASURED, ("largest exponent", "share of positive exponents", "entropy rate per unit",
                            "Kaplan-Yorke dimension per unit", "mean exponent"), strict=True))  # fmt: skip
IN_PRINT = Claim(
    claim="L1a",
    class_="number",
    kind="equal",
    statement="(a) {what}, line against 1/N at 0: {case}",
    source="Clark 2026, arXiv 2610.12426, data/network/map_g*_delta*_N4096_seed0.json: one net each",
    reason="3% of the number: it comes from one net, and has fluctuations of its own that nobody told",
)
CLOSED_FORM = Claim(
    claim="L1b",
    class_="theory",
    kind="equal",
    statement="(b) mean exponent, line against 1/N at 0 = closed form: {case}",
    source="ln g - 1/2 + E ln phi'(a), N to infinity: E ln |det J|/N, derived in this file",
    reason="3% of it, as of the printed number",
)


class Config(JobConfig):
    """Keys of a job."""

    gain: float = Field(ge=0.01, le=100, description="a number from 0.01 to 100")
    leak: float = Field(gt=0, le=1, description="a number above 0, up to 1 (1: a tanh map)")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    steps: int = Field(ge=10, le=1_000_000, description="an integer from 10 to 1000000")
    burn_in: int = Field(ge=0, le=1_000_000, description="an integer from 0 to 1000000")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")


def exponents(config: Config, replicate: int) -> np.ndarray:
    """Return all exponents (H,) of net number `replicate`, largest first."""
    rng, H = streams(config.seed, replicate), config.hidden_size
    W = recurrent_weights("gaussian", H, rng.init, gain=config.gain)
    net = RNN(1, H, None, cell=Leaky(alpha=config.leak), initializer=W, dtype="float64")
    net.parameters["l0.W_xh"][:] = 0
    first = State(h=np.tanh(config.gain * rng.evaluation.standard_normal((1, 1, H))))
    settled = net.forward(np.zeros((config.burn_in, 1, 1)), first).state if config.burn_in else first
    return lyapunov_exponents(net, net.forward(np.zeros((config.steps, 1, 1)), settled))


def summary(found: np.ndarray) -> dict[str, float]:
    """Return what is measured of a spectrum (H,)."""
    H = len(found)
    return {
        "largest": float(found[0]),
        "share_positive": float(np.mean(found > 0)),
        "entropy_rate": entropy_rate(found) / H,
        "dimension": kaplan_yorke_dimension(found) / H,
        "mean_exponent": float(found.mean()),
    }


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores."""
    spectra = map_replicates(lambda i: exponents(config, i), config.replicates)
    nets = [{"replicate": i} | summary(found) for i, found in enumerate(spectra)]
    frame, row = pd.DataFrame(nets), {}
    for name in MEASURED:
        row |= {name: mean(frame[name]), f"{name}_se": standard_error(frame[name])}
    row |= {"largest_theory": None, "mean_exponent_theory": None}
    if config.leak == 1 and config.gain > 1:
        row["largest_theory"] = float(0.5 * np.log(theory.chi(config.gain, 0.0)))
        row["mean_exponent_theory"] = theory.mean_exponent(config.gain)
    row |= {"status": "done", "n": config.replicates}
    mean_of, sd = np.mean(spectra, axis=0), np.std(spectra, axis=0)
    shown = np.unique(np.linspace(0, config.hidden_size - 1, 200).astype(int))
    lags = [{"rank": int(i), "exponent": float(mean_of[i]), "exponent_sd": float(sd[i])} for i in shown]
    return Measurement(row, nets, lags)


def line_of(tables: Tables, gain: float, leak: float, name: str) -> tuple[np.ndarray, float, int]:
    """Return ((value at 1/N = 0, slope) of the line through all nets, the former's standard error, nets).

    Least squares; a net's variance is that of the nets of its size. nan of one size.
    """
    rows = tables.table[(tables.table.gain == gain) & (tables.table.leak == leak)]
    nets = tables.nets.merge(rows[["out", "hidden_size"]], on="out")
    if rows.hidden_size.nunique() < FEWEST_SIZES:
        return np.full(2, np.nan), float("nan"), len(nets)
    x, y = 1 / nets.hidden_size.to_numpy(float), nets[name].to_numpy(float)
    variance = nets.groupby("hidden_size")[name].transform("var").to_numpy()
    A = np.stack([np.ones_like(x), x], axis=1)
    solve = np.linalg.pinv(A)
    return solve @ y, float(np.sqrt(solve[0] ** 2 @ variance)), len(nets)


def draw(folder: Path) -> None:
    """Draw the spectra of the largest nets against rank / N, and each number against 1/N with what is in print."""
    tables = read(folder)
    largest = tables.table[tables.table.hidden_size == tables.table.hidden_size.max()]
    figure, axes = plt.subplots(figsize=(6, 4.2))
    zero_line(axes)
    for i, row in enumerate(largest.itertuples()):
        spectrum = tables.lags[tables.lags.out == row.out]
        label = f"gain {row.gain:g}, leak {row.leak:g}"
        axes.plot(spectrum["rank"] / row.hidden_size, spectrum.exponent, color=NAMES[i], label=label)
    axes.set(xlabel="rank / N", ylabel="Lyapunov exponent, nats per step")
    axes.set_title(f"all exponents of nets of {largest.hidden_size.max()} units, no input")
    axes.legend()
    save(figure, folder / "spectrum.png")
    figure, panels = plt.subplots(1, len(MEASURED), figsize=(3.6 * len(MEASURED), 3.6), layout="constrained")
    groups = list(tables.table.groupby(["gain", "leak"]))
    for panel, name in zip(panels, MEASURED, strict=True):
        for i, ((gain, leak), rows) in enumerate(groups):
            colour = NAMES[i]
            panel.errorbar(1 / rows.hidden_size, rows[name], 2 * rows[f"{name}_se"], fmt="o", ms=4, color=colour,
                           label=label_of("gain", gain) + f", leak {leak:g}")  # fmt: skip
            (value, slope), _, _ = line_of(tables, gain, leak, name)
            ends = np.array([0, 1 / rows.hidden_size.min()])
            panel.plot(ends, value + slope * ends, color=colour, lw=0.8)
            value = dict(zip(MEASURED, PRINTED.get((gain, leak), [None] * len(MEASURED)), strict=True))[name]
            if value is not None:
                panel.plot([0], [value], "x", color=colour, ms=7, clip_on=False)
        panel.set_title(WORDS[name], fontsize=9)
        panel.set(xlabel="1 / N", xlim=(0, None))
        panel.locator_params(axis="x", nbins=4)
    panels[0].legend(fontsize=7)
    figure.suptitle(
        "points: measured, 2 standard errors; lines: through all nets; crosses: in print, at N = 4,096", fontsize=10
    )
    save(figure, folder / "limits.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return L1 (a): each number in print at 1/N = 0, and (b) the closed form of the mean exponent."""
    found = []
    for (gain, leak), _ in tables.table.groupby(["gain", "leak"]):
        case = f"gain {gain:g}, leak {leak:g}"
        for name, printed in zip(MEASURED, PRINTED.get((gain, leak), ()), strict=False):
            if printed is not None:
                found.append(_judge(IN_PRINT, line_of(tables, gain, leak, name), printed, what=WORDS[name], case=case))
        if leak == 1 and gain > 1:
            line, expected = line_of(tables, gain, leak, "mean_exponent"), theory.mean_exponent(gain)
            found.append(_judge(CLOSED_FORM, line, expected, case=case))
    return found


def _judge(claim: Claim, of_line: tuple[np.ndarray, float, int], bar: float, **case: str) -> Judgement:
    (at_0, _), se, n = of_line
    return claim.judge(at_0, se, n, bar=bar, margin=RELATIVE * abs(bar), **case)


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
