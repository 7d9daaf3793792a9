"""Arrays of a user's task: any layout trains to the same bytes; what a kernel would read beyond is refused."""

import re

import numpy as np
import pytest
from training_cases import bytes_of, maker, protocol

from rnnkit.tasks import Batch, Task
from rnnkit.training.loop import train


class Last(Task):
    """Tell the last of four symbols; `change` is made to x, target and mask of every batch of more than one."""

    name, input_size, output_size = "last", 4, 4

    def __init__(self, change=lambda *arrays: arrays):
        self.change = change

    def sample(self, rng, n, seq_len):
        x = rng.integers(4, size=(seq_len, n))
        return Batch(*(self.change if n > 1 else lambda *arrays: arrays)(x, x[-1:].copy(), np.ones((1, n), bool)))


def read_only(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


LAYOUTS = {
    "Fortran": lambda *arrays: map(np.asfortranarray, arrays),
    "every second": lambda *arrays: (np.repeat(a, 2, axis=1)[:, ::2] for a in arrays),
    "int32": lambda x, target, mask: (x.astype(np.int32), target.astype(np.uint8), mask),
    "read-only": read_only,
    "broadcast": lambda x, target, mask: (x, target, np.broadcast_to(True, mask.shape)),
    "no mask": lambda x, target, mask: (x, target, None),
    "a view": lambda x, target, mask: (x, x[-1:], mask),
}
WRONG = {
    "x must hold integers in 0..3, got 2..5": lambda x, target, mask: (x + 2, target, mask),
    "x must hold integers in 0..3, got -1..": lambda x, target, mask: (x - 1, target, mask),
    "x must be (5, 100) int64, got (6,": lambda x, target, mask: (np.concatenate([x, x[:1]]), target, mask),
    "x must be (5, 100) int64, got (5, 99)": lambda x, target, mask: (x[:, 1:], target, mask),
    "target must hold integers in 0..3, got 4..7": lambda x, target, mask: (x, target + 4, mask),
    "target must be (1, 100) int64, got (5, 100)": lambda x, target, mask: (x, x, mask),
    "mask must be None or (1, 100) bool, got (100,)": lambda x, target, mask: (x, target, mask[0]),
    "mask must be None or (1, 100) bool, got (1, 100) int64": lambda x, target, mask: (x, target, mask.astype(int)),
}


def trained(task):
    return train(maker(task=task), task, 5, protocol())[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_trains_to_the_same_bytes(layout):
    one, other = trained(Last()), trained(Last(LAYOUTS[layout]))
    assert bytes_of(one) == bytes_of(other)
    assert one.history == other.history


@pytest.mark.parametrize("told", WRONG)
def test_a_batch_that_kernels_would_run_beyond_is_refused(told):
    with pytest.raises(ValueError, match=re.escape(f"task last of seq_len=5: {told}")):
        trained(Last(WRONG[told]))
