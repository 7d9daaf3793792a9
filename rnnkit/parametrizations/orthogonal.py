"""W = (I + A)^-1 (I - A) with A = (V - V^T) / 2, orthogonal for every V: the Cayley map, in float64.

Its differential is -(I + A)^-1 dA (I + W). Helfrich, Willmott, Ye, Orthogonal recurrent neural networks with scaled
Cayley transform (2018), section 3.
"""

from typing import Any

import numpy as np

from rnnkit.parametrizations.parametrization import Parametrization


class Orthogonal(Parametrization):
    """All singular values are 1; -1 is no eigenvalue."""

    @staticmethod
    def weights(V: Any) -> Any:
        I, A = np.eye(len(V)), (V - V.T) / 2  # noqa: E741
        return np.linalg.solve(I + A, I - A)

    @staticmethod
    def pullback(V: Any, dW: Any) -> Any:
        I, A = np.eye(len(V)), (V - V.T) / 2  # noqa: E741
        W = np.linalg.solve(I + A, I - A)
        dA = -np.dot(np.linalg.solve(I - A, dW.astype(np.float64)), (I + W).T)  # (I + A)^T = I - A
        return (dA - dA.T) / 2
