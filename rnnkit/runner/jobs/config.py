"""The schema of a job: types, ranges, unknown keys, and one clear line for each fault."""

import contextlib
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rnnkit.runner.jobs import sources, store

SHORT = 30  # characters of a hint
SMALLEST, LARGEST = 1e-6, 1e6  # of a radius, a gain, a bound: their products with weights stay numbers in float32
KEYS_OF_A_SWEEP = ("out", "force", "stale")  # they say where and whether a job runs, not what comes out


@dataclass(frozen=True)
class NamesFile:
    """Marks a key whose value may name a file: what the file holds is a part of the job, as the value itself is.

        path: Annotated[str, NamesFile(lambda value: value != "none")] = Field(...)

    when: which values name one.
    """

    when: Callable[[str], bool]


class JobConfig(BaseModel):
    """Base of every experiment's configuration; each field's description says what its value must be.

    A key that names a file is marked as one, `Annotated[str, NamesFile(when)]`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    _code: str = PrivateAttr("")
    _digests: dict[str, str] = PrivateAttr(default_factory=dict)  # of the files that keys name, by `<key>_sha256`
    seed: int = Field(0, ge=0, lt=2**32, description="an integer from 0 to 2^32 - 1")
    out: str = Field(min_length=1, description="a folder to write to")
    force: bool = Field(False, description="true (compute again what has ended) or false")
    stale: Literal["stop", "keep", "recompute"] = Field(
        "stop",
        description="stop, keep or recompute (what to do with jobs that a different version of the code has ended)",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) != (info.field_name == "force"):  # true would pass as 1
            raise ValueError
        return value

    @model_validator(mode="after")
    def _files_as_they_are(self) -> Self:
        for key, path in self.files().items():
            try:
                self._digests[key + store.OF_A_FILE] = sources.file_identity(path)
            except (OSError, ValueError) as error:  # ValueError: no path at all, with a null character
                why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
                wanted = type(self).model_fields[key].description
                raise ValueError(f"{key} must be {wanted}, got {shown(path)}, which {why}") from None
        return self

    def files(self) -> dict[str, Path]:
        """Return the files that decide the numbers too, by the keys that name them."""
        marked = {
            key: mark
            for key, field in type(self).model_fields.items()
            for mark in field.metadata
            if isinstance(mark, NamesFile)
        }
        return {key: Path(getattr(self, key)) for key, mark in marked.items() if mark.when(getattr(self, key))}

    def scientific(self) -> dict[str, Any]:
        """Return what decides the numbers: every key but those of the sweep, the experiment's own first.

        Last, as `<key>_sha256`, what the files that keys name held when this config was made.
        """
        return self.model_dump(exclude={*KEYS_OF_A_SWEEP, "seed"}) | {"seed": self.seed} | self._digests

    def run_by(self, code: str) -> None:
        """Say by which code the job runs: what is kept on the way belongs to it."""
        self._code = code


def positive_or_none(least: float, largest: float, shown: str) -> Any:
    """Return the type of a key that is none or a number from `least` to `largest`; shown: how messages say that."""

    def check(value: object) -> object:
        if value == "none":
            return value
        if not isinstance(value, int | float) or not least <= value <= largest:  # nan is refused too
            raise ValueError
        return float(value)

    return Annotated[Any, BeforeValidator(check), Field(description=f"none or a number from {shown}")]


PositiveOrNone = positive_or_none(SMALLEST, LARGEST, "1e-6 to 1e6")


def number(value: Any) -> float | None:
    """Return a number-or-none key as Python's None or a float."""
    return None if value == "none" else float(value)


def validated(schema: type[BaseModel], values: dict[str, Any], prefix: str = "") -> tuple[BaseModel | None, list[str]]:
    """Return (what `values` say, one line for each of their faults: key, what it must be, value): one of the two.

    prefix: what stands before a key on the command line.
    """
    try:
        return schema.model_validate(values), []
    except ValidationError as error:
        return None, [_fault(schema, detail, prefix) for detail in error.errors()]


def faults(schema: type[BaseModel], values: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the faults of `values`; empty when all is well."""
    return validated(schema, values, prefix)[1]


def _fault(schema: type[BaseModel], detail: dict[str, Any], prefix: str) -> str:
    if not detail["loc"]:  # a rule over several keys speaks for itself
        return str(detail["ctx"]["error"])
    key, value = str(detail["loc"][0]), detail["input"]
    if key not in schema.model_fields:
        return f"unknown key {prefix}{shown(key)}={shown(value)}: {_known(key, list(schema.model_fields))}"
    field, name = schema.model_fields[key], shown(prefix + ".".join(map(str, detail["loc"])))
    wanted = field.description or f"of type {getattr(field.annotation, '__name__', field.annotation)}"
    if detail["type"] == "missing":
        return f"{name} is missing: it must be {wanted}"
    if said := str(detail.get("ctx", {}).get("error", "")):  # a rule with words of its own
        return said + (did_you_mean(value, _listed(said)) if said.endswith(repr(value)) else "")
    none = str(value).lower() == "none" and "none" in re.findall(r"\w+", wanted)
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else _listed(wanted)
    choices += type(choices)(path.name for path in Path().glob("*.py") if ".py file" in wanted)
    meant = "; write it as none" if none else did_you_mean(value, choices)
    if isinstance(value, list) and 0 < len(written := ",".join(map(str, value))) <= SHORT:
        meant = f"; values of a sweep are written {written}"
    return f"{name} must be {wanted}, got {_quoted(value)}{meant}"


def _known(key: str, known: list[str]) -> str:
    return f"known are {', '.join(known)}{did_you_mean(key, known)}" if known else "there are none"


def _listed(text: str) -> list[str]:
    """Return the names that a message lists after `one of`."""
    return [name for name in re.split(", ?", text.partition("one of ")[2]) if re.fullmatch(r"[\w-]+", name)]


def did_you_mean(value: Any, known: Iterable[Any]) -> str:
    """Return the end of a message about a name that is not known, where a known one is like it; else nothing."""
    names = {str(name).lower(): name for name in known}
    close = difflib.get_close_matches(value.lower(), names, n=1) if isinstance(value, str) else []
    return f"; did you mean {names[close[0]]}?" if close else ""


def _quoted(value: Any) -> str:
    """Return a value as it stands in a message; a text that is empty or reads as a number, as '1', in quotes."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            float(value or 0)
            return f"'{shown(value)}'"
    return shown(value)


def shown(value: Any, most: int = 80) -> str:
    """Return a user's value as it stands in a message: one line, and not too long a one."""
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 3]}..."
