"""The functions of a step against 40 digits, and where their arguments are special."""

import re

import mpmath
import numba
import numpy as np
import pytest
from numba import config

from rnnkit._compile.jit import OPTIONS
from rnnkit.cells import functions

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="plain Python calls NumPy's functions")
DTYPES = (np.float32, np.float64)
MAX_ULP = 4  # what training can bear; the table in the docstring promises less
TABLE_ROUNDING = 0.05  # the table has one decimal
EXACT = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "exp": mpmath.exp,
    "log1p": mpmath.log1p,
}
SPECIAL = [0.0, np.inf, -np.inf, np.nan, -1.0, -2.0]
VALUES = {
    "exp": [1, np.inf, 0, np.nan, np.exp(-1), np.exp(-2)],
    "log1p": [0, np.inf, np.nan, np.nan, -np.inf, np.nan],
    "relu": [0, np.inf, 0, np.nan, 0, 0],
}


def run(name, points):
    """Return a function of an array, compiled as loops are."""
    function = getattr(functions, name)

    @numba.njit(**OPTIONS)
    def loop(a, out):
        for j in range(a.size):
            out[j] = function(a[j])

    out = np.empty_like(points)
    loop(points, out)
    return out


def points_of(name, dtype):
    small, large = np.logspace(-30, 0, 301), np.logspace(0, 30, 301)
    range_ = {"exp": 87 if dtype is np.float32 else 700}.get(name, 80)
    points = np.concatenate([np.linspace(-range_, range_, 2001), np.linspace(-3, 3, 2001), small, -small]).astype(dtype)
    return np.append(points[points > -1], large.astype(dtype)) if name == "log1p" else points


def largest_ulp(name, dtype):
    """Error against 40 digits, in units of the last place of the result."""
    points, worst = points_of(name, dtype), 0.0
    with mpmath.workdps(40):
        for point, result in zip(points.tolist(), run(name, points).tolist(), strict=True):
            exact = EXACT[name](mpmath.mpf(point))
            unit = float(np.spacing(np.abs(dtype(float(exact)))))
            worst = max(worst, abs(float((mpmath.mpf(result) - exact) / unit)))
    return worst


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_error_in_units_of_the_last_place(name, dtype):
    row = re.search(rf"^\| {name} +\| ([\d.]+) +\| [\d.]+ +\| ([\d.]+) ", functions.__doc__, re.MULTILINE)
    promised = float(row[2 if dtype is np.float32 else 1])
    ulp = largest_ulp(name, dtype)
    assert ulp <= MAX_ULP
    assert ulp <= promised + TABLE_ROUNDING


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", VALUES)
def test_special_values(name, dtype):
    np.testing.assert_allclose(run(name, np.array(SPECIAL, dtype)), np.array(VALUES[name], dtype), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_beyond_the_range_of_floats(dtype):
    limits = np.finfo(dtype)
    last, first = np.log(np.float64(limits.max)), np.log(np.float64(limits.tiny))
    points = np.array([last * 0.9999, last * 1.001, 1e10, first * 0.9999, first * 1.5, -1e10], dtype)
    found = run("exp", points)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(found, np.exp(points.astype(dtype)), rtol=1e-5, atol=limits.tiny)
    assert np.isfinite(found).tolist() == [True, False, False, True, True, True]
