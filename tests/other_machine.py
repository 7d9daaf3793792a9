"""A line for each thing that a new kind of machine must do right, with its error; exit code 1 where one is too large.

    python tests/other_machine.py

Needs nothing but rnnkit's own libraries, starts no process and computes little: `tests/arm64.sh` runs it emulated.
"""

import platform
import sys

import llvmlite.binding as llvm
import numpy as np

from rnnkit import RNN, kernels, parallel, reference
from rnnkit._compile.simd.subnormals import FLUSH
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.gradients import gradcheck
from rnnkit.kernels import TANH
from rnnkit.networks import recipes
from rnnkit.tasks import TASKS
from rnnkit.training.loop import train
from rnnkit.training.protocol import BLOCK, Protocol

T, B, I, H = 12, 20, 3, 17  # noqa: E741  two shards; neither whole vectors nor whole tiles
# Of the largest number: rounding of 12 steps, and of sums over 240 rows in another order.
KERNELS = {"float32": 1e-5, "float64": 1e-13}
DIFFERENCES = 1e-8  # 4th-order finite differences in float64


def arrays(dtype, gates, n_biases):
    """Return x (T, B, I), W_xh, W_hh, b_h and dh (T, B, H) for a cell of so many gates."""
    rng = np.random.default_rng(0)
    shapes = (T, B, I), (I, gates * H), (H, gates * H), (n_biases * H,), (T, B, H)
    return [(rng.standard_normal(shape) / np.sqrt(shape[0])).astype(dtype) for shape in shapes]


def rnn(dtype, of):
    x, W_xh, W_hh, b_h, dh = arrays(dtype, 1, 1)
    h = of.rnn_forward(x, np.zeros((B, H), dtype), W_xh, W_hh, b_h, TANH)
    return h, *of.rnn_backward(dh, x, h, W_xh, W_hh, TANH)


def lstm(dtype, of):
    x, W_xh, W_hh, b_h, dh = arrays(dtype, 4, 4)
    h, c, gates = of.lstm_forward(x, *np.zeros((2, B, H), dtype), W_xh, W_hh, b_h)
    return h, c, *of.lstm_backward(dh, dh[0].copy(), x, h, c, gates, W_xh, W_hh)


def gru(dtype, of):
    x, W_xh, W_hh, b_h, dh = arrays(dtype, 3, 4)
    h, gates = of.gru_forward(x, np.zeros((B, H), dtype), W_xh, W_hh, b_h)
    return h, *of.gru_backward(dh, x, h, gates, W_xh, W_hh)


def difference(got, expected):
    """Return the largest error of some arrays, each as a share of its largest number."""
    pairs = zip(got, expected, strict=True)
    return max(float(np.abs(g.astype(np.float64) - e).max() / np.abs(e).max()) for g, e in pairs)


def subnormals():
    """Return how many a vanishing gradient holds where the kernels flush them, and how many NumPy then loses."""
    x, W_xh, W_hh, b_h, dh = arrays("float32", 1, 1)
    x = np.zeros((300, B, I), np.float32)
    h = kernels.rnn_forward(x, np.zeros((B, H), np.float32), W_xh, W_hh, b_h, TANH)
    dx = kernels.rnn_backward(dh[0].copy(), x, h, W_xh, W_hh / 2, TANH).dx
    tiny = np.finfo(np.float32).tiny
    kept = np.full(1000, tiny) / 2
    left = (dx != 0) & (np.abs(dx) < tiny)
    return int(FLUSH != 0) * int(left.sum()) + int((kept == 0).sum())


def networks():
    """Yield a name and the largest error of a gradient, for a small net of each cell."""
    rng = np.random.default_rng(1)
    x, target = rng.standard_normal((4, 2, I)), rng.standard_normal((4, 2, 2))
    for cell in ("tanh", "lstm", "gru"):
        net = RNN(I, 3, 2, cell=cell, layers=2, bidirectional=True, dtype="float64", seed=0)
        yield f"network, {cell}, finite differences", max(gradcheck.check_network(net, x, target).values())


def training():
    """Return 0 where 200 updates bring the loss of a short task down, and two threads give the bytes of one."""
    task, protocol = TASKS["adding_le"], Protocol(updates=8 * BLOCK, check_every=4 * BLOCK, check_size=20)

    def make_net(rng):
        return recipes.make("lstm", task.input_size, H, task.output_size, rng)

    one, two = (train(make_net, task, 5, protocol, replicates=2, threads=n) for n in (1, 2))
    same = all((a.net.flat == b.net.flat).all() for a, b in zip(one, two, strict=True))
    falls = all(net.history[-1]["loss"] < net.history[0]["loss"] for net in one)
    return float(not (same and falls))


def checks():
    """Yield what is checked, its error and the largest that is allowed."""
    references = {rnn: reference, lstm: reference, gru: reference}
    for dtype, allowed in KERNELS.items():
        for cell, of in references.items():
            got = cell(dtype, kernels)
            yield f"{cell.__name__} forward and backward, {dtype}", difference(got, cell("float64", of)), allowed
            spread = cell(dtype, parallel)
            yield f"{cell.__name__} on all cores, {dtype}, same bytes", difference(spread, got), 0
    yield "subnormal numbers", subnormals(), 0
    for name, error in networks():
        yield name, error, DIFFERENCES
    yield "training, 2 nets, 200 updates", training(), 0


def main():
    """Print the machine and a line for each check."""
    print(f"{platform.machine()}, {llvm.get_host_cpu_name()}, Python {platform.python_version()}, {platform.system()}")
    print(f"vectors of {VECTOR_BYTES} bytes, flushes subnormal numbers: {'yes' if FLUSH else 'no'}")
    wrong = 0
    for name, error, allowed in checks():
        wrong += not error <= allowed  # nan is wrong
        print(f"{name:42} error {error:.1e}, allowed {allowed:.0e}", flush=True)
    sys.exit(f"{wrong} wrong" if wrong else 0)


if __name__ == "__main__":
    main()
