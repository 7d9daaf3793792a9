"""Make the tables, pictures and page of a sweep from the records that are there, at any time."""

import sys

USAGE = "usage: rnnkit collect DIR ..."


def run(arguments: list[str]) -> int | None:
    """Collect the folders."""
    from rnnkit.runner import collect

    sys.argv = ["rnnkit collect", *arguments]
    collect.main()
