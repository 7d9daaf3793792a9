"""W = s |V|, a sign s for each unit that weights come from: it excites all units or inhibits all (Dale's principle).

The first units excite, a share `excitatory` of all. Song, Yang, Wang, Training excitatory-inhibitory recurrent neural
networks for cognitive tasks (2016), eq. 6.
"""

from typing import Any

import numpy as np

from rnnkit._arguments import number
from rnnkit.parametrizations.parametrization import Parametrization


class Dale(Parametrization):
    """excitatory: share of units that excite."""

    constants = {"excitatory": 0.8}

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class."""
        super().__init__(**constants)
        number("excitatory", self.constants["excitatory"], least=0, most=1)

    def fixed(self, H: int) -> np.ndarray:
        """Return the signs (H, H): those of a row are one unit's."""
        return np.where(np.arange(H)[:, None] < self.constants["excitatory"] * H, 1.0, -1.0) * np.ones((1, H))

    @staticmethod
    def weights(V: Any, fixed: Any, excitatory: Any) -> Any:
        return np.abs(V) * fixed

    @staticmethod
    def pullback(V: Any, dW: Any, fixed: Any, excitatory: Any) -> Any:
        return dW * fixed * np.sign(V)
