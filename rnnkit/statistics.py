"""What a set of log norms says: growth rates, shares vanished and exploded, clipped gradients at any size.

`log_norms` is ln ||dL/dh_{T-k}|| with lags k = 0..T on its first axis, (T+1, ...), starting at 0. An exactly
zero gradient is -inf: it counts as vanished and is left out of means. A mean over nothing is None.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit._arguments import check_real, choice, integer, number, shown

NEAR = 20  # a slope leaves out the lags next to the loss, where the direction still settles
SHORTEST_SLOPE = 70  # below this seq_len a slope over seq_len - 20 lags says little
VANISHED, EXPLODED = np.log(1e-6), np.log(1e6)


def mean(values: Sequence[float] | np.ndarray) -> float | None:
    """Return the mean, None of nothing."""
    _check_values(values)
    return float(np.mean(values)) if len(values) else None


def standard_error(values: Sequence[float] | np.ndarray) -> float | None:
    """Return the standard error of the mean, None below two values."""
    _check_values(values)
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _check_values(values: Sequence[float] | np.ndarray) -> None:
    check_real("values", values)
    if np.ndim(values) == 0:
        raise ValueError(f"values must have an axis, got {shown(values)}")


def wilson_interval(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share seen k times in n independent trials, z standard errors wide on either side.

    Wilson (1927): every share p with |k/n - p| <= z sqrt(p (1 - p) / n). It stays in [0, 1] and has a width at k = 0
    and k = n too. Raises ValueError unless n >= 1 and 0 <= k <= n.
    """
    n = integer("n", n, 1)
    k, z = integer("k", k, 0, n), number("z", z, above=0)
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(k * (n - k) / n + z * z / 4))
    return max(0.0, middle - half), min(1.0, middle + half)


def share_se(k: int, n: int) -> float:
    """Return the standard error of a share k/n: half the width of its Wilson interval at z = 1; above 0 for all k."""
    lower, upper = wilson_interval(k, n, z=1.0)
    return (upper - lower) / 2


def ratio_of_sums(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Return (sum of sums / sum of counts, its standard error over independent groups); nan below two groups.

    A mean over the members of groups of different sizes, such as steps of sequences, by the ratio estimator: Cochran
    (1977), section 6.4. sums, counts: (n,), the latter >= 0 and not all 0. Raises ValueError.
    """
    check_real("sums", sums, 1)
    check_real("counts", counts, 1)
    sums, counts = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    if sums.shape != counts.shape:
        raise ValueError(f"counts must have shape {sums.shape}, got {counts.shape}")
    if not np.isfinite(sums).all():
        raise ValueError(f"sums must be finite, got {shown(sums)}")
    if not (counts >= 0).all() or not counts.any() or not np.isfinite(counts).all():
        raise ValueError(f"counts must be finite numbers >= 0 and not all 0, got {shown(counts)}")
    n, value = len(sums), sums.sum() / counts.sum()
    if n < 2:
        return float(value), float("nan")
    residuals = sums - value * counts
    return float(value), float(np.sqrt(n / (n - 1) * (residuals @ residuals)) / counts.sum())


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return (share of first - share of second, its standard error) of two outcomes, yes or no, of the same trials.

    Agresti, Min (2005): for the standard error each of the four pairs of outcomes counts half a trial more than was
    seen, so that it is above 0 always. Raises ValueError for arrays of different or no length.
    """
    first, second = _as_outcomes("first", first), _as_outcomes("second", second)
    if first.shape != second.shape or first.size == 0:
        raise ValueError(f"first and second must pair up, got {first.shape} and {second.shape}")
    n = len(first)
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    p, q = (only_first + 0.5) / (n + 2), (only_second + 0.5) / (n + 2)
    return (only_first - only_second) / n, float(np.sqrt((p + q - (p - q) ** 2) / (n + 2)))


def _as_times(times: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    check_real("times", times, 1)
    times, events = np.asarray(times), _as_outcomes("events", events)
    if times.shape != events.shape:
        raise ValueError(f"events must have one entry for each of times, {times.shape}, got {shown(events)}")
    return times, events.astype(bool)


def _as_outcomes(name: str, outcomes: np.ndarray) -> np.ndarray:
    check_real(name, outcomes, 1)
    outcomes = np.asarray(outcomes)
    if outcomes.size and outcomes.dtype != bool:
        raise ValueError(f"{name} must hold True or False, got {shown(outcomes)}")
    return outcomes


def growth_rates(log_norms: np.ndarray) -> np.ndarray:
    """Return (log norm at lag T - at lag 20) / (T - 20) of every path that is not zero; empty for T < 70."""
    check_real("log_norms", log_norms)
    T = len(log_norms) - 1
    if T < SHORTEST_SLOPE:
        return np.array([])
    alive = np.isfinite(log_norms[-1])
    return (log_norms[-1][alive] - log_norms[NEAR][alive]) / (T - NEAR)


def of_net(log_norms: np.ndarray) -> dict[str, float | None]:
    """Return growth_rate, log10_grad_h0, and the largest one-step growth and log norm of one net, (T+1, B)."""
    check_real("log_norms", log_norms, 2)
    alive = log_norms[:, np.isfinite(log_norms[-1])]
    return {
        "growth_rate": mean(growth_rates(log_norms)),
        "log10_grad_h0": mean(alive[-1] / np.log(10)),
        "largest_step": float(np.diff(alive, axis=0).max()) if alive.size else None,
        "largest_log_norm": float(alive[1:].max()) if alive.size else None,
    }


def of_nets(log_norms: np.ndarray, net_rates: Sequence[float]) -> dict[str, Any]:
    """Return the columns of a job from log_norms (T+1, B, nets) and the growth rate of each net."""
    check_real("log_norms", log_norms, 3)
    last = log_norms[-1]
    return {
        "growth_rate": mean(growth_rates(log_norms)),
        "growth_rate_se": standard_error(net_rates),
        "log10_grad_h0": mean(last[np.isfinite(last)] / np.log(10)),
        "vanished_fraction": mean(last < VANISHED),
        "exploded_fraction": mean(last > EXPLODED),
        "n_zero": int((last == -np.inf).sum()),
    }


def by_lag(log_norms: np.ndarray) -> list[dict[str, Any]]:
    """Return a row for each lag: mean, standard deviation and number of the finite log norms."""
    check_real("log_norms", log_norms)
    rows = []
    for lag, values in enumerate(log_norms.reshape(len(log_norms), -1)):
        alive = values[np.isfinite(values)]
        sd = float(alive.std()) if alive.size else None
        rows.append({"lag": lag, "log_norm": mean(alive), "log_norm_sd": sd, "n": int(alive.size)})
    return rows


def clipped_log10(
    recurrent: Sequence[np.ndarray], rest: Sequence[np.ndarray], log_scale: float, clip: float | None, mode: str
) -> tuple[float, float, bool]:
    """Return log10 of the norm of the gradients `recurrent` before and after clipping, and whether it acted.

    By logarithms, so at any size: gradients are those given, of recurrent weights and of all others, times e^log_scale.
    clip: None leaves the gradients alone. mode: `norm`, the joint norm of all, or `value`, entry by entry.
    """
    choice("mode", mode, ("norm", "value"))
    if clip is not None:
        number("clip", clip, above=0)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the right answer
        own, others = ([np.log(np.abs(g.astype(np.float64))) + log_scale for g in part] for part in (recurrent, rest))
    before = _log_norm(own)
    if clip is None:
        after, acted = before, False
    elif mode == "norm":
        joint = _log_norm([*own, *others])
        after, acted = before + min(0.0, np.log(clip) - joint), joint > np.log(clip)
    else:
        after = _log_norm([np.minimum(s, np.log(clip)) for s in own])
        acted = max(s.max(initial=-np.inf) for s in [*own, *others]) > np.log(clip)
    return before / np.log(10), after / np.log(10), bool(acted)


def _log_norm(log_sizes: list[np.ndarray]) -> float:
    """Return ln of the Euclidean norm of entries given by the logs of their sizes."""
    largest = max((s.max(initial=-np.inf) for s in log_sizes), default=-np.inf)
    if largest == -np.inf:
        return -np.inf
    return float(largest + 0.5 * np.log(sum(np.exp(2 * (s - largest)).sum() for s in log_sizes)))


def log_rank(strata: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]]) -> tuple[float, float]:
    """Return (log hazard ratio of the first group against the second, its standard error) over strata.

    strata: for each, the two groups' (times, events): events is False where a time is only where watching ended.
    The log-rank statistic of Mantel (1966): O - E events of the first group, V their variance, summed over strata; the
    ratio is the one-step estimate (O - E) / V of Peto. (nan, nan) where no event tells the groups apart.
    """
    excess, variance = 0.0, 0.0
    for stratum in strata:
        (first, first_event), (second, second_event) = (_as_times(*group) for group in stratum)
        for time in np.unique(np.concatenate([first[first_event], second[second_event]])):
            at_risk, n = int((first >= time).sum()), int((first >= time).sum() + (second >= time).sum())
            own = int((first_event & (first == time)).sum())
            events = own + int((second_event & (second == time)).sum())
            excess += own - events * at_risk / n
            if n > 1:
                variance += events * (at_risk / n) * (1 - at_risk / n) * (n - events) / (n - 1)
    return (excess / variance, float(variance**-0.5)) if variance > 0 else (float("nan"), float("nan"))
