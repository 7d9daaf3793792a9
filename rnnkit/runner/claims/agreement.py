"""Do two numbers agree that were measured on two machines? A test for each kind of number, and what it allows.

Every test is right for the worst case, that nothing but the protocol is common to the two sides: last bits grow, and a
chaotic net goes another way from the first difference on.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact, mannwhitneyu, norm, t

from rnnkit.statistics import standard_error

DIGITS = 6  # float32 keeps 7, and some of the last are lost on the way; claims of exact numbers are finer by themselves
ZERO = 1e-9  # what cancels to 0 on one machine leaves the rounding of numbers of order one on another
LOOSER = 1000.0  # a spread moves by what single values move by, their mean by less: three digits where that is the same
# Standard errors of a difference: of many nets chance passes 4 in 1 of 16,000 comparisons, of 10 nets a side in 1 of
# 1,200; a check on another machine makes about a thousand comparisons, a tenth of them of nets that went another way.
WIDTH = 4.0
P = 0.001  # of counts and ranks: values are few, so that with 10 nets a side less than 1 in 3,000 comes out below
RULES = {
    "rounding": "to six digits",
    "count": "by Fisher's test",
    "se": "within 4 standard errors",
    "rank": "by a rank test",
    "spread": "within the spread of nets",
    "none": "not compared",
    "differs": "differ",
}  # from strict to lenient


class Judged(NamedTuple):
    """The rule that decides, whether the two agree, what the rule says of them."""

    rule: str
    agrees: bool
    words: str = ""


def are_numbers(*values: Any) -> bool:
    """Return whether all are numbers, nan among them."""
    return all(isinstance(value, int | float | np.number) for value in values)


def same(a: Any, b: Any, size: Any = 0.0) -> Any:
    """Return where numbers agree to DIGITS digits of the larger one, or of `size`; nan is the same as nan."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    with np.errstate(invalid="ignore"):
        largest = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.abs(size))
        near = np.abs(a - b) <= ZERO + 10.0**-DIGITS * np.where(np.isfinite(largest), largest, 0)
    return (a == b) | near | (np.isnan(a) & np.isnan(b))


def exactly(a: Any, b: Any, size: float = 0.0) -> Judged:
    """Judge numbers by their digits, all else by its text."""
    if are_numbers(a, b):
        return Judged("rounding", bool(same(a, b, size)), f"must agree to {DIGITS} digits")
    return Judged("rounding", str(a) == str(b), "must be the same")


def by_count(k: tuple[int, int], n: tuple[int, int]) -> Judged:
    """Judge so many nets of n against so many of n."""
    p = fisher_exact([[k[0], n[0] - k[0]], [k[1], n[1] - k[1]]]).pvalue
    return Judged("count", p > P, f"{k[0]} of {n[0]} and {k[1]} of {n[1]}: p = {p:.2g} by Fisher's test, allowed > {P}")


def by_se(values: tuple[float, float], se: tuple[float, float]) -> Judged:
    """Judge two means by their standard errors."""
    if np.isnan([*values, *se]).any():
        return Judged("none", True, "no value or no standard error on one side")
    difference, bound = abs(values[0] - values[1]), WIDTH * float(np.hypot(*se))
    said = f"they differ by {difference:.3g}, allowed {bound:.3g} = {WIDTH:.0f} standard errors"
    return Judged("se", difference <= bound, said)


def by_nets(old: np.ndarray, new: np.ndarray) -> Judged:
    """Judge two means over nets: by the standard errors of both, and by that of the change of each net.

    old, new: net by net, nan where there is none. Nets begin from the same weights and data. Where chance has not made
    others of them, a change that all have in common shows long before the means are apart; one below three digits is
    left to rounding, which may go the same way in all of them.
    """
    sides = [side[~np.isnan(side)] for side in (old, new)]
    means = tuple(float(np.mean(side)) if len(side) else np.nan for side in sides)
    judged = by_se(means, tuple(_se(side) for side in sides))
    changes = (new - old)[~np.isnan(new - old)] if len(old) == len(new) else np.array([])
    if not judged.agrees or len(changes) < 2:
        return judged
    change, se, n = abs(np.mean(changes)), _se(changes), len(changes)
    bound = max(width(n) * se, LOOSER * 10.0**-DIGITS * np.mean(np.abs(sides[0])))
    return (
        judged
        if change <= bound
        else Judged("se", False, f"the same {n} nets differ by {change:.3g}, allowed {bound:.3g}")
    )


def _se(values: np.ndarray) -> float:
    return np.nan if (found := standard_error(values)) is None else found


def width(n: int) -> float:
    """Return the multiple of a standard error of n changes that is as improbable as WIDTH of many: Student's."""
    return float(t.isf(norm.sf(WIDTH), n - 1))


def by_rank(values: tuple[np.ndarray, np.ndarray], rule: str = "rank") -> Judged:
    """Judge whether the nets of one side have larger values than those of the other; inf is larger than all."""
    if min(map(len, values)) == 0:
        return Judged("none", True, "no nets on one side")
    ranks = np.unique(np.concatenate(values), return_inverse=True)[1]
    sides = ranks[: len(values[0])], ranks[len(values[0]) :]
    p = float(mannwhitneyu(*sides, method="asymptotic").pvalue) if np.ptp(ranks) else 1.0
    return Judged(rule, p > P, f"p = {p:.2g} by the rank test of the nets, allowed > {P}")


@dataclass
class Comparison:
    """What differs, a line each; by which rule each column agrees at worst; what is not compared, and how far off."""

    differences: list[str] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    not_compared: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, where: str, column: str, values: tuple[Any, Any], judged: Judged) -> None:
        """Take in one cell."""
        rule, (old, new) = judged.rule if judged.agrees else "differs", values
        self.rules[column] = max(self.rules.get(column, rule), rule, key=list(RULES).index)
        if not judged.agrees:
            line = f"{where}: {column}: committed {_shown(old)}, new {_shown(new)}; {judged.words}"
            self.differences.append(line)
        elif rule == "none":
            change = abs(new - old) / max(abs(new), abs(old)) if are_numbers(old, new) else np.nan
            self.not_compared.setdefault((column, judged.words), []).append(change)

    def summary(self) -> str:
        """Return how many columns agree by which rule, and how many differ."""
        counts = {rule: list(self.rules.values()).count(rule) for rule in RULES}
        return ", ".join(f"{n} {RULES[rule]}" for rule, n in counts.items() if n)

    def notes(self) -> list[str]:
        """Return what is to know beside, and a line for each column that is not compared in some row."""
        return self.remarks + [
            f"not compared: {column}{f' in {len(changes)} rows' if len(changes) > 1 else ''}: {words}"
            + (f"; changed by up to {100 * np.nanmax(changes):.3g}%" if np.isfinite(changes).any() else "")
            for (column, words), changes in self.not_compared.items()
        ]


def _shown(value: Any) -> str:
    return "nothing" if pd.isna(value) else f"{value:.9g}" if isinstance(value, float) else str(value)
