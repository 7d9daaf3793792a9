"""Long sequences: time and memory of forward + BPTT with all states kept, and with some sqrt(T) of them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import instances
import numpy as np
import pandas as pd
from tqdm import tqdm
from turns import interleaved

from rnnkit import parallel
from rnnkit.kernels import TANH

STEPS, H, B = (1000, 10_000, 100_000), 128, 16
FORMS = ("plain", "checkpointed")


def gradients(form: str, T: int) -> Callable[[], tuple]:
    """Return forward + BPTT of a sequence of T steps."""
    x, h_0, W_xh, W_hh, b_h, last = instances.draw_net(np.random.default_rng(0), instances.Sizes("rnn", H, B, T))

    def plain():
        h = parallel.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        return parallel.rnn_backward(last, x, h, W_xh, W_hh, TANH)

    def checkpointed():
        kept = parallel.rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, TANH)
        return parallel.rnn_backward_checkpointed(last, x, kept, W_xh, W_hh, b_h, TANH)

    return {"plain": plain, "checkpointed": checkpointed}[form]


def long_sequences() -> pd.DataFrame:
    """Time and weigh them."""
    cells = [(T, form) for T in STEPS for form in FORMS]
    times = interleaved({cell: gradients(cell[1], cell[0]) for cell in cells})
    rows = [{"T": T, "form": form, "us_per_step": 1e6 * times[T, form] / T} for T, form in cells]
    memory = [_memory_in_new_process(form, T) for T, form in tqdm(cells, desc="memory", disable=None)]
    return pd.DataFrame(rows).assign(megabytes=memory, H=H, B=B)


def _memory_in_new_process(form: str, T: int) -> float:
    command = [sys.executable, __file__, form, str(T)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def weigh(form: str, T: int) -> float:
    """Return the megabytes (2^20) that one forward + BPTT needs at its peak, beside inputs and returned gradients."""
    gradients(form, 10)()  # loads the code
    run = gradients(form, T)
    before = _status("VmRSS")
    found = run()
    return (_status("VmHWM") - before) / 2**20 - sum(g.nbytes for g in found) / 2**20


def _status(key: str) -> int:
    """Return a size in bytes from Linux's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])


if __name__ == "__main__":
    print(weigh(sys.argv[1], int(sys.argv[2])))
