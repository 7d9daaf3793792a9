"""Equations that a user may write: a class with constants, whose instances may have other ones."""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

from rnnkit._arguments import number
from rnnkit._user_files import is_user_module, only_class

CHANGED = "{path} must be as it was when {name} was made, got a changed one"


class WithConstants:
    """Base of cells and parametrizations: `Leaky(alpha=0.2)` is equal to another one, and is pickled by its file."""

    constants: ClassVar[Mapping[str, float]] = MappingProxyType({})

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class. Raises ValueError naming what is wrong."""
        self.check()
        for name in constants:
            if name not in self.constants:
                known = f"one of {', '.join(self.constants)}" if self.constants else "none"
                raise ValueError(f"a constant of {self.name} must be {known}, got {name}")
        given = {name: number(name, value) for name, value in constants.items()}
        self.constants = MappingProxyType(dict(self.constants) | given)

    @classmethod
    def check(cls) -> None:
        """Raise ValueError where the class breaks its contract."""

    @property
    def name(self) -> str:
        """Return its name: of the class, in small letters for those that are shipped."""
        cls = type(self)
        return cls.__name__.lower() if cls.__module__.startswith("rnnkit.") else cls.__name__

    @property
    def shown(self) -> str:
        """Return how it is asked for: its name, with its constants where it has some."""
        return repr(self) if self.constants else self.name

    def __repr__(self) -> str:
        """Return the line that makes it."""
        constants = ", ".join(f"{name}={value!r}" for name, value in self.constants.items())
        return f"{type(self).__name__}({constants})"

    def __eq__(self, other: object) -> bool:
        """Return whether both are of one class with the same constants."""
        return type(other) is type(self) and dict(other.constants) == dict(self.constants)

    def __hash__(self) -> int:
        """Return a hash of the class and the constants."""
        return hash((type(self), *self.constants.values()))

    def __deepcopy__(self, memo: dict) -> Self:
        """Return itself: nothing of it changes."""
        return self

    def __reduce__(self) -> tuple:
        """Pickle as the class, or the file that defines it, and its constants; ValueError where that has changed."""
        cls, constants = type(self), dict(self.constants)
        if is_user_module(cls.__module__) and cls.__module__ in sys.modules:
            module = sys.modules[cls.__module__]
            if not any(value is cls for value in vars(module).values()):
                raise ValueError(CHANGED.format(path=module.__file__, name=cls.__name__))
            return _of_file, (module.__file__, cls.__mro__[-3], constants, module.SHA256)
        return _of_class, (cls, constants)


def as_instance(key: str, value: Any, base: type[WithConstants], shipped: Mapping[str, type[WithConstants]]) -> Any:
    """Return what a name, a .py file, a class or an instance stands for: an instance of `base`.

    A file defines one subclass of `base`; it is run once, and anew when it has changed. key: the argument's name.
    Raises ValueError for what is none, and with file and line for a class that breaks its contract.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str) and value in shipped:
        return shipped[value]()
    path = str(value)
    if not isinstance(value, type) and path.endswith(".py"):
        value = only_class(path, base, f"{key}={path!r}")
    if isinstance(value, type) and issubclass(value, base) and value is not base:
        value.check()
        return value()
    allowed = f"a .py file, a subclass of {base.__name__}, an instance of one, or one of {', '.join(shipped)}"
    raise ValueError(f"{key} must be {allowed}, got {value!r}")


def _of_class(cls: type[WithConstants], constants: dict[str, float]) -> WithConstants:
    return cls(**constants)


def _of_file(path: str, base: type[WithConstants], constants: dict[str, float], sha256: str) -> WithConstants:
    cls = only_class(path, base, path)
    if sha256 != sys.modules[cls.__module__].SHA256:
        raise ValueError(CHANGED.format(path=path, name=cls.__name__))
    return cls(**constants)
