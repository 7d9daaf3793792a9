"""How nets are trained and when they count as trained: every choice in one place, checked before any work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnkit._arguments import choice, function, integer, is_number, mapping, number, shown
from rnnkit.cells.handles import in_rows
from rnnkit.kernels.clipping import NONFINITE_POLICIES
from rnnkit.kernels.optimizers import check_hyperparameters
from rnnkit.kernels.regularizer import OMEGA_FORMS
from rnnkit.kernels.updates import BY_NORM, BY_VALUE, STOP
from rnnkit.networks.rnn import RNN
from rnnkit.tasks import Task, check_length
from rnnkit.training.optimizers import HYPERPARAMETERS, OPTIMIZERS

BLOCK = 25  # updates drawn and made at once: data do not depend on how often a net is tested
POLICIES = {"stop": STOP} | {name: code for name, code in NONFINITE_POLICIES.items() if name != "raise"}
CLIP_MODES = {"norm": BY_NORM, "value": BY_VALUE}
STOPS = ("held", "first", "never")


@dataclass(frozen=True)
class Protocol:
    """A training.

    updates: the cap, a multiple of check_every, which is a multiple of BLOCK. hyperparameters: of the optimizer, see
    `rnnkit.training.optimizers`. clip: None, or the limit, by clip_mode norm (joint, of all trained weights) or value.
    nonfinite: what a gradient that is not finite does: `stop` the training as diverged, or a policy of
    `rnnkit.kernels.clipping`. omega: weight of Pascanu's regularizer in omega_form (`rnnkit.kernels.regularizer`),
    added before the clip. A net is solved when under `solved_error` of `check_size` test sequences are wrong, held
    after `hold` such checks in a row. stop: when `held`, at the `first`, or `never` before the cap. frozen: names of
    weights that stay. seq_len of a task may be a pair: every block has a length drawn from it, ends included.
    record_every: None, or a multiple of check_every: before the first update, after every so many, and where a net
    diverges, its gradients are recorded (`rnnkit.gradients.record`) on `record_size` sequences of the longest length,
    the same each time. The training is the same bit for bit with and without.
    """

    updates: int = 10_000
    batch_size: int = 20
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    clip: float | None = None
    clip_mode: str = "norm"
    nonfinite: str = "stop"
    omega: float = 0.0
    omega_form: str = "squared"
    check_every: int = 500
    check_size: int = 10_000
    solved_error: float = 0.01
    hold: int = 3
    stop: str = "held"
    frozen: tuple[str, ...] = ()
    record_every: int | None = None
    record_size: int = 100

    def __post_init__(self) -> None:
        """Raise ValueError naming the first argument that is out of range."""
        for name in ("updates", "batch_size", "check_every", "check_size", "hold", "record_size"):
            integer(name, getattr(self, name), 1)
        if self.check_every % BLOCK or self.updates % self.check_every:
            raise ValueError(
                f"check_every must be a multiple of {BLOCK}, and updates one of check_every, got "
                f"check_every={self.check_every} updates={self.updates}"
            )
        if self.record_every is not None and integer("record_every", self.record_every, 1) % self.check_every:
            raise ValueError(
                f"record_every must be a multiple of check_every={self.check_every}, got {self.record_every}"
            )
        allowed = {"optimizer": OPTIMIZERS, "clip_mode": CLIP_MODES, "nonfinite": POLICIES, "omega_form": OMEGA_FORMS}
        for name, among in (allowed | {"stop": STOPS}).items():
            choice(name, getattr(self, name), among)
        object.__setattr__(
            self, "hyperparameters", dict(mapping("hyperparameters", self.hyperparameters))
        )  # copies: the caller's may change
        object.__setattr__(self, "frozen", _as_names(self.frozen))
        self._check_numbers()

    def _check_numbers(self) -> None:
        if unknown := [name for name in self.hyperparameters if name not in HYPERPARAMETERS[self.optimizer]]:
            known = HYPERPARAMETERS[self.optimizer]
            wanted = f"among {', '.join(known)}" if known else "none"
            raise ValueError(f"hyperparameters of {self.optimizer} must be {wanted}, got {shown(unknown)}")
        check_hyperparameters(learning_rate=self.learning_rate, **self.hyperparameters)
        if self.clip is not None:
            number("clip", self.clip, above=0)
        number("omega", self.omega, least=0)
        number("solved_error", self.solved_error, above=0, most=1)

    def optimizer_arguments(self) -> tuple[int, float, np.ndarray]:
        """Return (rule, learning rate, hyperparameters (3,)) as `train_block` takes them."""
        values = list((HYPERPARAMETERS[self.optimizer] | dict(self.hyperparameters)).values())
        return OPTIMIZERS.index(self.optimizer), float(self.learning_rate), np.array((values + [0.0] * 3)[:3])

    def clip_arguments(self) -> tuple[int, float, int]:
        """Return (mode, limit, policy)."""
        limit = np.inf if self.clip is None else float(self.clip)
        return CLIP_MODES[self.clip_mode], limit, POLICIES[self.nonfinite]


def _as_names(frozen: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(frozen, str):
        raise ValueError(f"frozen must be a tuple of names, got {frozen!r}: write ({frozen!r},)")
    if not isinstance(frozen, tuple | list | set | frozenset) or not all(isinstance(name, str) for name in frozen):
        raise ValueError(f"frozen must be a tuple of names, got {shown(frozen)}")
    return tuple(frozen)


def as_lengths(task: Task, seq_len: int | tuple[int, int]) -> tuple[int, int]:
    """Return (shortest, longest) sequence of a training; ValueError where the task has none of that length."""
    pair = tuple(seq_len) if isinstance(seq_len, tuple | list) else (seq_len, seq_len)
    if len(pair) != 2 or (all(map(is_number, pair)) and not pair[0] <= pair[1]):
        raise ValueError(f"seq_len must be an integer, or a pair from low to high, got {seq_len!r}")
    for length in pair:
        check_length(task, length)
    return int(pair[0]), int(pair[1])


def check_call(make_net: Callable, task: Task, protocol: Protocol) -> None:
    """Raise ValueError for arguments of `train` that are of another kind."""
    function("make_net", make_net)
    for name, value, kind in (("task", task, Task), ("protocol", protocol, Protocol)):
        if not isinstance(value, kind):
            hint = "; rnnkit.tasks.load takes a name" if name == "task" else ""
            raise ValueError(f"{name} must be a {kind.__name__}, got {shown(value)}{hint}")


def check_net(net: RNN, task: Task, protocol: Protocol) -> None:
    """Raise ValueError where a net does not fit the task, or the protocol the net."""
    if not isinstance(net, RNN):
        raise ValueError(f"make_net must return an RNN, got {type(net).__name__}")
    for name, has, needs in (
        ("input_size", net.input_size, task.input_size),
        ("output_size", net.output_size, task.output_size),
        ("output", net.output, task.output),
    ):
        if has != needs:
            raise ValueError(f"{name} of the net must be {needs!r} for task {task.name}, got {has!r}")
    if unknown := sorted(set(protocol.frozen) - set(net.parameters)):
        raise ValueError(f"frozen must name weights among {', '.join(net.parameters)}, got {', '.join(unknown)}")
    plain = in_rows(net.cell) and net.layers == 1 and not net.bidirectional and net.parametrization is None
    if not plain and (protocol.omega > 0 or protocol.nonfinite == "shrink"):
        word = f"omega={protocol.omega}" if protocol.omega > 0 else "nonfinite=shrink"
        wanted = "of one layer in one direction, of a cell whose state is made of W_hh's block alone, as tanh's"
        wanted += ", without a parametrization" if net.parametrization else ""
        raise ValueError(f"net must be {wanted}, for {word}, got {net!r}")
