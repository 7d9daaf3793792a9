"""One net in training: blocks of updates, tests on sequences of their own, records of its gradients, what is known."""

from collections.abc import Callable

import numpy as np

from rnnkit.cells.descriptor import BACKWARD, FORWARD
from rnnkit.cells.handles import provide
from rnnkit.gradients.record import lowest_radius, record_of
from rnnkit.kernels.answers import terms
from rnnkit.kernels.losses import LOSSES
from rnnkit.kernels.network import Sizes, as_pair
from rnnkit.kernels.regularizer import OMEGA_FORMS
from rnnkit.kernels.updates import CLIPPED, LOSS, N_NONFINITE, NORM, OMEGA, evaluate, train_block
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import Cancellation
from rnnkit.parametrizations.compiled import words_of
from rnnkit.rng import Streams
from rnnkit.tasks import Batch, Task, batch_faults
from rnnkit.training.protocol import BLOCK, Protocol, check_net

TEST_BATCH = 250  # sequences tested at once
MakeNet = Callable[[np.random.Generator], RNN]


class Training:
    """One net in training: everything that its next update depends on."""

    def __init__(
        self, make_net: MakeNet, task: Task, lengths: tuple[int, int], protocol: Protocol, rng: Streams
    ) -> None:
        """Make the net and check that all fits."""
        self.net, self.task, self.lengths, self.protocol, self.rng = make_net(rng.init), task, lengths, protocol, rng
        check_net(self.net, task, protocol)
        net = self.net
        shape = net.input_size, net.hidden_size, net.output_size, net.handle, net.layers, 1 + net.bidirectional
        self.sizes, self.loss = Sizes(*shape, int(net.output == "last")), list(LOSSES).index(task.loss)
        for word in (FORWARD, BACKWARD):
            provide(net.handle, word, net.dtype)
        self.moments = np.zeros((2, net.flat.size), net.dtype)
        self.maps = words_of(net.parametrization, net.hidden_size, net.dtype)
        self.frozen = np.concatenate([np.full(p.size, name in protocol.frozen) for name, p in net.parameters.items()])
        self.updates, self.passed, self.diverged = 0, 0, False  # passed: checks in a row
        self.first: int | None = None
        self.held: int | None = None
        self.history: list[dict] = []
        self.records: list[dict] = []
        self.probe = self._probe() if protocol.record_every else None

    def _probe(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the sequences that gradients are recorded on."""
        n, length = self.protocol.record_size, self.lengths[1]
        return self._as_arrays(self.task.sample(self.rng.probe, n, length), n, length)

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
        if self.probe is not None and not self.records:
            self._record()
        made = []
        for _ in range(self.protocol.check_every // BLOCK):
            if cancelled.is_set():
                return
            made.append(self._train_block())
            if self.diverged:
                break
        self._check(np.concatenate(made))
        due = self.probe is not None and (self.diverged or self.updates % self.protocol.record_every == 0)
        if due and self.records[-1]["update"] < self.updates:
            self._record()

    def _train_block(self) -> np.ndarray:
        length = int(self.rng.order.integers(self.lengths[0], self.lengths[1] + 1))
        size, record = self.protocol.batch_size, np.zeros((BLOCK, 5))
        batch = self._as_arrays(self.task.sample(self.rng.data, BLOCK * size, length), BLOCK * size, length)
        xs, targets, masks = (np.ascontiguousarray(np.swapaxes(_in_batches(a, size), 0, 1)) for a in batch)
        data = as_pair(xs, self.net.dtype), as_pair(targets, self.net.dtype), masks
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
            self.loss,
            record,
        )
        self.updates += made
        self.diverged = made < BLOCK
        return record[: made + 1] if self.diverged else record

    def _as_arrays(self, batch: Batch, n: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return x, target and mask of n sequences as the kernels take them; ValueError for what a task got wrong."""
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
        radius = lowest_radius(self.net) if finite else None
        self.history.append(row if radius is None else row | {"spectral_radius": radius})

    def _record(self) -> None:
        x, target, mask = self.probe
        if self.net.output == "last":
            target, mask = target[0], mask[0]
        trace = self.net.forward(x)
        value, dy = self.net.loss(trace, target, self.task.loss, mask)
        n = terms(self.loss, self.net.output_size)
        self.records.append({"update": self.updates} | record_of(self.net, trace, n * value, n * dy))

    def _test(self) -> dict:
        size, wrong, tested, losses = int(self.protocol.check_size), 0, 0, []
        while tested < size and wrong / size < self.protocol.solved_error:
            n = min(TEST_BATCH, size - tested)
            length = int(self.rng.evaluation.integers(self.lengths[0], self.lengths[1] + 1))
            x, target, mask = self._as_arrays(self.task.sample_test(self.rng.evaluation, n, length), n, length)
            x, target = (as_pair(a, self.net.dtype) for a in (x, target))
            found = evaluate(self.net.effective(), self.sizes, x, target, mask, self.loss, self.task.tolerance)
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
