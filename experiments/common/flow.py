"""How a gradient grows or fades on its way back through driven nets: one job, as gradient_flow describes it."""

from typing import Any

import numpy as np
from common.flow_config import FlowConfig
from common.flow_nets import Net, measure_net

from rnnkit import statistics
from rnnkit.gradients import theory
from rnnkit.parallel import map_replicates
from rnnkit.runner.jobs.experiment import Measurement
from rnnkit.statistics import mean

COLUMNS = [
    "spectral_radius_achieved",
    "gain_achieved",
    "sigma_max",
    "growth_rate",
    "growth_rate_se",
    "growth_rate_theory",
    "theory_note",
    "log10_grad_h0",
    "log10_grad_W_hh",
    "log10_grad_W_hh_clipped",
    "clip_fraction",
    "vanished_fraction",
    "exploded_fraction",
    "n_zero",
    "status",
    "n",
]
GROWTH_TOLERANCE = 0.007  # the .004 of ten cells in an earlier simulation, and twice the .0015 asked of standard errors
GROWTH_SOURCE = "Molgedey, Schuchhardt, Schuster 1992; Chen, Pennington, Schoenholz 2018; 1/H term derived"
WITHOUT_SPREAD = ("log10_grad_W_hh", "log10_grad_W_hh_clipped")  # means over nets that nets.csv does not hold


def predicted(config: FlowConfig, radius: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return (theory of each net's growth rate, a note); None where no theory is claimed, the note says why."""
    if config.cell == "identity":
        return theory.tied_product_rate(radius), "linear, one tied W: ln rho(W)"
    if config.cell != "tanh":
        return None, f"no theory for {config.the_cell.name}"
    if config.drive != "noise":
        return None, "no theory for a drive that is not iid per unit and step"
    if config.initializer not in ("gaussian", "glorot", "orthogonal"):
        return None, f"no theory for {config.initializer} W"
    if config.drive_variance == 0:
        return None, "no drive: the state stays at 0"
    rate = theory.growth_rate(gain, config.drive_variance, config.hidden_size, config.initializer)
    exploratory = config.initializer != "orthogonal" and config.drive_variance < 0.5
    return rate, "exploratory: Gaussian W under drive_variance < .5 departs from it" if exploratory else ""


def measure_flow(config: FlowConfig) -> Measurement:
    """Measure all nets of a job, on all cores."""
    nets = map_replicates(lambda replicate: measure_net(config, replicate), config.replicates)
    radius, gain, sigma_max = (np.array(column) for column in list(zip(*nets, strict=True))[:3])
    rates, note = predicted(config, radius, gain)
    row: dict[str, Any] = {
        "spectral_radius_achieved": mean_of_weights(radius),
        "gain_achieved": mean_of_weights(gain),
        "sigma_max": mean_of_weights(sigma_max),
        "growth_rate_theory": None if rates is None else mean(rates),
        "theory_note": note,
        "status": "done",
        "n": config.replicates,
    }
    rows = [net_row(i, net, None if rates is None else rates[i]) for i, net in enumerate(nets)]
    diverged = [net.first_nonfinite_step for net in nets if net.first_nonfinite_step >= 0]
    if diverged:
        row["status"] = "diverged"
        message = f"{len(diverged)} of {len(nets)} nets became non-finite, the first at step {min(diverged)}"
        return Measurement(row, rows, message=message)
    log_norms = np.stack([net.log_norms for net in nets], axis=2)  # (T+1, B, nets)
    net_rates = [net["growth_rate"] for net in rows if net["growth_rate"] is not None]
    row |= statistics.of_nets(log_norms, net_rates) | {
        "log10_grad_W_hh": mean([n.log10_W_hh for n in nets if np.isfinite(n.log10_W_hh)]),
        "log10_grad_W_hh_clipped": mean([n.log10_W_hh_clipped for n in nets if np.isfinite(n.log10_W_hh_clipped)]),
        "clip_fraction": mean([n.was_clipped for n in nets]),
    }
    if rates_of_states := of_states(nets):
        row["growth_rate_of_states"] = rates_of_states
    return Measurement(row, rows, statistics.by_lag(log_norms))


def mean_of_weights(values: np.ndarray) -> float | None:
    """Return the mean over nets; None of cells without recurrent weights."""
    return None if np.isnan(values).all() else mean(values)


def of_states(nets: list[Net]) -> str | None:
    """Return the growth rate of each state where a cell has several, as `h -0.12, c -0.03`; else None."""
    names = list(nets[0].of_states) if len(nets[0].of_states) > 1 else []
    rates = {name: np.concatenate([statistics.growth_rates(net.of_states[name]) for net in nets]) for name in names}
    return ", ".join(f"{name} {mean(found):.4g}" for name, found in rates.items() if len(found)) or None


def net_row(replicate: int, net: Net, theory_rate: float | None) -> dict[str, Any]:
    """Return one net's row of nets.csv."""
    finite = net.first_nonfinite_step < 0
    row = {
        "replicate": replicate,
        "spectral_radius_achieved": net.spectral_radius,
        "gain_achieved": net.gain,
        "sigma_max": net.sigma_max,
        "growth_rate_theory": theory_rate,
        "first_nonfinite_step": None if finite else net.first_nonfinite_step,
    }
    return row | (statistics.of_net(net.log_norms) if finite else {})
