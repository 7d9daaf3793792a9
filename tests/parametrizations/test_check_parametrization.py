"""A parametrization is proved in one call, as a cell is."""

import numpy as np
import pytest
from numba import config

from rnnkit.gradients.gradcheck import check_parametrization
from rnnkit.parametrizations import PARAMETRIZATIONS, Parametrization

RIGHT = 1e-8


class Doubled(Parametrization):
    @staticmethod
    def weights(V):
        return 2 * V

    @staticmethod
    def pullback(V, dW):
        return dW


class NotCompiled(Parametrization):
    @staticmethod
    def weights(V):
        return np.array(sorted(V.tolist()))

    @staticmethod
    def pullback(V, dW):
        return dW


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_each_is_proved(name):
    found = check_parametrization(name)
    assert list(found) == ["pullback", "weights, compiled", "pullback, compiled"]
    assert max(found.values()) < RIGHT


def test_a_wrong_pullback_is_seen():
    assert check_parametrization(Doubled)["pullback"] == pytest.approx(0.5)


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_what_numba_does_not_take_is_one_message_with_its_place():
    with pytest.raises(
        ValueError, match=r"test_check_parametrization.py, line \d+: NotCompiled: weights must be NumPy that numba"
    ) as told:
        check_parametrization(NotCompiled)
    assert "\n" not in str(told.value)


def test_what_is_none_is_refused():
    with pytest.raises(ValueError, match="parametrization must be"):
        check_parametrization(None)
