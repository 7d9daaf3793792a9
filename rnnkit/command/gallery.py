"""Write a page of the gallery as a notebook into this folder: a question, a picture, a verdict, in seconds."""

import argparse
import sys
from pathlib import Path

from rnnkit.command import list_names
from rnnkit.command.new import write_new
from rnnkit.command.notebook import notebook
from rnnkit.command.words import WRONG_USE
from rnnkit.runner import shipped
from rnnkit.runner.jobs.config import did_you_mean


def run(arguments: list[str]) -> int | None:
    """Write NAME.ipynb, or list the pages; nothing that is there is touched."""
    parser = argparse.ArgumentParser(prog="rnnkit gallery", description=__doc__)
    parser.add_argument("name", metavar="NAME", nargs="?", help="of a page; without it all pages are listed")
    parser.add_argument("--script", action="store_true", help="write NAME.py in place of NAME.ipynb")
    asked = parser.parse_args(arguments)
    if asked.name is None:
        return list_names.run(["gallery"])
    try:
        path = write(asked.name.removesuffix(".ipynb"), Path(), asked.script)
    except ValueError as error:
        print(f"rnnkit gallery: {error}", file=sys.stderr)
        return WRONG_USE
    print(f"{path} is written")
    print(f"  python {path}" if asked.script else f"  jupyter lab {path}    (pip install jupyterlab)")
    return 0


def write(name: str, folder: Path, script: bool = False) -> Path:
    """Write a page into a folder and return its file; ValueError for a name that is not there, or taken."""
    known = shipped.pages()
    if name not in known:
        raise ValueError(f"NAME must be one of {', '.join(known)}, got {name}{did_you_mean(name, known)}")
    text, path = known[name].read_text(encoding="utf-8"), folder / f"{name}{'.py' if script else '.ipynb'}"
    if known[name].suffix == ".ipynb" and script:
        raise ValueError(f"--script cannot be combined with {name}: it is a notebook")
    return write_new(path, text if script or known[name].suffix == ".ipynb" else notebook(text))
