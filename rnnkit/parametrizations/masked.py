"""W = M V, number by number: a fixed pattern M of weights that are there, a share `density` of all, drawn by `seed`."""

from typing import Any

import numpy as np

from rnnkit._arguments import integer, number
from rnnkit.parametrizations.parametrization import Parametrization


class Masked(Parametrization):
    """density: share of weights that are there. seed: of the draw. For a pattern of your own override `fixed`."""

    constants = {"density": 0.1, "seed": 0}

    def __init__(self, **constants: float) -> None:
        """Take constants that differ from those of the class."""
        super().__init__(**constants)
        number("density", self.constants["density"], above=0, most=1)
        seed = self.constants["seed"]  # a constant is a float
        integer("seed", int(seed) if seed == int(seed) else seed, 0)

    def fixed(self, H: int) -> np.ndarray:
        """Return M (H, H) of 0 and 1."""
        rng = np.random.Generator(np.random.PCG64(int(self.constants["seed"])))
        return (rng.random((H, H)) < self.constants["density"]).astype(np.float64)

    @staticmethod
    def weights(V: Any, fixed: Any, density: Any, seed: Any) -> Any:
        return V * fixed

    @staticmethod
    def pullback(V: Any, dW: Any, fixed: Any, density: Any, seed: Any) -> Any:
        return dW * fixed
