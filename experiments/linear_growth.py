"""Products of matrices: one W used again and again, or a fresh one for each step (claims G3 c, G4, L4, S1).

Method. A linear net passes a gradient back as delta W^T. With one W for all steps (product=tied, a recurrent net) the
growth per step tends to ln rho(W) of that very matrix; with a fresh Gaussian W for each step (product=independent, a
deep net) to Newman's formula. The start is a random unit vector, the slope is taken over the second half of the lags.
Of fresh Gaussian W all H exponents are measured, by QR at each step: Newman (1986) has each in closed form. They are
judged at the middle and at the end of the spectrum; the first is the growth of a gradient. Jobs of two gains have the
same matrices but for their scale. The shear is not normal: its radius is below 1, and yet its gradients first grow.

    python experiments/linear_growth.py -m product=tied,independent initializer=gaussian,orthogonal gain=0.5,2 out=DIR
"""

from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field

from rnnkit.gradients import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import achieved, recurrent_weights
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import log_norm_by_lag, save
from rnnkit.runner.tables.style import NAMES
from rnnkit.statistics import standard_error

BUDGET_MINUTES = {"quick": 0.33}
COLUMNS = [
    "spectral_radius_achieved",
    "gain_achieved",
    "sigma_max",
    "growth_rate",
    "growth_rate_se",
    "growth_rate_theory",
    "theory_note",
    "step_variance",
    "step_variance_se",
    "step_variance_theory",
    "last_factor",
    "middle_exponent",
    "middle_exponent_se",
    "least_exponent",
    "least_exponent_se",
    "largest_log_norm",
    "rate_minus_log_radius",
    "gap_se",
    "status",
    "n",
]
EXPONENTS = [column for column in COLUMNS if "exponent" in column]
SHEAR = 2.0
EXACT = 1e-12
POWER = Claim(
    claim="S1",
    class_="check",
    kind="equal",
    statement="{gain:g}^{length} by the log-norm kernel",
    source="the seed article, numerical example of vanishing gradients",
    reason="relative 1e-12: a few dozen roundings of 1.1e-16",
)
TIED = Claim(
    claim="G4",
    class_="theory",
    kind="equal",
    statement="tied W: rate tends to ln rho(W) of that matrix, mean gap, g = {gain:g}",
    source="Gelfand: |W^k|^(1/k) to rho(W); Horn, Johnson, Matrix Analysis, corollary 5.6.14",
    bar=0.0,
    margin=0.002,
    reason="five times the mean gap of .0004 found at lags 200 to 400",
)
NEWMAN_RATE = Claim(
    claim="G4",
    class_="theory",
    kind="equal",
    statement="independent W: rate = Newman's, g = {gain:g}",
    source="Cohen, Newman 1984; Newman 1986, Commun. Math. Phys. 103, 121: all exponents",
    margin=0.002,
    reason="about three standard errors of 128 products of 200 factors (.1 each at H = 50); a first run of 64 nets "
    "left it undecided: nets were doubled, the margin stayed",
)
NEWMAN_VARIANCE = Claim(
    claim="G4",
    class_="theory",
    kind="equal",
    statement="independent W: variance of a step = psi1(H/2)/4, g = {gain:g}",
    source="Cohen, Newman 1984; Newman 1986, Commun. Math. Phys. 103, 121: all exponents",
    reason="a tenth of it: what the variance of one product of 200 factors errs by",
)
ORTHOGONAL = Claim(
    claim="G4",
    class_="check",
    kind="equal",
    statement="orthogonal W, {product}: rate = ln g, g = {gain:g}",
    source="orthogonal W keeps norms",
    margin=EXACT,
    reason="a few dozen roundings of 1.1e-16",
)
NEWMAN_EXPONENT = Claim(
    claim="L4",
    class_="theory",
    kind="equal",
    statement="independent W: exponent {number} of {units} = Newman's, g = {gain:g}",
    source="Cohen, Newman 1984; Newman 1986, Commun. Math. Phys. 103, 121: all exponents",
    reason="of 128 products of 400 factors of 50 units: a factor adds .14 to the middle exponent, 1.1 to the least",
)
EXPONENT_MARGIN = {"middle_exponent": 0.003, "least_exponent": 0.02}
TRANSIENT = Claim(
    claim="G3c",
    class_="check",
    kind="above",
    statement="(c) W = {gain:g} (I + 2 on the superdiagonal), radius < 1: largest log norm over lags is over .5",
    source="a common misreading of Pascanu, Mikolov, Bengio 2013, section 2.1: their radius is for linear nets, t to "
    "infinity",
    bar=0.5,
    reason="nats: growth by more than half, no rounding",
)


class Config(JobConfig):
    """Keys of a job."""

    product: Literal["tied", "independent"] = Field(description="tied or independent")
    initializer: Literal["gaussian", "orthogonal", "identity", "shear"] = Field(
        description="gaussian, orthogonal, identity or shear (gain times the identity plus 2 on the superdiagonal)"
    )
    gain: float = Field(ge=1e-6, le=1e6, description="a number from 1e-6 to 1e6")
    seq_len: int = Field(ge=2, le=1_000_000, description="an integer from 2 to 1000000")
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    replicates: int = Field(ge=1, le=100_000, description="an integer from 1 to 100000")
    dtype: Literal["float32", "float64"] = Field(description="float32 or float64")


def draw_matrix(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return one W (H, H)."""
    if config.initializer == "shear":
        W = np.eye(config.hidden_size) + SHEAR * np.eye(config.hidden_size, k=1)
        return (config.gain * W).astype(config.dtype)
    return recurrent_weights(config.initializer, config.hidden_size, rng, gain=config.gain).astype(config.dtype)


def log_norms(config: Config, replicate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (ln ||dL/dh_{T-k}|| for k = 0..T, the first W)."""
    rng = streams(config.seed, replicate)
    W = draw_matrix(config, rng.init)
    delta = rng.evaluation.standard_normal(config.hidden_size).astype(config.dtype)
    delta /= np.linalg.norm(delta)
    if config.product == "tied":
        net = RNN(1, len(W), cell="identity", initializer=W, dtype=config.dtype)
        last = net.initial_state(1)
        last.h[:] = delta
        trace = net.forward(np.zeros((config.seq_len, 1, 1), config.dtype))  # a linear net: any states do
        return backward_scaled(net, trace, last).log_norms["l0"].h[::-1, 0], W
    logs, factor, random = [0.0], W, config.initializer in ("gaussian", "orthogonal")
    for _ in range(config.seq_len):
        delta = delta @ factor.T
        norm = np.linalg.norm(delta)
        delta /= norm
        logs.append(float(np.log(norm)))
        factor = draw_matrix(config, rng.init) if random else factor
    return np.cumsum(logs), W


def exponents(config: Config, replicate: int) -> np.ndarray:
    """Return all Lyapunov exponents (H,) of a product of fresh Gaussian W, in the order of QR: largest first."""
    rng, H = streams(config.seed, replicate).evaluation, config.hidden_size
    Q, total = np.eye(H), np.zeros(H)  # W Q has the law of W: any Q will do, and no step need be left out
    for _ in range(config.seq_len):
        Q, R = np.linalg.qr(draw_matrix(config, rng) @ Q)
        total += np.log(np.abs(np.diag(R)))
    return total / config.seq_len


def spectrum(config: Config) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (middle and least exponent with standard errors, a row for each exponent) of fresh Gaussian W, or none."""
    if config.product == "tied" or config.initializer != "gaussian":
        return dict.fromkeys(EXPONENTS), []
    found, H = np.stack(map_replicates(lambda i: exponents(config, i), config.replicates)), config.hidden_size
    expected, row = theory.independent_product_exponents(config.gain, H), {}
    for name, i in (("middle_exponent", H // 2), ("least_exponent", H - 1)):
        row |= {name: float(found[:, i].mean()), f"{name}_se": standard_error(found[:, i])}
    columns = np.arange(H), found.mean(axis=0), found.std(axis=0), expected
    names = "rank", "exponent", "exponent_sd", "exponent_theory"
    return row, [dict(zip(names, map(float, values), strict=True)) for values in zip(*columns, strict=True)]


def measure(config: Config) -> Measurement:
    """Measure all products of a job, on all cores."""
    results = map_replicates(lambda replicate: log_norms(config, replicate), config.replicates)
    paths = np.stack([path for path, _ in results])  # (nets, T+1)
    spectra = [achieved(W) for _, W in results]
    half = config.seq_len // 2
    rates = (paths[:, -1] - paths[:, half]) / (config.seq_len - half)
    variances = np.diff(paths[:, half:]).var(axis=1)
    log_radius = np.log([s.spectral_radius for s in spectra])
    rate, variance, note = predicted(config, float(log_radius.mean()))
    of_spectrum, by_rank = spectrum(config)
    row: dict[str, Any] = {
        "spectral_radius_achieved": float(np.mean([s.spectral_radius for s in spectra])),
        "gain_achieved": float(np.mean([s.gain for s in spectra])),
        "sigma_max": float(np.mean([s.sigma_max for s in spectra])),
        "growth_rate": float(rates.mean()),
        "growth_rate_se": standard_error(rates),
        "growth_rate_theory": rate,
        "theory_note": note,
        "step_variance": float(variances.mean()),
        "step_variance_se": standard_error(variances),
        "step_variance_theory": variance,
        "last_factor": float(np.exp(paths[:, -1].mean())) if np.abs(paths[:, -1]).max() < 700 else None,
        "largest_log_norm": float(paths[:, 1:].max()),
        "rate_minus_log_radius": float((rates - log_radius).mean()),
        "gap_se": standard_error(rates - log_radius),
        "status": "done" if np.isfinite(paths).all() else "diverged",
        "n": config.replicates,
    } | of_spectrum
    nets = [
        {"replicate": i, "spectral_radius_achieved": s.spectral_radius, "growth_rate": float(r)}
        for i, (s, r) in enumerate(zip(spectra, rates, strict=True))
    ]
    lags = [{"lag": lag, "log_norm": float(v.mean()), "log_norm_sd": float(v.std())} for lag, v in enumerate(paths.T)]
    return Measurement(row, nets, lags + by_rank)


def predicted(config: Config, log_radius: float) -> tuple[float | None, float | None, str]:
    """Return (growth rate, variance of one step's log factor, note)."""
    if config.initializer in ("orthogonal", "identity"):
        return float(np.log(config.gain)), 0.0, "every factor is the gain"
    if config.product == "tied":
        return log_radius, None, "ln rho(W) of that very matrix"
    if config.initializer == "gaussian":
        rate = theory.independent_product_exponents(config.gain, config.hidden_size)[0]
        return float(rate), float(theory.independent_product_variances(config.hidden_size)[0]), "Newman 1986"
    return None, None, "shear is not drawn: the product is a tied one"


def draw(folder: Path) -> None:
    """Draw log norm against lag for tied and independent products of the longest jobs; all exponents of fresh W."""
    tables = read(folder)
    if "exponent" in tables.lags:
        draw_spectrum(tables, folder / "exponents.png")
    table = tables.table[tables.table.seq_len == tables.table.seq_len.max()]
    table = table[table.gain == table.gain.iloc[0]]
    lags = tables.lags.merge(table.assign(W=table["product"] + " " + table.initializer)[["out", "W"]], on="out")
    lags = lags.dropna(subset="lag")
    log_norm_by_lag(lags, "W", folder / "lags.png", f"linear nets, gain {table.gain.iloc[0]}")


def draw_spectrum(tables: Tables, path: Path) -> None:
    """Draw every exponent of the longest products of fresh Gaussian W, less ln gain, on Newman's line."""
    rows = tables.lags.dropna(subset="exponent").merge(
        tables.table[["out", "gain", "hidden_size", "seq_len"]], on="out"
    )
    rows = rows[(rows.seq_len == rows.seq_len.max()) & (rows.hidden_size == rows.hidden_size.max())]
    figure, axes = plt.subplots(figsize=(6, 4.2))
    for i, (gain, own) in enumerate(rows.groupby("gain")):
        at, less = (own["rank"] + 0.5) / own.hidden_size, np.log(gain)
        axes.plot(at, own.exponent_theory - less, color="0.4", lw=1, label="Newman 1986" if i == 0 else None)
        axes.plot(at, own.exponent - less, "os^D"[i % 4], ms=5 - i % 4, mfc="none", color=NAMES[i],
                  label=f"measured, gain {gain:g}")  # fmt: skip
    axes.set(xlabel="rank / H", ylabel="Lyapunov exponent less ln gain, nats per factor")
    axes.set_title(f"products of {rows.seq_len.max()} fresh Gaussian W, H = {rows.hidden_size.max()}")
    axes.legend()
    save(figure, path)


def claims(tables: Tables) -> list[Judgement]:
    """Return S1 for constant factors, G4 tied, independent and orthogonal, L4 Newman's others, G3 (c) for the shear."""
    found = []
    for row in tables.table.itertuples():
        tied, long, gain = row.product == "tied", row.seq_len >= 400, row.gain
        if row.initializer == "identity" and tied and row.seq_len in (10, 20):
            bar, case = gain**row.seq_len, {"gain": gain, "length": row.seq_len}
            found.append(POWER.judge(row.last_factor, 0.0, 1, bar=bar, margin=EXACT * bar, **case))
        if row.initializer == "gaussian" and long:
            found += [_tied(row)] if tied else _independent(row)
        if row.initializer == "orthogonal" and long:
            bar, same = float(np.log(gain)), f"orthogonal {row.product}"
            found.append(
                ORTHOGONAL.judge(row.growth_rate, 0.0, row.n, bar=bar, draws=same, product=row.product, gain=gain)
            )
        if row.initializer == "shear" and tied and gain < 1 and long:
            found.append(TRANSIENT.judge(row.largest_log_norm, 0.0, row.n, gain=gain))
    return found


def _tied(row: Any) -> Judgement:
    return TIED.judge(row.rate_minus_log_radius, row.gap_se, row.n, draws="tied", gain=row.gain)


def _independent(row: Any) -> list[Judgement]:
    """Return what Newman says of fresh Gaussian W; of another gain the draws are the same, but for the scale."""
    rate = row.growth_rate, row.growth_rate_se, row.n
    variance, expected = (row.step_variance, row.step_variance_se, row.n), row.step_variance_theory
    return [
        NEWMAN_RATE.judge(*rate, bar=row.growth_rate_theory, draws="rate", gain=row.gain),
        NEWMAN_VARIANCE.judge(*variance, bar=expected, margin=0.1 * expected, draws="variance", gain=row.gain),
        *(_exponent(row, name) for name in EXPONENT_MARGIN),
    ]


def _exponent(row: Any, name: str) -> Judgement:
    i = {"middle_exponent": row.hidden_size // 2, "least_exponent": row.hidden_size - 1}[name]
    bar = float(theory.independent_product_exponents(row.gain, row.hidden_size)[i])
    measured = getattr(row, name), getattr(row, f"{name}_se"), row.n
    case = {"number": i + 1, "units": row.hidden_size, "gain": row.gain}
    return NEWMAN_EXPONENT.judge(*measured, bar=bar, margin=EXPONENT_MARGIN[name], draws=name, **case)


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw, claims)

if __name__ == "__main__":
    launch(EXPERIMENT)
