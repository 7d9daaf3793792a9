"""A task that draws from elsewhere than the generator it is given is found out, before a net is made."""

import numpy as np
import pytest

from rnnkit import Protocol
from rnnkit.networks import recipes
from rnnkit.tasks import TASKS, Batch, Task, check_draws, load_file
from rnnkit.training.loop import train

SOURCE = """
import numpy as np
from rnnkit.tasks.task import Batch, Task

class Loose(Task):
    name, input_size, output_size = "loose", 4, 4

    def sample(self, rng, n, seq_len):
        x = np.random.randint(4, size=(seq_len, n))
        return Batch(x, x[-1:].copy())

    def chance_error(self, seq_len):
        return 0.75

    def constant_loss(self, seq_len):
        return 1.386
"""
TOLD = "sample must draw from the rng it is given"


class Loose(Task):
    """Draws from a generator of its own, whatever it is given: 2^-80 of two draws are the same."""

    name, input_size, output_size, shortest = "loose", 4, 4, 20
    own = np.random.default_rng(0)

    def sample(self, rng, n, seq_len):
        x = self.own.integers(4, size=(seq_len, n))
        return Batch(x, x[-1:].copy())


class LooseMask(Loose):
    def sample(self, rng, n, seq_len):
        x = rng.integers(4, size=(seq_len, n))
        return Batch(x, x[-1:].copy(), np.ones((1, n), bool) if self.own.random() < 2 else None)


class Counting(Loose):
    """Goes on through what it holds, a state of its own."""

    def __init__(self):
        self.at = 0

    def sample(self, rng, n, seq_len):
        self.at += 1
        x = np.full((seq_len, n), self.at % 4)
        return Batch(x, x[-1:].copy())


@pytest.mark.parametrize("task", [Loose(), Counting()], ids=["another generator", "a state"])
def test_train_refuses_it_before_a_net_is_made(task):
    made = []
    with pytest.raises(ValueError, match=f"^task loose: {TOLD}"):
        train(made.append, task, 20, Protocol(updates=25, check_every=25))
    assert not made


def test_a_file_with_it_is_refused(tmp_path):
    path = tmp_path / "loose.py"
    path.write_text(SOURCE.replace('"loose", 4, 4', '"loose", 4, 4\n    shortest = 40'))
    with pytest.raises(ValueError, match=TOLD):
        load_file(path)


@pytest.mark.parametrize("name", TASKS)
def test_the_tasks_of_rnnkit_draw_from_it_alone(name):
    check_draws(TASKS[name], TASKS[name].shortest)


def test_a_batch_with_the_same_mask_is_no_other():
    check_draws(LooseMask(), 20)


@pytest.mark.parametrize("part", ["x", "target", "mask"])
def test_a_masked_array_of_a_task_is_refused(part):
    class Masked(Loose):
        output, loss, symbols = "every", "mse", False

        def sample(self, rng, n, seq_len):
            batch = Batch(np.ones((seq_len, n, 4)), np.ones((seq_len, n, 4)), np.ones((seq_len, n), bool))
            return batch._replace(**{part: np.ma.masked_array(getattr(batch, part), False)})

    def make_net(rng):
        return recipes.make("tanh", 4, 3, 4, rng, output="every")

    with pytest.raises(ValueError, match=rf"{part} must be .*, got masked \(20, \d+"):
        train(make_net, Masked(), 20, Protocol(updates=25, check_every=25, batch_size=2))


class LooseAbove(Loose):
    """Draws loosely where more than three sequences are asked for."""

    def sample(self, rng, n, seq_len):
        return Loose.sample(self, rng if n > 3 else np.random.default_rng(0), n, seq_len) if n > 3 else FIXED


FIXED = Batch(np.zeros((20, 3), int), np.zeros((1, 3), int))


def test_as_many_sequences_are_tried_as_are_trained_on():
    with pytest.raises(ValueError, match=TOLD):
        train(lambda rng: None, LooseAbove(), 20, Protocol(updates=25, check_every=25))
