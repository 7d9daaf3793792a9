"""W = V - V^T - gamma I: eigenvalues -gamma + i w, so that a small step of time neither grows nor fades.

Chang, Chen, Haber, Chi, AntisymmetricRNN (2019), eq. 10.
"""

from typing import Any

import numpy as np

from rnnkit.parametrizations.parametrization import Parametrization


class Antisymmetric(Parametrization):
    """gamma: how much is lost."""

    constants = {"gamma": 0.01}

    @staticmethod
    def weights(V: Any, gamma: Any) -> Any:
        return V - V.T - gamma * np.eye(len(V))

    @staticmethod
    def pullback(V: Any, dW: Any, gamma: Any) -> Any:
        return dW - dW.T
