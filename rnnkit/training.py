"""Training of replicates: many nets of one configuration, each on a core of its own, to an outcome that is counted.

    nets = train(make_net, TASKS["temporal_order"], 20, Protocol(updates=20_000, clip=1.0), replicates=10)
    [net.outcome for net in nets]                                        solved, unsolved or diverged

Every BLOCK updates are drawn at once by NumPy, and made at once by `rnnkit.kernels.training`: the interpreter is not in
the loop. Every `check_every` updates a net is tested on fresh sequences; a test ends as soon as so many are wrong that
it cannot be passed any more.

solved      first passage: a check was passed (`rnnkit.protocol` says what that is); `held` is told beside it
diverged    before that, a gradient, the loss, or a weight at a check was not finite

Weights, data and tests of a net come from `rnnkit.rng.streams(seed, replicate)`: another clip or learning rate meets
the same weights and data. How many tests are drawn depends on how the net fares, so those part after the first check.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnkit import checkpoints
from rnnkit._arguments import check_path, function, integer
from rnnkit.cells.descriptor import BACKWARD, FORWARD
from rnnkit.cells.handles import provide
from rnnkit.initializers import spectral_radius
from rnnkit.kernels.regularizer import OMEGA_FORMS
from rnnkit.kernels.training import CLIPPED, LOSS, N_NONFINITE, NORM, OMEGA, evaluate, train_block
from rnnkit.networks import RNN
from rnnkit.parallel import Cancellation, map_replicates
from rnnkit.parametrizations.compiled import words_of
from rnnkit.protocol import BLOCK, Protocol, as_lengths, check_call, check_net
from rnnkit.rng import Streams, streams
from rnnkit.storage import saved_parts
from rnnkit.tasks import Task, batch_faults, check_draws

TEST_BATCH = 250  # sequences tested at once
MakeNet = Callable[[np.random.Generator], RNN]


class Trained(NamedTuple):
    """One net and what became of it. first, held: updates made when it was solved and held; None where it was not.

    history: a row for each check: update; since the last one: loss (mean), log10_grad_norm (mean of log10 of the norm
    before the clip), largest_grad_norm, clip_fraction, n_nonfinite (entries of gradients), omega (mean); error (share
    wrong of `tested` fresh sequences) and test_loss; spectral_radius of the lowest W_hh, where one block has it.
    """

    replicate: int
    outcome: str
    first: int | None
    held: int | None
    updates: int
    history: list[dict]
    net: RNN


class Training:
    """One net in training: everything that its next update depends on."""

    def __init__(
        self, make_net: MakeNet, task: Task, lengths: tuple[int, int], protocol: Protocol, rng: Streams
    ) -> None:
        """Make the net and check that all fits."""
        self.net, self.task, self.lengths, self.protocol, self.rng = make_net(rng.init), task, lengths, protocol, rng
        check_net(self.net, task, protocol)
        net = self.net
        self.sizes = (net.input_size, net.hidden_size, net.output_size, net.handle, net.layers)
        self.sizes += (1 + net.bidirectional, int(net.output == "last"))
        for word in (FORWARD, BACKWARD):
            provide(net.handle, word, net.dtype)
        self.moments = np.zeros((2, net.flat.size), net.dtype)
        self.maps = words_of(net.parametrization, net.hidden_size, net.dtype)
        self.frozen = np.concatenate([np.full(p.size, name in protocol.frozen) for name, p in net.parameters.items()])
        self.updates, self.passed, self.diverged = 0, 0, False  # passed: checks in a row
        self.first: int | None = None
        self.held: int | None = None
        self.history: list[dict] = []

    @property
    def ended(self) -> bool:
        """Return whether nothing is left to do."""
        reached = {"held": self.held, "first": self.first, "never": None}[self.protocol.stop]
        return self.diverged or reached is not None or self.updates >= self.protocol.updates

    @property
    def outcome(self) -> str:
        """Return solved, diverged or unsolved."""
        return "solved" if self.first is not None else "diverged" if self.diverged else "unsolved"

    def advance(self, cancelled: Cancellation) -> None:
        """Train to the next check and make it; after a cancellation, do neither."""
        records = []
        for _ in range(self.protocol.check_every // BLOCK):
            if cancelled.is_set():
                return
            records.append(self._train_block())
            if self.diverged:
                break
        self._check(np.concatenate(records))

    def _train_block(self) -> np.ndarray:
        length = int(self.rng.order.integers(self.lengths[0], self.lengths[1] + 1))
        size, record = self.protocol.batch_size, np.zeros((BLOCK, 5))
        batch = self._sample(self.rng.data, BLOCK * size, length)
        data = tuple(np.ascontiguousarray(np.swapaxes(_in_batches(a, size), 0, 1)) for a in batch)
        made = train_block(
            self.net.flat,
            self.moments,
            self.sizes,
            self.frozen,
            data,
            self.updates,
            self.protocol.optimizer_arguments(),
            self.protocol.clip_arguments(),
            (float(self.protocol.omega), OMEGA_FORMS[self.protocol.omega_form]),
            self.maps,
            record,
        )
        self.updates += made
        self.diverged = made < BLOCK
        return record[: made + 1] if self.diverged else record

    def _sample(self, rng: np.random.Generator, n: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return x, target and mask of n sequences as the kernels take them; ValueError for what a task got wrong."""
        batch = self.task.sample(rng, n, length)
        if found := batch_faults(self.task, batch, n, length):
            raise ValueError(f"task {self.task.name} of seq_len={length}: {'; '.join(found)}")
        x, target, mask = batch
        kinds = (np.int64 if np.issubdtype(a.dtype, np.integer) else self.net.dtype for a in (x, target))
        x, target = (np.require(a, kind, ("C", "W")) for a, kind in zip((x, target), kinds, strict=True))
        mask = np.ones(target.shape[:2], np.bool_) if mask is None else np.require(mask, np.bool_, ("C", "W"))
        return x, target, mask

    def _check(self, record: np.ndarray) -> None:
        row, finite = {"update": self.updates} | _of_record(record), bool(np.isfinite(self.net.flat).all())
        self.diverged |= self.protocol.nonfinite == "stop" and not finite
        if not self.diverged:
            row |= self._test()
            self.passed = self.passed + 1 if row["passed"] else 0
            if self.passed and self.first is None:
                self.first = self.updates
            if self.passed >= self.protocol.hold and self.held is None:
                self.held = self.updates
        W_hh = self.net.weights.get("l0.W_hh")
        if finite and W_hh is not None and W_hh.shape[0] == W_hh.shape[1]:
            row["spectral_radius"] = spectral_radius(W_hh)
        self.history.append(row)

    def _test(self) -> dict:
        size, wrong, tested, losses = int(self.protocol.check_size), 0, 0, []
        while tested < size and wrong / size < self.protocol.solved_error:
            n = min(TEST_BATCH, size - tested)
            length = int(self.rng.evaluation.integers(self.lengths[0], self.lengths[1] + 1))
            batch = self._sample(self.rng.evaluation, n, length)
            found = evaluate(self.net.effective(), self.sizes, *batch, self.task.tolerance)
            wrong, tested, losses = wrong + found[0], tested + n, [*losses, found[1]]
        return {
            "error": wrong / tested,
            "tested": tested,
            "test_loss": float(np.mean(losses)),
            "passed": tested == size and wrong / size < self.protocol.solved_error,
        }


def _in_batches(a: np.ndarray, size: int) -> np.ndarray:
    """Return (S, BLOCK, size, ...) of (S, BLOCK size, ...)."""
    return a.reshape(a.shape[0], BLOCK, size, *a.shape[2:])


def _of_record(record: np.ndarray) -> dict:
    """Return what the updates since the last check have to say; the last row may be of one that was not made."""
    norms = record[:, NORM]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return {
            "loss": float(np.mean(record[:, LOSS])),
            "log10_grad_norm": float(np.mean(np.log10(norms))),
            "largest_grad_norm": float(norms.max()),
            "clip_fraction": float(record[:, CLIPPED].mean()),
            "n_nonfinite": int(record[:, N_NONFINITE].sum()),
            "omega": float(record[:, OMEGA].mean()),
        }


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
    updates has a length from it. folder: where checkpoints go, some seconds apart; the same call after a kill goes on
    from them and ends with the same bytes, and one with larger updates goes further; another call's are refused.
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
                training.net.settings() | saved_parts(training.net),
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
    return Trained(replicate, t.outcome, t.first, t.held, t.updates, t.history, t.net)
