"""Memory that a call frees stays with the process, so that the next call finds it mapped.

glibc maps every block above a threshold anew and gives it back when it is freed: the first touch of each page then
costs a fault, and forward + BPTT of 512 units and one row took 2.1 ms for 1.1. By itself it raises that threshold to
the size of a mapped block that is freed, up to 32 MB: one such block, never touched, is freed here. Up to 64 MB then
stay with the process. Other systems' allocators take no notice.
"""

import numpy as np

LARGEST = (1 << 25) - (1 << 14)  # bytes: glibc's own bound, less what it and NumPy put before a block


def keep_memory() -> None:
    """Have the allocator keep what is freed."""
    np.empty(LARGEST, np.uint8)
