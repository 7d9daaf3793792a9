"""What a name on the command line stands for, an experiment or a file of the user's, and how it is launched."""

import sys
from pathlib import Path

from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import did_you_mean


def experiment_file(name: str) -> Path:
    """Return the file of an experiment, by the name of one that comes with rnnkit or by the path of a .py file.

    Raises ValueError for what is neither.
    """
    known = shipped.experiments()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return path.resolve()
    near = [*known, *(file.name for file in Path().glob("*.py"))]
    close = did_you_mean(name, near) or did_you_mean(path.stem, known)
    wanted = "an experiment (see rnnkit list experiments) or a .py file with one"
    there = ", which is not there" if path.suffix == ".py" else ""
    raise ValueError(f"NAME must be {wanted}, got {name}{there}{close}")


def launch_file(file: Path, arguments: list[str]) -> None:
    """Do what `python FILE ARGUMENTS` does; end the process. Raises ValueError for a file without an experiment."""
    from rnnkit.runner.jobs.experiment import load
    from rnnkit.runner.sweep import launch

    sys.argv = [str(file), *arguments]
    sys.path.insert(0, str(file.parent))  # as Python does with the folder of a script
    launch(load(file))
