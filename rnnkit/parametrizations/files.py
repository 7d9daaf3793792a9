"""A parametrization by name, by a file of its own, as a class or as an instance."""

from typing import Any

from rnnkit._with_constants import as_instance
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
    return None if value is None else as_instance("parametrization", value, Parametrization, PARAMETRIZATIONS)
