"""The schema of a job: types, ranges, unknown keys, and one clear line for each fault."""

import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator


class Settings(BaseModel):
    """Base of every experiment's configuration; each field's description says what is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(ge=0, lt=2**32, description="an integer from 0 to 2^32 - 1")
    out: str = Field(min_length=1, description="a folder to write to")

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object) -> object:
        if isinstance(value, bool):  # true would pass as 1
            raise ValueError
        return value

    def scientific(self) -> dict[str, Any]:
        """Return what decides the numbers: every key but the folder, the experiment's own first."""
        return self.model_dump(exclude={"out", "seed"}) | {"seed": self.seed}

    def sources(self) -> list[Path]:
        """Return files of the user's own that decide the numbers too."""
        return []


def _positive_or_none(value: object) -> object:
    if value == "none":
        return value
    if not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:  # nan and inf are refused too
        raise ValueError
    return float(value)


PositiveOrNone = Annotated[Any, BeforeValidator(_positive_or_none), Field(description="none or a number above 0")]


def number(value: Any) -> float | None:
    """Return a number-or-none key as Python's None or a float."""
    return None if value == "none" else float(value)


def faults(schema: type[Settings], values: dict[str, Any]) -> list[str]:
    """Return one line for each fault of `values`: key, value, what is allowed; empty when all is well."""
    try:
        schema.model_validate(values)
    except ValidationError as error:
        return [_fault(schema, detail) for detail in error.errors()]
    return []


def _fault(schema: type[Settings], detail: dict[str, Any]) -> str:
    if not detail["loc"]:  # a rule over several keys speaks for itself
        return str(detail["ctx"]["error"])
    key = str(detail["loc"][0])
    if key not in schema.model_fields:
        return f"{key}={detail['input']}: unknown key, allowed are {', '.join(schema.model_fields)}"
    if detail["type"] == "missing":
        return f"{key}: missing, allowed is {schema.model_fields[key].description}"
    if said := str(detail.get("ctx", {}).get("error", "")):  # a rule with words of its own
        return said
    return f"{key}={detail['input']}: allowed is {schema.model_fields[key].description}"
