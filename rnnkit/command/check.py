"""Test a cell: its derivatives by finite differences, its compiled loops against both."""

import argparse
import inspect
import sys
from pathlib import Path

from rnnkit.cells import CELLS, Cell, as_cell
from rnnkit.gradients.cellcheck import check_cell
from rnnkit.networks.rnn import RNN
from rnnkit.runner.jobs.config import did_you_mean

ALLOWED = 1e-8  # of an error, where all is right


def run(arguments: list[str]) -> int | None:
    """Check the cells that are named; the exit code is 1 where one is wrong, 2 where one is none."""
    parser = argparse.ArgumentParser(prog="rnnkit check", description=__doc__)
    parser.add_argument("cell", nargs="+", help="a .py file with a cell, or the name of one of rnnkit's")
    codes = [_check(cell) for cell in parser.parse_args(arguments).cell]
    return max(codes)


def _check(name: str) -> int:
    try:
        cell = as_cell(name)
        RNN(2, 3, cell=cell, seed=0)  # its per_unit begin as they should
        errors = check_cell(cell)
    except ValueError as error:
        close = "" if Path(name).suffix == ".py" else did_you_mean(name, CELLS)
        print(f"rnnkit check: {error}{close}", file=sys.stderr)
        return 2
    print(described(cell))
    width = max(map(len, errors))
    for what, error in errors.items():
        print(f"  {what:{width}}  {error:.1e}{'' if error < ALLOWED else '  WRONG'}")
    wrong = [what for what, error in errors.items() if not error < ALLOWED]
    said = f"wrong, error of {', '.join(wrong)} is not below" if wrong else "right, every error is below"
    print(f"{cell.name}: {said} {ALLOWED:g}")
    return int(bool(wrong))


def described(cell: Cell) -> str:
    """Return what a cell is made of: its first line, blocks, states, numbers a unit, constants."""
    parts = [f"block {name} of {', '.join(inputs)}" for name, inputs in cell.blocks.items()]
    parts.append(f"states {', '.join(cell.states)}")
    parts += [f"{', '.join(cell.per_unit)} of each unit"] if cell.per_unit else []
    parts += [f"constants {', '.join(f'{n}={v:g}' for n, v in cell.constants.items())}"] if cell.constants else []
    own = inspect.cleandoc(vars(type(cell)).get("__doc__") or cell.name)  # not what a base class says
    return f"{own.partition(chr(10))[0]}\n  {'; '.join(parts)}"
