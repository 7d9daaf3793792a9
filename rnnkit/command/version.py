"""Print the versions of all that results and speed depend on, for a report."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def run(arguments: list[str]) -> int | None:
    """Print a line for each part."""
    from rnnkit.runner.jobs import provenance

    made = provenance.environment(Path(__file__))
    lines = {name: made[name] for name in ("rnnkit", "python", "numpy", "numba")}
    lines |= {"llvmlite": version("llvmlite"), "scipy": made["scipy"], "blas": made["blas"], "cpu": made["cpu"]}
    lines["cores"] = f"{provenance.cores()} of {os.cpu_count()}"
    lines["threads"] = f"{made['threads']}, by {made['threading']}"
    lines |= {"system": f"{platform.system()} {platform.release()} {platform.machine()}", "commit": made["commit"]}
    print("\n".join(f"{name:9} {value}" for name, value in lines.items()))
    return 0
