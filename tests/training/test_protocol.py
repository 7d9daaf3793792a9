"""Every fault of a training is told by key and value before any work."""

import dataclasses
import re

import numpy as np
import pytest
from training_cases import ORDER, maker

from rnnkit import RNN
from rnnkit.rng import streams
from rnnkit.tasks import TASKS
from rnnkit.training.loop import train
from rnnkit.training.optimizers import HYPERPARAMETERS, OPTIMIZERS
from rnnkit.training.protocol import Protocol, as_lengths, check_net

COUNTS = ("updates", "batch_size", "check_every", "check_size", "hold", "record_size")
WRONG = [({name: value}, f"{name} must be an integer >= 1, got {value!r}")
         for name in COUNTS for value in (0, -25, 25.0, True, "25", None, np.nan)]  # fmt: skip
MULTIPLES = "check_every must be a multiple of 25, and updates one of check_every, got check_every={} updates={}"
WRONG += [
    ({"check_every": 30}, MULTIPLES.format(30, 10_000)),
    ({"updates": 10_001}, MULTIPLES.format(500, 10_001)),
    ({"updates": 25}, MULTIPLES.format(500, 25)),
    ({"record_every": 750}, "record_every must be a multiple of check_every=500, got 750"),
    ({"record_every": 0}, "record_every must be an integer >= 1, got 0"),
    ({"optimizer": "SGD"}, "optimizer must be one of sgd, momentum, nesterov, rmsprop, adam, got 'SGD'"),
    ({"clip_mode": "both"}, "clip_mode must be one of norm, value, got 'both'"),
    ({"nonfinite": "raise"}, "nonfinite must be one of stop, skip, zero, shrink, got 'raise'"),
    ({"nonfinite": -1}, "nonfinite must be one of stop, skip, zero, shrink, got -1"),
    ({"omega_form": "paper"}, "omega_form must be one of squared, norms, got 'paper'"),
    ({"omega_form": 0}, "omega_form must be one of squared, norms, got 0"),
    ({"stop": None}, "stop must be one of held, first, never, got None"),
    ({"hyperparameters": {"mu": 0.9}}, "hyperparameters of sgd must be none, got ['mu']"),
    (
        {"optimizer": "adam", "hyperparameters": {"mu": 0.9}},
        "hyperparameters of adam must be among beta1, beta2, epsilon, got ['mu']",
    ),
    ({"optimizer": "momentum", "hyperparameters": {"mu": 1.0}}, "mu must be a number in [0, 1), got 1.0"),
]
WRONG += [({"learning_rate": value}, f"learning_rate must be a number in [0, 3.4e+38], got {value!r}")
          for value in (-1, np.inf, np.nan, "0.1", None)]  # fmt: skip
WRONG += [({"clip": value}, f"clip must be a finite number > 0, got {value!r}")
          for value in (0, -1.0, np.inf, np.nan, "none", True)]  # fmt: skip
WRONG += [({"omega": value}, f"omega must be a finite number >= 0, got {value!r}")
          for value in (-0.1, np.inf, np.nan, "4", None, True)]  # fmt: skip
WRONG += [({"solved_error": value}, f"solved_error must be a number in (0, 1], got {value!r}")
          for value in (0, 1.01, np.nan, "1%", None)]  # fmt: skip


@pytest.mark.parametrize(("keys", "told"), WRONG)
def test_a_bad_setting_is_named(keys, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        Protocol(**keys)


def test_the_ends_of_ranges_are_allowed():
    Protocol(updates=25, check_every=25, batch_size=1, check_size=1, hold=1, solved_error=1, learning_rate=0, omega=0)
    Protocol(updates=np.int64(1000), clip=np.float32(0.5), solved_error=np.float64(0.3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Protocol().updates = 3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_hyperparameters_reach_the_kernel_in_its_order_whatever_theirs(name):
    own = {key: value / 2 for key, value in reversed(HYPERPARAMETERS[name].items())}
    rule, rate, hyperparameters = Protocol(optimizer=name, hyperparameters=own, learning_rate=2).optimizer_arguments()
    assert (OPTIMIZERS[rule], rate) == (name, 2.0)
    assert hyperparameters.tolist() == [own[key] for key in HYPERPARAMETERS[name]] + [0.0] * (3 - len(own))
    first = dict(list(own.items())[:1])  # the others keep their defaults
    assert Protocol(optimizer=name, hyperparameters=first).optimizer_arguments()[2][: len(own)].tolist() == [
        (HYPERPARAMETERS[name] | first)[key] for key in HYPERPARAMETERS[name]
    ]


def test_the_papers_protocol_is_the_default():
    """Pascanu's: SGD at .01 in batches of 20, solved under 1% of 10,000."""
    p = Protocol()
    assert (p.optimizer, p.learning_rate, p.batch_size, p.check_size, p.solved_error) == ("sgd", 0.01, 20, 10_000, 0.01)
    assert p.clip_arguments() == (0, np.inf, -1)


@pytest.mark.parametrize(("seq_len", "lengths"), [(10, (10, 10)), (np.int64(12), (12, 12)), ([10, 20], (10, 20))])
def test_lengths(seq_len, lengths):
    assert as_lengths(ORDER, seq_len) == lengths
    assert all(type(length) is int for length in as_lengths(ORDER, seq_len))


PAIR = "seq_len must be an integer, or a pair from low to high, got "
AT_LEAST = "seq_len of task temporal_order must be an integer >= 10, got "


@pytest.mark.parametrize(
    ("task", "seq_len", "told"),
    [
        (ORDER, 9, AT_LEAST + "9"),
        (ORDER, (9, 20), AT_LEAST + "9"),
        (ORDER, (20, 10), PAIR + "(20, 10)"),
        (ORDER, (10, 12, 14), PAIR + "(10, 12, 14)"),
        (ORDER, (10,), PAIR + "(10,)"),
        (ORDER, (), PAIR + "()"),
        (ORDER, (np.nan, 12), PAIR + "(nan, 12)"),
        (ORDER, 10.0, AT_LEAST + "10.0"),
        (ORDER, (10, 12.5), AT_LEAST + "12.5"),
        (ORDER, True, AT_LEAST + "True"),
        (ORDER, None, AT_LEAST + "None"),
        (ORDER, "20", AT_LEAST + "'20'"),
        (ORDER, ("a", 20), AT_LEAST + "'a'"),
    ],
)
def test_bad_lengths_are_told(task, seq_len, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        as_lengths(task, seq_len)


def test_a_longest_length_is_kept_to():
    limited = [task for task in TASKS.values() if getattr(task, "longest", None) is not None]
    for task in limited:
        with pytest.raises(
            ValueError, match=rf"^seq_len of task {task.name} must be an integer in \d+\.\.{task.longest}, got"
        ):
            as_lengths(task, (task.shortest, task.longest + 1))


ELMAN = "net must be of one layer in one direction, of a cell whose state is made of W_hh's block alone, as tanh's, for"


@pytest.mark.parametrize(
    ("options", "keys", "told"),
    [
        ({"input_size": 5}, {}, "input_size of the net must be 6 for task temporal_order, got 5"),
        ({"output_size": 3}, {}, "output_size of the net must be 4 for task temporal_order, got 3"),
        ({"output_size": None}, {}, "output_size of the net must be 4 for task temporal_order, got None"),
        ({"output": "every"}, {}, "output of the net must be 'last' for task temporal_order, got 'every'"),
        ({}, {"frozen": ("l1.W_hh", "W")}, "frozen must name weights among l0.W_xh, l0.W_hh, l0.b_h, W_hy, b_y, got W"),
        ({"cell": "lstm"}, {"omega": 4.0}, f"{ELMAN} omega=4.0, got RNN(lstm"),
        ({"cell": "gru"}, {"nonfinite": "shrink"}, f"{ELMAN} nonfinite=shrink, got RNN(gru"),
        ({"layers": 2}, {"omega": 1.0}, f"{ELMAN} omega=1.0, got RNN(tanh"),
        ({"bidirectional": True}, {"nonfinite": "shrink"}, f"{ELMAN} nonfinite=shrink, got RNN(tanh"),
    ],
)
def test_what_does_not_fit_together_is_told(options, keys, told):
    options = {"input_size": 6, "hidden_size": 3, "output_size": 4, "output": "last"} | options
    net = RNN(**options)
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        check_net(net, ORDER, Protocol(**keys))
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        train(lambda rng: net, ORDER, 10, Protocol(**keys))


def test_what_fits_is_let_through():
    check_net(maker("lstm")(streams(0).init), ORDER, Protocol(frozen=("l0.W_hh",), nonfinite="skip"))
    for name in ("sigmoid", "irnn", "smart_tanh"):
        check_net(maker(name)(streams(0).init), ORDER, Protocol(omega=4.0, nonfinite="shrink"))
