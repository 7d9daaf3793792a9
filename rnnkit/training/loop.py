"""Training of replicates: many nets of one configuration, each on a core of its own, to an outcome that is counted.

    nets = train(make_net, TASKS["temporal_order"], 20, Protocol(updates=20_000, clip=1.0), replicates=10)
    [net.outcome for net in nets]                                        solved, unsolved or diverged

Every BLOCK updates are drawn at once by NumPy, and made at once by `rnnkit.kernels.updates`: the interpreter is not in
the loop. Every `check_every` updates a net is tested on sequences of `sample_test`; a test ends as soon as so many are
wrong that it cannot be passed any more.

solved      first passage: a check was passed (`rnnkit.training.protocol` says what that is); `held` is told beside it
diverged    before that, a gradient, the loss, or a weight at a check was not finite

Weights, data and tests of a net come from `rnnkit.rng.streams(seed, replicate)`: another clip or learning rate meets
the same weights and data. How many tests are drawn depends on how the net fares, so those part after the first check.

    nets = train(..., Protocol(updates=20_000, record_every=500))             gradients on their way, from the start on
    [(row["update"], row["lags"]["l0"]["log_norm"][15]) for row in nets[0].records]         ln ||dL/dh_t|| at lag 15
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnkit._arguments import check_path, function, integer
from rnnkit.networks.rnn import RNN
from rnnkit.networks.storage import saved_parts
from rnnkit.parallel import Cancellation, map_replicates
from rnnkit.rng import streams
from rnnkit.tasks import Task, check_draws
from rnnkit.training import checkpoints
from rnnkit.training.protocol import Protocol, as_lengths, check_call
from rnnkit.training.replicate import MakeNet, Training


class Trained(NamedTuple):
    """One net and what became of it. first, held: updates made when it was solved and held; None where it was not.

    history: a row for each check: update; since the last one: loss (mean), log10_grad_norm (mean of log10 of the norm
    before the clip), largest_grad_norm, clip_fraction, n_nonfinite (entries of gradients), omega (mean); error (share
    wrong of `tested` sequences) and test_loss; spectral_radius of the lowest W_hh, where one block has it.
    records: with `Protocol(record_every=...)` a row for each record: update, and `rnnkit.gradients.record`'s of then.
    """

    replicate: int
    outcome: str
    first: int | None
    held: int | None
    updates: int
    history: list[dict]
    records: list[dict]
    net: RNN


def train(
    make_net: MakeNet,
    task: Task,
    seq_len: int | tuple[int, int],
    protocol: Protocol,
    *,
    seed: int = 0,
    replicates: int = 1,
    folder: str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[Trained], None] | None = None,
) -> list[Trained]:
    """Train replicates 0, 1, ... and return them in that order.

    make_net: takes a generator, returns the net to train. seq_len: of the task's sequences, or a pair: every block of
    updates has a length from it. folder: where checkpoints go, some seconds apart; the same call after a kill resumes
    from them, bit for bit, and one with larger updates goes further; another call's are refused.
    threads: as in `parallel.map_replicates`.
    progress: called after every check of a net, from its thread. Raises ValueError naming what does not fit, a task
    that draws from elsewhere than the generator it is given among it.
    An exception or Ctrl-C ends all nets at their next block; what their checkpoints hold is kept.
    """
    check_call(make_net, task, protocol)
    seed, replicates = integer("seed", seed, 0), integer("replicates", replicates, 1)
    if folder is not None:
        check_path("folder", folder)
    if progress is not None:
        function("progress", progress)
    lengths, cancelled, nets = as_lengths(task, seq_len), Cancellation(), []
    check_draws(task, lengths[0], protocol.batch_size)

    def train_one(replicate: int) -> Trained:
        training = Training(make_net, task, lengths, protocol, streams(seed, replicate))
        nets.append(training.net)
        if sum(training.net is net for net in nets) > 1:
            raise ValueError("make_net must return a new net at every call, got the same one twice")
        saved = None
        if folder is not None:
            identity = [
                asdict(protocol) | {"updates": None},
                task.name,
                lengths,
                seed,
                replicate,
                training.net.arguments() | saved_parts(training.net),
            ]
            path, start = Path(folder) / f"net-{replicate}.npz", _start(training, streams(seed, replicate).data)
            saved = checkpoints.Checkpoint(path, json.dumps(identity, default=str), start)
            saved.restore(training)
        while not training.ended and not cancelled.is_set():
            training.advance(cancelled)
            if cancelled.is_set():
                break
            if saved is not None:
                saved.keep(training)
            if progress is not None:
                progress(as_trained(training, replicate))
        return as_trained(training, replicate)

    return map_replicates(train_one, replicates, threads, cancelled)


def _start(training: Training, rng: np.random.Generator) -> tuple[str, float]:
    """Return what tells two tasks, or two ways to make a net, of one name apart: a sequence, the norm of all weights.

    Not the weights themselves: another machine's last bits may differ.
    """
    digest = sha256()
    for array in training.task.sample(rng, 1, training.lengths[0]):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16], float(np.linalg.norm(training.net.flat.astype(np.float64)))


def as_trained(training: Training, replicate: int) -> Trained:
    """Return the present state of a training."""
    t = training
    return Trained(replicate, t.outcome, t.first, t.held, t.updates, t.history, t.records, t.net)
