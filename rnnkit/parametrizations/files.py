"""A parametrization by name, by a file of its own, as a class or as an instance."""

from pathlib import Path
from typing import Any

from rnnkit._user_files import only_class
from rnnkit.parametrizations.antisymmetric import Antisymmetric
from rnnkit.parametrizations.dale import Dale
from rnnkit.parametrizations.diagonal import Diagonal
from rnnkit.parametrizations.masked import Masked
from rnnkit.parametrizations.orthogonal import Orthogonal
from rnnkit.parametrizations.parametrization import Parametrization

PARAMETRIZATIONS = {cls.__name__.lower(): cls for cls in (Antisymmetric, Orthogonal, Diagonal, Masked, Dale)}


def as_parametrization(value: Any) -> Parametrization | None:
    """Return the parametrization of that name, of the .py file at that path, of that class, itself, or None for None.

    A file defines one subclass of Parametrization. Raises ValueError for what is none.
    """
    if value is None or isinstance(value, Parametrization):
        return value
    if isinstance(value, str) and value in PARAMETRIZATIONS:
        return PARAMETRIZATIONS[value]()
    if isinstance(value, str | Path) and Path(value).suffix == ".py":
        value = only_class(value, Parametrization, f"parametrization={str(value)!r}")
    if isinstance(value, type) and issubclass(value, Parametrization) and value is not Parametrization:
        return value()
    known = ", ".join(PARAMETRIZATIONS)
    allowed = f"None, a .py file, a subclass of Parametrization, an instance of one, or one of {known}"
    raise ValueError(f"parametrization must be {allowed}, got {value!r}")
