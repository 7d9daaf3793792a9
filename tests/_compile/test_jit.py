"""The one door to the compiler: its options, the way around it, the border to compiled code."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from rnnkit import kernels
from rnnkit._compile import jit as _jit

TIMEOUT = 120  # seconds for one process: interpreted, it takes about 2; only a hang reaches it
# Without the compiler tanh is numpy's own, and a sum of products rounds each product.
INTERPRETED_TOLERANCE = 1e-14
ASSUMING = {"nnan", "ninf", "reassoc", "fast"}  # no nan, no inf, a free order of sums, all of them
INTERPRETED = f"""
import numpy as np
from rnnkit.kernels import TANH, rnn_forward, sequence
assert not hasattr(sequence._rnn_forward, "py_func")
rng = np.random.default_rng(1)
T, B, I, H = 4, 3, 2, 5
x, h_0, W_xh, W_hh, b_h = (rng.normal(size=s) for s in ((T, B, I), (B, H), (I, H), (H, H), (H,)))
h = rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
assert np.array_equal(h[0], h_0)
for t in range(T):
    expected = np.tanh(x[t] @ W_xh + h[t] @ W_hh + b_h)
    np.testing.assert_allclose(h[t + 1], expected, rtol=0, atol={INTERPRETED_TOLERANCE})
print("done")
"""


def all_dispatchers():
    modules = [module for name, module in sys.modules.items() if name.startswith("rnnkit.kernels")]
    return {v.__qualname__: v for m in modules for v in vars(m).values() if isinstance(v, Dispatcher)}


def test_no_option_assumes_away_nan_or_inf_or_the_order_of_a_sum():
    assert isinstance(_jit.OPTIONS["fastmath"], set)  # True would be all flags
    assert not _jit.OPTIONS["fastmath"] & ASSUMING


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_every_kernel_has_the_options_of_the_door():
    dispatchers = all_dispatchers()
    assert "_rnn_forward" in dispatchers
    for name, dispatcher in dispatchers.items():
        options = dispatcher.targetoptions
        assert options["nogil"] is True, name
        assert options["error_model"] == "numpy", name
        assert options["fastmath"] == _jit.OPTIONS["fastmath"], name


def test_kernels_run_without_the_compiler():
    root = Path(kernels.__file__).parents[2]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "error", "-c", INTERPRETED]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr


@numba.njit
def _root(x):
    return np.sqrt(x)


@_jit.checked_border(_root)
def root(x: float) -> float:
    if x < 0:
        raise ValueError(f"x must not be negative, got {x}")
    return _root(x)


@numba.njit
def compiled_caller(x):
    return root(x)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="without the compiler every call comes from Python")
def test_the_border_checks_calls_from_python_and_not_those_from_compiled_code():
    assert root(4.0) == compiled_caller(4.0) == 2.0
    with pytest.raises(ValueError, match="x must not be negative"):
        root(-4.0)
    assert np.isnan(compiled_caller(-4.0))
