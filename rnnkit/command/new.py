"""Write a small study, NAME.py, into this folder: to run at once, and to change."""

import argparse
import importlib.util
import keyword
import sys
from pathlib import Path

from rnnkit.runner import shipped

TEMPLATE = Path(__file__).with_name("my_study.py.txt")


def run(arguments: list[str]) -> int | None:
    """Write NAME.py; nothing that is there is touched."""
    parser = argparse.ArgumentParser(prog="rnnkit new", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="of the study and of its file, NAME.py")
    name = parser.parse_args(arguments).name.removesuffix(".py")
    try:
        path = write(name, Path())
    except ValueError as error:
        print(f"rnnkit new: {error}", file=sys.stderr)
        return 2
    print(f"{path} is written: protocol, measure, draw and claims of a small study")
    print(f"  rnnkit run {path} -m spectral_radius=0.5,1.0,1.5,3.0 out=outputs/{name}")
    print(f"  rnnkit show outputs/{name} --open")
    return 0


def write(name: str, folder: Path) -> Path:
    """Write the study into a folder and return its file; ValueError for a name that cannot be, or is taken."""
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise ValueError(f"NAME must be a name that Python can have, as my_study, got {name}")
    if name in shipped.experiments():
        raise ValueError(f"NAME must not be that of an experiment of rnnkit, got {name}")
    if not (folder / f"{name}.py").exists() and importlib.util.find_spec(name):
        raise ValueError(f"NAME must not be that of a module of Python, got {name}")
    text = TEMPLATE.read_text(encoding="utf-8").replace("NAME", name)
    return write_new(folder / f"{name}.py", text)


def write_new(path: Path, text: str) -> Path:
    """Write a file that is not there yet, and return it; ValueError for one that is, or cannot be."""
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ValueError(f"NAME must be that of a new file, got {path.stem}: {path} is there") from None
    except OSError as error:
        raise ValueError(f"{path} must be a file that can be written to, got {error.strerror}") from None
    return path
