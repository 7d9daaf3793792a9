"""What may be wrong with a cell's class, each in one message with its file and line."""

import inspect
import keyword
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NoReturn

import numpy as np

from rnnkit._with_constants import WithConstants

TAKEN = {"x": "the input", "b": "the bias", "joint": "all states together", "self": "Python", "cls": "Python"}
TAKEN |= dict.fromkeys(("names", "of", "asdict", "count", "index"), "what a network returns by the names of states")


def fail(cls: type[WithConstants], message: str, line: int | None = None) -> NoReturn:
    """Raise ValueError with the place of the class in its file, or of a line of it."""
    try:
        file, lines = inspect.getsourcefile(cls), inspect.getsourcelines(cls)
    except (OSError, TypeError):  # typed into a console
        file, lines = None, ([], 0)
    place = f"{file or '<unknown file>'}, line {line or lines[1]}"
    raise ValueError(f"{place}: {cls.__name__}: {message}")


@cache
def check_contract(cls: type[WithConstants]) -> None:
    """Raise ValueError where a class is no cell by the contract of `rnnkit.cells.Cell`."""
    _check_parts(cls)
    _check_names(cls)
    _check_blocks(cls)
    _check_values(cls)
    _check_signature(cls)
    _check_gates(cls)
    if cls.__init__ is not WithConstants.__init__:
        fail(cls, "__init__ cannot be another one: constants are what an instance may change")


def _check_parts(cls: type[WithConstants]) -> None:
    for part in ("blocks", "states", "step"):
        if not hasattr(cls, part):
            fail(cls, f"{part} is missing")
    for part in ("blocks", "constants", "per_unit"):
        if not isinstance(getattr(cls, part), Mapping):
            fail(cls, f"{part} must be a dictionary, got {getattr(cls, part)!r}")
    if not isinstance(cls.states, tuple) or not _is_names(cls.states) or not cls.states:
        fail(cls, f'states must be names in a tuple, as in ("h",), got {cls.states!r}')
    if not cls.blocks:
        fail(cls, "blocks must name at least one block of pre-activations")


def _is_names(names: object) -> bool:
    return isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)


def _check_names(cls: type[WithConstants]) -> None:
    seen: dict[str, str] = {}
    made = {f"{kind}_{state}" for kind in ("d", "new", "total") for state in cls.states}
    made |= {f"d_{name}" for name in (*cls.blocks, *cls.per_unit)}
    weights = {"W_xh", "b_h", "W_hy", "b_y", *(f"W_{state}h" for state in cls.states)}
    for part in ("blocks", "states", "per_unit", "constants"):
        for name in getattr(cls, part):
            if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
                fail(cls, f"{part}: a name must be that of a Python variable, got {name!r}")
            if name.startswith("_"):
                fail(cls, f"{part}: a name must not begin with an underscore, got {name}")
            if name in TAKEN:
                fail(cls, f"{part}: a name must be free, got {name}, which is taken by {TAKEN[name]}")
            if name in weights:
                fail(cls, f"{part}: a name must be free, got {name}, which is taken by weights")
            if part != "constants" and (name in made or name.removeprefix("saved_").isdigit()):
                why = "taken by what is made of the others: gradients, new states"
                fail(cls, f"{part}: a name must be free, got {name}, which is {why}")
            if name in seen:
                fail(cls, f"{part}: a name must be free, got {name}, which is taken by {seen[name]}")
            seen[name] = part


def _check_blocks(cls: type[WithConstants]) -> None:
    allowed = ("x", *cls.states, "b")
    for name, inputs in cls.blocks.items():
        if not _is_names(inputs) or not inputs or not set(inputs) <= set(allowed) or len(set(inputs)) < len(inputs):
            fail(cls, f"blocks: {name} must be a tuple of {', '.join(allowed)}, each at most once, got {inputs!r}")
    if not any("x" in inputs for inputs in cls.blocks.values()):
        fail(cls, "blocks: x must enter one of them")


def _check_values(cls: type[WithConstants]) -> None:
    for name, value in cls.constants.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not np.isfinite(value):
            fail(cls, f"constants: {name} must be a finite number, got {value!r}")
    for name, value in cls.per_unit.items():
        is_number = isinstance(value, int | float | np.floating) and not isinstance(value, bool) and np.isfinite(value)
        if not (callable(value) or is_number):
            fail(cls, f"per_unit: {name} must be a finite number or a function of (rng, H), got {value!r}")


def _check_gates(cls: type[WithConstants]) -> None:
    allowed = [name for name, inputs in cls.blocks.items() if "b" in inputs]
    for part in ("keeps", "writes"):
        name = getattr(cls, part)
        if name is not None and name not in allowed:
            fail(cls, f"{part} must be None or a block with a bias ({_listed(allowed)}), got {name!r}")


def _check_signature(cls: type[WithConstants]) -> None:
    step = cls.__dict__.get("step", getattr(cls, "step", None))
    function = step.__func__ if isinstance(step, staticmethod) else step
    if not inspect.isfunction(function):
        fail(cls, f"step must be a function, got {function!r}")
    line, wanted = function.__code__.co_firstlineno, cls.arguments()
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters) or tuple(p.name for p in parameters) != wanted:
        got = ", ".join(map(str, parameters))
        fail(cls, f"step must take ({_listed(wanted)}), blocks, states, per_unit, constants, got ({got})", line)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
