"""Where the files are that come with rnnkit: experiments, their configurations, the committed tables, the gallery.

A wheel has them in a folder beside the package, a checkout at its top. Not inside it: compiled kernels are known by the
sources of the package, which so are the same in both, and what one has compiled serves the other.
"""

import re
from pathlib import Path

from omegaconf import OmegaConf

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = PACKAGE.parent / "rnnkit_shipped"  # hatch_build.py puts them there


def is_installed() -> bool:
    """Return whether rnnkit runs from a wheel: its files are not to be written to."""
    return INSTALLED.is_dir()


def folder(name: str) -> Path:
    """Return a folder that comes with rnnkit, as `experiments`; ValueError where this rnnkit came without it."""
    found = (INSTALLED if is_installed() else PACKAGE.parent) / name
    if not found.is_dir():
        raise ValueError(
            f"{found} must be there, a part of rnnkit, got none: install rnnkit from its wheel or checkout"
        )
    return found


def experiments() -> dict[str, Path]:
    """Return the file of each experiment that comes with rnnkit, by name."""
    conf = folder("conf")
    files = sorted(folder("experiments").glob("*.py"))
    return {file.stem: file for file in files if (conf / f"{file.stem}.yaml").is_file()}


def presets(experiment: str) -> list[str]:
    """Return the names of the presets of an experiment that comes with rnnkit."""
    return list(OmegaConf.load(folder("conf") / f"{experiment}.yaml").get("presets", {}))


def pages() -> dict[str, Path]:
    """Return the file of each page to teach with, by name: the article's notebook, then the scripts of the gallery."""
    files = [*folder("docs/learn").glob("*.ipynb"), *sorted(folder("docs/gallery").glob("plot_*.py"))]
    return {re.sub(r"^plot_\d+_", "", file.stem): file for file in files}
