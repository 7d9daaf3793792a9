"""Print the table of a sweep, as wide as the terminal, and name its pictures and its page."""

import argparse
import shutil
import sys
import webbrowser
from pathlib import Path

from rnnkit import results
from rnnkit.runner.jobs.config import did_you_mean
from rnnkit.runner.tables.page import PAGE
from rnnkit.runner.tables.terminal import fitted, of_one_row, shared_and_own

ROWS = 40


def run(arguments: list[str]) -> int | None:
    """Print what `DIR` holds, and open its page in a browser where that is asked for."""
    parser = argparse.ArgumentParser(prog="rnnkit show", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="the `out` of a sweep")
    parser.add_argument("--columns", metavar="NAME,NAME", help="show these alone")
    parser.add_argument(
        "--rows", type=_count, default=ROWS, help=f"the most rows to print, by default {ROWS}, or 0 for all of them"
    )
    parser.add_argument("--open", action="store_true", help=f"open {PAGE} in a browser")
    asked = parser.parse_args(arguments)
    try:
        table = results.read(asked.folder).table
        columns = _columns(asked.columns, list(table))
    except (OSError, ValueError) as error:
        print(f"rnnkit show: {error}", file=sys.stderr)
        return 2
    width = shutil.get_terminal_size((100, 24)).columns
    if len(table) == 1 and not columns:
        print("\n".join(of_one_row(table, width)))
    else:
        shared, own = ("", table[columns]) if columns else shared_and_own(table)
        print("\n".join(fitted(shared, own, width, asked.rows or len(own))))
    print("\n".join(_files(asked.folder)))
    return _open(asked.folder / PAGE) if asked.open else 0


def _count(text: str) -> int:
    """Return a number of rows; argparse says the message of its error."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer >= 0, got {text}")
    return int(text)


def _columns(asked: str | None, known: list[str]) -> list[str]:
    """Return the columns that are asked for; ValueError for one that is not there."""
    names = list(dict.fromkeys(name.strip() for name in asked.split(","))) if asked else []
    for name in names:
        if name not in known:
            raise ValueError(f"--columns must be among {', '.join(known)}, got {name}{did_you_mean(name, known)}")
    return names


def _files(folder: Path) -> list[str]:
    """Return the pictures, the page and the problems of a sweep."""
    names = [*sorted(folder.glob("*.png")), folder / PAGE, folder / "claims.csv", folder / "problems.csv"]
    return [str(path) for path in names if path.exists()]


def _open(page: Path) -> int:
    if not page.exists():
        print(f"rnnkit show: {page} must be there, got none: rnnkit collect {page.parent} writes it", file=sys.stderr)
        return 1
    webbrowser.open(page.resolve().as_uri())
    return 0
