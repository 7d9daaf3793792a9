"""What a call frees is there for the next one: no page is touched for the first time again."""

import platform
import subprocess
import sys

import pytest

FAULTS = 100  # pages: of what Python does beside; 20 calls that map 1 MB anew touch 5,000
CODE = """
import resource
import numpy as np
from rnnkit._compile.memory import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.empty(1 << 20, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_memory()
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_a_block_that_was_freed_is_not_mapped_anew():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < FAULTS
