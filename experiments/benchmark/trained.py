"""What a whole training costs beside its forward passes and BPTT alone: the same nets, batches of the same size.

`train` draws data, has a readout and a loss, clips, updates, records and tests; `bare` runs forward and BPTT of the
same nets on one batch again and again, compiled, with the loss's gradient at the last state given.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from turns import interleaved

from rnnkit._compile.jit import jit
from rnnkit.kernels import TANH, rnn_backward, rnn_forward
from rnnkit.networks import recipes
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.tasks import TASKS
from rnnkit.training.loop import train
from rnnkit.training.protocol import Protocol

UPDATES, NETS, H, B, T = 500, 8, 50, 20, 50
TASK = TASKS["temporal_order"]


def make_net(rng: np.random.Generator) -> recipes.RNN:
    """Return a net of Pascanu's basic tanh."""
    return recipes.make("basic_tanh", TASK.input_size, H, TASK.output_size, rng)


@jit
def _bare(x, h_0, W_xh, W_hh, b_h, last, updates):
    for _ in range(updates):
        h = rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        rnn_backward(last, x, h, W_xh, W_hh, TANH)


def contenders(updates: int = UPDATES) -> dict[str, Callable[[], None]]:
    """Return them; a run is some updates of every net, in the middle of a training that has no end near."""
    protocol = Protocol(updates=updates, check_every=updates, check_size=250, batch_size=B, clip=1.0, stop="never")
    nets = [make_net(streams(0, r).init) for r in range(NETS)]
    x = TASK.sample(np.random.default_rng(0), B, T).x
    zeros, last = np.zeros((B, H), np.float32), np.full((B, H), 1e-3, np.float32)

    def bare() -> None:
        weights = [[net.parameters[f"l0.{name}"] for name in ("W_xh", "W_hh", "b_h")] for net in nets]
        map_replicates(lambda r: _bare(x, zeros, *weights[r], last, updates), NETS)

    def whole(threads: int | None = None) -> None:
        train(make_net, TASK, T, protocol, replicates=NETS, threads=threads)

    return {"bare": bare, "train": whole, "train on one thread": lambda: whole(1)}


def trained_nets() -> pd.DataFrame:
    """Time whole trainings beside their forward passes and BPTT alone."""
    runs = contenders()
    times = interleaved({name: runs[name] for name in ("bare", "train")})
    row = {"nets": NETS, "H": H, "B": B, "T": T}
    row |= {f"{name}_us": 1e6 * t / (NETS * UPDATES) for name, t in times.items()}
    return pd.DataFrame([row | {"train/bare": times["train"] / times["bare"]}])
