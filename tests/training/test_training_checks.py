"""When a net is solved, held and left alone: checks by a script, and the counting of what is wrong against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import every_pair
from training_cases import ORDER, SWITCHES, maker, protocol

from rnnkit.kernels.answers import MSE, SIGMOID, SOFTMAX, count_wrong
from rnnkit.kernels.losses import LOSSES
from rnnkit.kernels.network import Sizes, as_pair
from rnnkit.kernels.updates import evaluate
from rnnkit.tasks import TASKS
from rnnkit.training import replicate as of_replicate
from rnnkit.training.loop import train
from rnnkit.training.protocol import BLOCK
from rnnkit.training.replicate import TEST_BATCH

ADDING, COPYING = TASKS["adding_le"], TASKS["copying"]


def train_by(script, monkeypatch, **keys):
    """Train one net whose tests have as many wrong as the script says; return (Trained, what is left of it)."""
    rest = list(script)
    monkeypatch.setattr(of_replicate, "evaluate", lambda *_: (rest.pop(0), 1.0))
    (trained,) = train(maker(), ORDER, 10, protocol(check_size=100, **keys))
    return trained, rest


@every_pair({"seed": range(4), "hold": [1, 2, 3], "stop": ["held", "first", "never"]})
def test_first_passage_held_and_the_three_stop_rules(seed, hold, stop, monkeypatch):
    passed = np.random.default_rng(seed).random(10) < 0.6
    first = next((k for k in range(10) if passed[k]), None)
    held = next((k for k in range(hold - 1, 10) if passed[k - hold + 1 : k + 1].all()), None)
    end = {"held": held, "first": first, "never": None}[stop]
    end = 9 if end is None else end
    keys = {"solved_error": 0.05, "hold": hold, "stop": stop, "updates": 10 * BLOCK}
    trained, _ = train_by(np.where(passed, 4, 5), monkeypatch, **keys)
    assert trained.updates == trained.history[-1]["update"] == (end + 1) * BLOCK
    assert trained.first == (None if first is None or first > end else (first + 1) * BLOCK)
    assert trained.held == (None if held is None or held > end else (held + 1) * BLOCK)
    assert trained.outcome == ("unsolved" if trained.first is None else "solved")
    assert [row["passed"] for row in trained.history] == passed[: end + 1].tolist()


def test_a_net_that_diverges_after_it_was_solved_is_solved(monkeypatch):
    blow_up = {"learning_rate": 1e30, "updates": 4 * BLOCK, "hold": 2}
    monkeypatch.setattr(of_replicate, "evaluate", lambda *_: (0, 1.0))
    made = of_replicate.train_block
    monkeypatch.setattr(of_replicate, "train_block", lambda *a: BLOCK if a[5] < BLOCK else made(*a))
    (trained,) = train(maker("relu"), ORDER, 10, protocol(**blow_up))
    assert (trained.outcome, trained.first, trained.held) == ("solved", BLOCK, None)
    assert trained.updates < 2 * BLOCK


@pytest.mark.parametrize("share", [0.01, 0.07, 0.14, 0.29, 0.57])
def test_as_many_wrong_as_the_threshold_is_not_passed(share, monkeypatch):
    """Products such as .07 x 100 are above 7."""
    wrong = round(share * 100)
    trained, _ = train_by([wrong, wrong - 1], monkeypatch, solved_error=share, stop="never")
    assert [row["passed"] for row in trained.history] == [False, True]
    assert [row["error"] for row in trained.history] == [wrong / 100, (wrong - 1) / 100]


@given(st.lists(st.integers(0, 8), min_size=5, max_size=5), st.sampled_from([1100, 1250, 1001]))
def test_a_test_ends_early_only_where_it_cannot_be_passed(wrong, size):
    """Parts of 250 sequences, the last one smaller; the threshold is 1% of all."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        asked, rest = [], list(wrong)
        monkeypatch.setattr(of_replicate, "evaluate", lambda *a: (asked.append(a[4].shape[1]), (rest.pop(0), 1.0))[1])
        (trained,) = train(maker(), ORDER, 10, protocol(check_size=size, updates=BLOCK))
    row = trained.history[0]
    assert row["passed"] == (sum(wrong) < 0.01 * size)
    assert row["tested"] == sum(asked)
    assert row["error"] == sum(wrong[: len(asked)]) / row["tested"]
    assert asked == ([TEST_BATCH] * 4 + [size - 1000])[: len(asked)]
    assert len(asked) == 5 or 0.01 * size <= sum(wrong[: len(asked)])
    assert sum(wrong[: len(asked) - 1]) < 0.01 * size


def test_the_numbers_of_losses_are_their_places():
    assert [list(LOSSES)[loss] for loss in (MSE, SOFTMAX, SIGMOID)] == ["mse", "softmax", "sigmoid"]


def wrong_of(y, target, mask, loss, tolerance):
    """Count with NumPy: a tie and a nan are wrong, an answer at the tolerance is right."""
    if loss == "sigmoid":
        right = np.where(target == 1, y > 0, y < 0).all(2)
    elif loss == "softmax":
        at = np.take_along_axis(y, target[..., None], 2)
        right = ((y < at) | (np.arange(y.shape[2]) == target[..., None])).all(2) & ~np.isnan(at[..., 0])
    else:
        right = ((y.astype(float) - target) ** 2 <= tolerance).all(2)
    return int((~right & mask).any(0).sum())


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("seed", range(8))
def test_wrong_sequences_are_counted_as_numpy_counts(seed, loss):
    rng = np.random.default_rng(seed)
    S, B, O = rng.integers(1, 5), rng.integers(1, 40), rng.integers(2, 5)  # noqa: E741
    y = rng.integers(-2, 3, (S, B, O)).astype(np.float32)  # ties are many
    y[rng.random(y.shape) < 0.05] = np.nan
    target = {
        "softmax": rng.integers(O, size=(S, B)),
        "mse": (y + rng.choice([0, 0.5, 1], y.shape)).astype("f4"),
        "sigmoid": (y + rng.choice([0, 1], y.shape, p=[0.9, 0.1]) > 0).astype("f4"),
    }[loss]
    mask, number = rng.random((S, B)) < 0.6, list(LOSSES).index(loss)
    assert count_wrong(y, as_pair(target, y.dtype), mask, number, 0.25) == wrong_of(y, target, mask, loss, 0.25)


@pytest.mark.parametrize("loss", [MSE, SOFTMAX, SIGMOID])
def test_outputs_that_are_nan_are_wrong(loss):
    target = np.zeros((2, 3), np.int64) if loss == SOFTMAX else np.zeros((2, 3, 2), np.float32)
    y, mask = np.full((2, 3, 2), np.nan, np.float32), np.ones((2, 3), np.bool_)
    assert count_wrong(y, as_pair(target, y.dtype), mask, loss, 0.04) == 3
    mask[:, 1] = False
    assert count_wrong(y, as_pair(target, y.dtype), mask, loss, 0.04) == 2


@pytest.mark.parametrize(
    ("task", "length"), [(ORDER, 12), (COPYING, 3), (ADDING, 6), (SWITCHES, 5)], ids=lambda v: getattr(v, "name", v)
)
def test_a_test_is_a_forward_pass_and_its_loss(task, length):
    net, batch = maker(task=task)(np.random.default_rng(1)), task.sample(np.random.default_rng(2), 33, length)
    x, target = (a if a.dtype == np.int64 else a.astype(np.float32) for a in batch[:2])
    mask = np.ones(target.shape[:2], np.bool_) if batch.mask is None else np.ascontiguousarray(batch.mask)
    sizes = Sizes(task.input_size, 6, task.output_size, 0, 1, 1, int(task.output == "last"))
    trace = net.forward(x)
    y = trace.y[None] if task.output == "last" else trace.y
    of_run = (target[0], mask[0]) if task.output == "last" else (target, mask)
    pairs = as_pair(x, net.dtype), as_pair(target, net.dtype)
    wrong, loss = evaluate(net.flat, sizes, *pairs, mask, list(LOSSES).index(task.loss), task.tolerance)
    assert wrong == wrong_of(y, target, mask, task.loss, task.tolerance)
    summed = task.output_size if task.loss == "sigmoid" else 1
    assert loss == pytest.approx(summed * net.loss(trace, of_run[0], task.loss, of_run[1]).value, rel=1e-6)


def test_nets_are_tested_on_what_the_task_has_for_tests():
    class Parted(type(SWITCHES)):
        def sample_test(self, rng, n, seq_len):
            batch = self.sample(rng, n, seq_len)
            return batch._replace(target=1 - batch.target)

    tested, other = (train(maker(task=task), task, 5, protocol())[0].history for task in (Parted(), SWITCHES))
    assert [row["loss"] for row in tested] == [row["loss"] for row in other]
    assert all(a["test_loss"] != b["test_loss"] for a, b in zip(tested, other, strict=True))


def test_a_net_that_is_not_new_is_refused():
    net = maker()(np.random.default_rng(0))
    with pytest.raises(ValueError, match="make_net must return a new net at every call"):
        train(lambda rng: net, ORDER, 10, protocol(), replicates=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "temporal_order"}, "task must be a Task, got 'temporal_order'; rnnkit.tasks.load takes a name"),
        ({"protocol": {}}, "protocol must be a Protocol, got {}"),
        ({"replicates": 0}, "replicates must be an integer >= 1, got 0"),
        ({"make_net": lambda rng: None}, "make_net must return an RNN, got NoneType"),
    ],
    ids=["task", "protocol", "replicates", "make_net"],
)
def test_an_argument_of_another_kind_is_named(arguments, message):
    usual = {"make_net": maker(), "task": ORDER, "seq_len": 10, "protocol": protocol()}
    with pytest.raises(ValueError, match=message):
        train(**usual | arguments)
