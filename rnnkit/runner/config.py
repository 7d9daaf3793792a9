"""The schema of a job: types, ranges, unknown keys, and one clear line for each fault."""

import difflib
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

KEYS_OF_A_SWEEP = ("out", "force", "stale")  # they say where and whether a job runs, not what comes out


class Settings(BaseModel):
    """Base of every experiment's configuration; each field's description says what is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    _code: str = PrivateAttr("")
    seed: int = Field(ge=0, lt=2**32, description="an integer from 0 to 2^32 - 1")
    out: str = Field(min_length=1, description="a folder to write to")
    force: bool = Field(False, description="true: compute again what has ended; or false")
    stale: Literal["stop", "keep", "recompute"] = Field(
        "stop", description="stop, keep or recompute: what to do with jobs that other code has ended"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) != (info.field_name == "force"):  # true would pass as 1
            raise ValueError
        return value

    def scientific(self) -> dict[str, Any]:
        """Return what decides the numbers: every key but those of the sweep, the experiment's own first."""
        return self.model_dump(exclude={*KEYS_OF_A_SWEEP, "seed"}) | {"seed": self.seed}

    def go_on_by(self, code: str) -> None:
        """Say by which code the job runs: what is kept on the way belongs to it."""
        self._code = code

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


def faults(schema: type[BaseModel], values: dict[str, Any], prefix: str = "") -> list[str]:
    """Return one line for each fault of `values`: key, value, what is allowed; empty when all is well.

    prefix: what stands before a key on the command line.
    """
    try:
        schema.model_validate(values)
    except ValidationError as error:
        return [prefix + _fault(schema, detail) for detail in error.errors()]
    return []


def _fault(schema: type[BaseModel], detail: dict[str, Any]) -> str:
    if not detail["loc"]:  # a rule over several keys speaks for itself
        return str(detail["ctx"]["error"])
    key, value = str(detail["loc"][0]), detail["input"]
    if key not in schema.model_fields:
        return f"{shown(key)}={shown(value)}: unknown key, {_known(key, list(schema.model_fields))}"
    allowed = schema.model_fields[key].description
    if detail["type"] == "missing":
        return f"{key}: missing, allowed is {allowed}"
    if said := str(detail.get("ctx", {}).get("error", "")):  # a rule with words of its own
        return said
    meant = "; it is spelt none" if str(value).lower() == "none" and "none" in re.findall(r"\w+", allowed) else ""
    return f"{key}={shown(value)}: allowed is {allowed}{meant}"


def _known(key: str, known: list[str]) -> str:
    if not known:
        return "there are none"
    close = difflib.get_close_matches(key.lower(), known, n=1)
    return f"allowed are {', '.join(known)}" + (f"; did you mean {close[0]}?" if close else "")


def shown(value: Any, most: int = 80) -> str:
    """Return a user's value as it stands in a message: one line, and not too long a one."""
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 3]}..."
