"""The keys of a job that name a cell: `cell`, by name or by a user's file, and `constants` of it.

class Config(CellConfig): ...            cell=leaky.py constants.alpha=0.1,0.5
config.the_cell                          the cell with these constants
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from rnnkit.cells import CELLS, Cell, as_cell
from rnnkit.runner.jobs.config import JobConfig, NamesFile
from rnnkit.runner.tables.figures import LINE
from rnnkit.runner.tables.formats import spelt

OF_A_NET = ("initializer", "hidden_size", "batch_size", "dtype")
OWN = "none"  # the cell of the net that the job names
_NAMED = f"one of {', '.join(CELLS)}, or the path of a .py file with one"
_File = NamesFile(lambda cell: Path(cell).suffix == ".py")
CellName = Annotated[str, _File, Field(min_length=1, description=_NAMED)]
CellOrOwn = Annotated[str, _File, Field(min_length=1, description=f"none (the net's own), or {_NAMED}")]


def by_cell(table: pd.DataFrame, by: str) -> tuple[pd.DataFrame, str]:
    """Return a table and the column that tells its lines apart in a picture: `by`, or LINE where cells differ too.

    LINE says what differs of cell, constants and `by`: a sweep over leaky.py and alpha has a line for each of both.
    """
    groups = table.groupby(by, dropna=False)
    varied = [key for key in varied_cells(table) if key == by or groups[key].nunique(dropna=False).max() > 1]
    if not varied:  # or told by `by`, as a net's constants are
        return table, by
    keys = [*varied, *([by] if by not in varied and table[by].nunique(dropna=False) > 1 else [])]
    said = ([_said(key, value) for key, value in zip(keys, row, strict=True)] for row in table[keys].values)
    labels = [", ".join(filter(None, words)) for words in said]
    return table.assign(**{LINE: labels}), LINE


def varied_cells(table: pd.DataFrame) -> list[str]:
    """Return those of cell, its constants and what else makes another net that differ in a table."""
    keys = [key for key in table if key in ("cell", *OF_A_NET) or key.startswith("constants.")]
    return [key for key in keys if table[key].nunique(dropna=False) > 1]


def _said(key: str, value: Any) -> str:
    if key == "cell":
        return Path(str(value)).stem
    return "" if pd.isna(value) and key.startswith("constants.") else f"{key.removeprefix('constants.')} {spelt(value)}"


class CellConfig(JobConfig):
    """Keys of a job whose network has a cell to be chosen."""

    cell: CellOrOwn = OWN
    constants: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        {}, description="a finite number, as constants.<name>=<number>, for a constant of the cell"
    )

    @field_validator("cell")
    @classmethod
    def _a_cell(cls, value: str) -> str:
        if value == OWN and cls.model_fields["cell"].default == OWN:
            return value
        if value not in CELLS and Path(value).suffix != ".py":
            raise ValueError  # the key's description says what it must be
        if value in CELLS or Path(value).is_file():  # one that is not there is told with all other files
            as_cell(value)
        return value

    @model_validator(mode="after")
    def _its_constants(self) -> Self:
        cell = as_cell(self.named_cell)
        for name, value in self.constants.items():
            if name not in cell.constants:
                known = ", ".join(f"constants.{known}" for known in cell.constants) or "none"
                raise ValueError(f"unknown key constants.{name}={value:g}: known of cell={cell.name} are {known}")
        return self

    @property
    def named_cell(self) -> str:
        """Return the name or the file of the cell."""
        return self.own_cell if self.cell == OWN else self.cell

    @property
    def own_cell(self) -> str:
        """Return the cell that `none` stands for."""
        return "tanh"

    @cached_property
    def the_cell(self) -> Cell:
        """Return the cell itself."""
        cell = as_cell(self.named_cell)
        return type(cell)(**(dict(cell.constants) | self.constants)) if self.constants else cell

    def check_scaling(self, *keys: str) -> None:
        """Raise ValueError where one of these keys is given, and the cell has no recurrent weights to scale."""
        for key in keys:
            if getattr(self, key) != "none" and not self.the_cell.recurrent():
                given = f"{key}={getattr(self, key)} cannot be combined with cell={self.the_cell.name}"
                raise ValueError(f"{given}: it has no recurrent weights to scale, so {key} must be none")

    def scientific(self) -> dict[str, Any]:
        """Return what decides the numbers; of a cell each constant, given or not, as `constants.<name>`."""
        found = {key: value for key, value in super().scientific().items() if key != "constants"}
        if self.cell == OWN and not self.constants:
            del found["cell"]
        return found | {f"constants.{name}": value for name, value in self.the_cell.constants.items()}
