"""What the wheel holds beside the package: experiments, conf, tables `rnnkit reproduce` needs, pages to teach with.

They go into rnnkit_shipped, beside the package (see rnnkit/runner/shipped.py); an editable install has the checkout's.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = (
    "experiments/*.py",
    "experiments/common/*.py",
    "conf/**/*.yaml",
    "docs/gallery/plot_*.py",
    "docs/learn/*.ipynb",
    "results/claims.csv",
    "results/SETTLED.md",
    "results/quick/*/*.csv",
    "results/quick/*/README.md",
    "results/laptop/*/*.csv",
    "results/laptop/*/README.md",
)


class Shipped(BuildHookInterface):
    """Adds the files to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say where each file goes; the build fails where a pattern finds none."""
        if version == "editable":
            return
        root = Path(self.root)
        for pattern in SHIPPED:
            files = sorted(root.glob(pattern))
            if not files:
                raise FileNotFoundError(f"{pattern}: a wheel needs these files, got none below {root}")
            names = [file.relative_to(root).as_posix() for file in files]
            build_data["force_include"] |= {name: f"rnnkit_shipped/{name}" for name in names}
