"""Run every experiment again and compare its tables with the committed ones."""

import runpy
import sys

from rnnkit.runner import shipped


def run(arguments: list[str]) -> int | None:
    """Do what `python experiments/reproduce.py ARGUMENTS` does; end the process."""
    file = shipped.folder("experiments") / "reproduce.py"
    sys.argv = ["rnnkit reproduce", *arguments]
    sys.path.insert(0, str(file.parent))  # as Python does with the folder of a script
    runpy.run_path(str(file), run_name="__main__")
