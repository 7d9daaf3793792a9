"""Compile all kernels once, so that no later process has to."""

import argparse


def run(arguments: list[str]) -> int | None:
    """Compile for one dtype or for both."""
    parser = argparse.ArgumentParser(prog="rnnkit warmup", description=__doc__)
    parser.add_argument("dtype", nargs="*", help="float32 or float64, by default both")
    dtypes = parser.parse_args(arguments).dtype
    from rnnkit import warmup

    return warmup.main(dtypes)
