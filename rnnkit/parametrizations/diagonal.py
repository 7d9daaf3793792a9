"""W = diag(V): each unit sees itself alone. Li, Li, Cook, Zhu, Gao, IndRNN (2018), as a constraint on W_hh."""

from typing import Any

import numpy as np

from rnnkit.parametrizations.parametrization import Parametrization


class Diagonal(Parametrization):
    """The other free weights are not used."""

    @staticmethod
    def weights(V: Any) -> Any:
        return np.diag(np.diag(V))

    @staticmethod
    def pullback(V: Any, dW: Any) -> Any:
        return np.diag(np.diag(dW))
