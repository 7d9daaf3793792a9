"""What the vector code promises of a CPU: the bytes of any width of vectors, and denormals put back as they were."""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import config

from rnnkit import _cache, _tile, kernels, parallel
from rnnkit._jit import jit
from rnnkit.kernels import TANH

TIMEOUT = 300  # seconds for one process, which compiles for about 30
EVERY_BYTE = """
import hashlib
import numpy as np
from rnnkit import _tile, kernels

digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    for B, I, H in ((1, 6, 50), (20, 3, 33), (3, 1, 128)):
        rng = np.random.default_rng(0)
        shapes = (30, B, I), (B, H), (I, H), (H, H), (H,)
        net = [(rng.standard_normal(shape) / np.sqrt(H)).astype(dtype) for shape in shapes]
        h = kernels.rnn_forward(*net, 0)
        g = kernels.rnn_backward(h[1:].copy(), net[0], h, *net[2:4], 0)
        for a in (h, *g):
            digest.update(a.tobytes())
print(_tile.VECTOR_BYTES, digest.hexdigest())
"""
compiled_only = pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")


def bytes_with(features, folder):
    root = Path(_tile.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(folder)} | features
    command = [sys.executable, "-W", "error", "-c", EVERY_BYTE]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@compiled_only
@pytest.mark.skipif(not _tile.WIDE, reason="this CPU has vectors of one width only")
def test_narrow_vectors_give_the_bytes_of_wide_ones(tmp_path):
    host = llvm.get_host_cpu_features().flatten().split(",")
    narrow = ",".join(name for name in host if "avx512" not in name and "avx10" not in name)
    got = bytes_with({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": narrow}, tmp_path)
    wide = bytes_with({}, _cache.FOLDER.parents[2] if _cache.FOLDER else tmp_path)
    assert (got[0], wide[0]) == ("32", "64")
    assert got[1] == wide[1]


def vanishing():
    """Return a net of 600 steps whose gradient passes through the denormals of float32."""
    rng, (T, B, I, H) = np.random.default_rng(0), (600, 16, 2, 32)  # noqa: E741
    x, W_xh, W_hh = (rng.standard_normal(shape) for shape in ((T, B, I), (I, H), (H, H)))
    net = (x, np.zeros((B, H)), W_xh, 0.7 * W_hh / np.sqrt(H), np.zeros(H))
    return tuple(a.astype(np.float32) for a in net)


def n_denormal(a):
    return int(((np.abs(a) > 0) & (np.abs(a) < np.finfo(a.dtype).tiny)).sum())


@compiled_only
@pytest.mark.skipif(not llvm.get_process_triple().startswith("x86_64"), reason="x86 alone")
@pytest.mark.parametrize("module", [kernels, parallel])
def test_what_vanishes_becomes_zero_and_the_callers_denormals_stay(module):
    net = vanishing()
    h = module.rnn_forward(*net, TANH)
    dx = module.rnn_backward(np.ones_like(h[0]), net[0], h, *net[2:4], TANH).dx
    assert n_denormal(dx) == 0
    assert (dx[0] == 0).all()
    assert dx[-1].all()
    tiny = np.full(1000, np.finfo(np.float32).tiny)
    assert n_denormal(tiny / 2) == tiny.size  # NumPy on this thread
    assert all(parallel.map_replicates(lambda _: n_denormal(tiny / 2) == tiny.size, 4))


@jit
def halves_under_each_mode(a):
    before = a / 2
    outer = _tile.flush_denormals()
    flushed = a / 2
    inner = _tile.flush_denormals()
    _tile.restore_denormals(inner)
    still = a / 2
    _tile.restore_denormals(outer)
    return before, flushed, still, a / 2


@compiled_only
@pytest.mark.skipif(not llvm.get_process_triple().startswith("x86_64"), reason="x86 alone")
def test_the_mode_of_a_caller_who_flushes_stays():
    tiny = np.full(1000, np.finfo(np.float64).tiny)
    halves = halves_under_each_mode(tiny)
    assert [n_denormal(a) for a in halves] == [tiny.size, 0, 0, tiny.size]


def test_plain_python_changes_nothing():
    assert _tile.flush_denormals() == 0
    assert _tile.restore_denormals(0) is None
