"""The look of every picture: one style file, and the colours of lines by what tells them apart."""

from collections.abc import Hashable, Iterable
from importlib.resources import as_file, files
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # pictures are files: no screen is needed

import matplotlib.pyplot as plt

with as_file(files(__package__) / "rnnkit.mplstyle") as path:
    plt.style.use(["petroff10", path])
NAMES = mpl.rcParams["axes.prop_cycle"].by_key()["color"]  # that people with colour-blindness can tell, in this order
NUMBERS = plt.get_cmap("viridis")
DASHES = ("-", "--", ":")
FEWEST_SHADES = 3  # two lines are told apart by hue


def looks(values: Iterable[Hashable]) -> dict[Any, dict[str, Any]]:
    """Return by value the colour and line style of its line, as keywords of `plot`.

    Three finite numbers or more have shades of one scale, by rank; names, and what is not finite as a clip of none,
    have hues, and from the eleventh on dashes.
    """
    values = list(dict.fromkeys(values))
    if len(values) >= FEWEST_SHADES and all(isinstance(v, int | float | np.number) and np.isfinite(v) for v in values):
        ranks = {value: rank / (len(values) - 1) for rank, value in enumerate(sorted(values))}
        return {value: {"color": NUMBERS(0.9 * ranks[value]), "ls": "-"} for value in values}
    places = [divmod(i, len(NAMES)) for i in range(len(values))]
    return {
        value: {"color": NAMES[hue], "ls": DASHES[turn % len(DASHES)]}
        for value, (turn, hue) in zip(values, places, strict=True)
    }


def hues(values: Iterable[Hashable]) -> dict[Any, Any]:
    """Return the colours of `looks` alone, for points and areas."""
    return {value: look["color"] for value, look in looks(values).items()}
