"""Maps from free weights to W_hh, usable with any cell: `RNN(..., parametrization="antisymmetric")`."""

from rnnkit.parametrizations.antisymmetric import Antisymmetric
from rnnkit.parametrizations.dale import Dale
from rnnkit.parametrizations.diagonal import Diagonal
from rnnkit.parametrizations.files import PARAMETRIZATIONS, as_parametrization
from rnnkit.parametrizations.masked import Masked
from rnnkit.parametrizations.orthogonal import Orthogonal
from rnnkit.parametrizations.parametrization import Parametrization

__all__ = [
    "PARAMETRIZATIONS",
    "Antisymmetric",
    "Dale",
    "Diagonal",
    "Masked",
    "Orthogonal",
    "Parametrization",
    "as_parametrization",
]
