"""The bytes do not depend on how wide the vectors of the CPU are."""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest
from numba import config

from rnnkit._compile import cache
from rnnkit._compile.simd.vectors import WIDE

TIMEOUT = 300  # seconds for one process, which compiles for about 30
EVERY_BYTE = """
import hashlib
import numpy as np
from rnnkit import kernels
from rnnkit._compile.simd.vectors import VECTOR_BYTES

digest = hashlib.sha256()
for dtype, symbols in (("float32", False), ("float64", True)):
    for B, I, H, activation in ((1, 6, 50, 0), (20, 3, 33, 2), (3, 1, 128, 0), (1, 6, 130, 1)):
        rng = np.random.default_rng(0)
        shapes = (30, B, I), (B, H), (I, H), (H, H), (H,)
        net = [(rng.standard_normal(shape) / np.sqrt(H)).astype(dtype) for shape in shapes]
        x = rng.integers(0, I, (30, B)) if symbols else net[0]
        h = kernels.rnn_forward(x, *net[1:], activation)
        for a in (h, *kernels.rnn_backward(h[1:].copy(), x, h, *net[2:4], activation)):
            digest.update(a.tobytes())
print(VECTOR_BYTES, digest.hexdigest())
"""


def bytes_with(features, folder):
    root = Path(cache.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(folder)} | features
    command = [sys.executable, "-W", "error", "-c", EVERY_BYTE]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(config.DISABLE_JIT or not WIDE, reason="this CPU has vectors of one width only")
def test_narrow_vectors_give_the_bytes_of_wide_ones(tmp_path):
    host = llvm.get_host_cpu_features().flatten().split(",")
    narrow = ",".join(name for name in host if "avx512" not in name and "avx10" not in name)
    folder = cache.FOLDER.parents[2] if cache.FOLDER else tmp_path  # where kernels of each kind of CPU are kept apart
    got = bytes_with({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": narrow}, folder)
    wide = bytes_with({}, folder)
    assert (got[0], wide[0]) == ("32", "64")
    assert got[1] == wide[1]
