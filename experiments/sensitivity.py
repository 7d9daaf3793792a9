"""The curse of memory: a state gradient that never exceeds 1, a weight gradient that diverges (claim G8).

Method. One linear unit h' = lam h + x remembers white noise x of variance 1; s = dh/dlam obeys s' = lam s + h. As lam
nears 1 no state gradient lam^k explodes, and yet E s^2 grows like 1/(1 - lam)^3 (Zucchet, Orvieto 2024). Three parts:

a. Without noise: the second moments E h^2, E h s, E s^2 step forward by a recursion of their own, from 0 until no
   float64 moves any more (all terms grow, so it ends), and are laid over the closed forms of `rnnkit.gradients.theory`.
b. With noise: h and s together are a linear net of two units, W_hh = [[lam, 1], [0, lam]], run by `rnn_forward` over
   independent chains for `horizon`/(1 - lam) steps from 0; h^2 and s^2 of the last step are averaged over chains. At
   horizon 10 the start is forgotten to 5e-7 of E s^2. (That s is what BPTT gives as dW_hh is a test.)
c. State gradients of the one unit by `backward_scaled`, over the same number of lags.

    python experiments/sensitivity.py -m lam=0.5,0.9,0.99,0.999 out=DIR
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field

from rnnkit.gradients import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.kernels import IDENTITY, rnn_forward
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.statistics import mean, standard_error

BUDGET_MINUTES = {"quick": 0.05, "laptop": 0.5}
COLUMNS = [
    "variance",
    "sensitivity",
    "variance_theory",
    "sensitivity_theory",
    "variance_exact",
    "sensitivity_exact",
    "variance_ratio",
    "variance_ratio_se",
    "sensitivity_ratio",
    "sensitivity_ratio_se",
    "largest_state_gradient",
    "steps",
    "status",
    "n",
]
BLOCK = 50  # chains in one call: 10,000 steps of them are 12 MB
FORGOTTEN = 10  # shorter chains still know their start: G8b is not judged there
SOURCE = "Zucchet, Orvieto 2024, eqs. 5 and 6"
RECURSION = Claim(
    claim="G8a",
    class_="check",
    kind="equal",
    statement="lam = {lam:g}: {what} by its recursion / closed form",
    source=SOURCE,
    bar=1.0,
    margin=1e-9,
    reason="rounding of one step, some 1e-16, adds up over up to 1/(1 - lam)^3 weights of steps",
)
SIMULATED = Claim(
    claim="G8b",
    class_="theory",
    kind="equal",
    statement="lam = {lam:g}: {what} of noisy chains / closed form",
    source=SOURCE,
    bar=1.0,
    margin=0.1,
    reason="five standard errors of the mean square of 5,000 Gaussian chains",
)
LARGEST = Claim(
    claim="G8c",
    class_="check",
    kind="below",
    statement="lam = {lam:g}: largest state gradient over 1 to {steps} steps back",
    source=SOURCE,
    bar=1.0,
    reason="it is lam^k, lam < 1",
)


class Config(JobConfig):
    """Keys of a job."""

    lam: float = Field(ge=0, le=0.9999, description="a number from 0 to 0.9999")
    horizon: float = Field(ge=1, le=100, description="a number from 1 to 100 (steps in units of 1/(1 - lam))")
    chains: int = Field(ge=2, le=10_000_000, description="an integer from 2 to 10000000")


def moments(lam: float) -> tuple[float, float]:
    """Return E h^2 and E s^2 of the stationary state by their own recursion."""
    before, now = None, (0.0, 0.0, 0.0)
    while now != before:
        before, (hh, hs, ss) = now, now
        now = lam * lam * hh + 1, lam * lam * hs + lam * hh, lam * lam * ss + 2 * lam * hs + hh
    return now[0], now[2]


def chains(lam: float, steps: int, n: int, seed: int) -> np.ndarray:
    """Return h and s (n, 2) of n independent chains after `steps` steps from 0, on all cores."""
    W_xh, W_hh = np.array([[1.0, 0.0]]), np.array([[lam, 1.0], [0.0, lam]])

    def block(i: int) -> np.ndarray:
        x = streams(seed, i).data.standard_normal((steps, BLOCK, 1))
        return rnn_forward(x, np.zeros((BLOCK, 2)), W_xh, W_hh, np.zeros(2), IDENTITY)[-1]

    return np.concatenate(map_replicates(block, -(-n // BLOCK)))[:n]


def measure(config: Config) -> Measurement:
    """Measure one lam in all three ways."""
    steps = int(np.ceil(config.horizon / (1 - config.lam)))
    squares = chains(config.lam, steps, config.chains, config.seed) ** 2
    row = {"steps": steps, "status": "done", "n": config.chains}
    closed = theory.memory_variance(config.lam), theory.memory_sensitivity(config.lam)
    for name, simulated, exact, formula in zip(
        ("variance", "sensitivity"), squares.T, moments(config.lam), closed, strict=True
    ):
        row |= {name: mean(simulated), f"{name}_theory": float(formula), f"{name}_exact": exact / float(formula)}
        row[f"{name}_ratio"] = mean(simulated / formula)
        row[f"{name}_ratio_se"] = standard_error(simulated / formula)
    unit = RNN(1, 1, cell="identity", initializer=np.array([[config.lam]]), dtype="float64")
    one = unit.initial_state(1)
    one.h[:] = 1
    trace = unit.forward(np.zeros((steps, 1, 1)))  # of a linear unit any states do
    logs = backward_scaled(unit, trace, one).log_norms["l0"].h[::-1, 0]
    row["largest_state_gradient"] = float(np.exp(logs[1:].max()))
    shown = np.unique(np.geomspace(1, steps, 60).astype(int))
    lags = [{"lag": int(k), "log_norm": logs[k], "log_norm_sd": 0.0, "n": 1} for k in shown if np.isfinite(logs[k])]
    return Measurement(row, lags=lags)


def draw(folder: Path) -> None:
    """Draw the root mean square of dh/dlam and of h, and the largest state gradient, against 1/(1 - lam)."""
    table = read(folder).table.sort_values("lam")
    table = table[table.lam > 0]
    if table.empty:
        return
    figure, axes = plt.subplots(figsize=(6, 4.2))
    x, line = 1 / (1 - table.lam), 1 - 1 / np.geomspace(1.2, 1.2 / (1 - table.lam.max()), 200)
    for name, formula, colour, label in (
        ("sensitivity", theory.memory_sensitivity, "C1", "weight: rms of dh/dlam"),
        ("variance", theory.memory_variance, "C0", "state: rms of h"),
    ):
        axes.plot(1 / (1 - line), np.sqrt(formula(line)), color=colour, lw=1.2)
        axes.plot(x, np.sqrt(table[name]), "o", color=colour, mfc="none", ms=7, label=label)
    axes.plot(x, table.largest_state_gradient, "s", color="0.3", ms=5, label="largest |dh_T/dh_{T-k}|, k >= 1")
    axes.set(xlabel="1 / (1 - lam), the steps remembered", xscale="log", yscale="log")
    axes.set_title("h' = lam h + x; points: measured, lines: theory")
    axes.legend()
    save(figure, folder / "sensitivity.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return for each lam G8a the closed forms, G8b the same with noise, G8c that no state gradient exceeds 1."""
    found = []
    for row in tables.table.itertuples():
        for name, what in (("variance", "E h^2"), ("sensitivity", "E (dh/dlam)^2")):
            exact, ratio, se = (getattr(row, f"{name}_{ending}") for ending in ("exact", "ratio", "ratio_se"))
            found.append(RECURSION.judge(exact, 0.0, 1, lam=row.lam, what=what))
            if row.horizon >= FORGOTTEN:
                found.append(SIMULATED.judge(ratio, se, row.n, lam=row.lam, what=what))
        found.append(LARGEST.judge(row.largest_state_gradient, 0.0, row.steps, lam=row.lam, steps=row.steps))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
