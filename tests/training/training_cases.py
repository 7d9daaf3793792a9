"""What the tests of training share: nets of a recipe, a small protocol, and tasks that are watched or scripted."""

import numpy as np

from rnnkit.networks import recipes
from rnnkit.tasks import TASKS, Batch, Task
from rnnkit.training.protocol import BLOCK, Protocol

ORDER = TASKS["temporal_order"]
SMALL = {"updates": 2 * BLOCK, "check_every": BLOCK, "check_size": 40, "batch_size": 4, "learning_rate": 0.1}


def maker(name="basic_tanh", task=ORDER, hidden_size=6, dtype="float32"):
    """Return what makes a net of a recipe for a task."""

    def make_net(rng):
        shape = (name, task.input_size, hidden_size, task.output_size, rng)
        return recipes.make(*shape, output=task.output, dtype=dtype)

    return make_net


def protocol(**keys):
    return Protocol(**SMALL | keys)


class Switches(Task):
    """Which of three switches are on, each of which turns where its input is 1; the first output does not count."""

    name, input_size, output_size, symbols, output, loss = "switches", 3, 3, False, "every", "sigmoid"

    def sample(self, rng, n, seq_len):
        x = (rng.random((seq_len, n, 3)) < 0.3).astype(float)
        mask = np.ones((seq_len, n), bool)
        mask[0] = seq_len == 1
        return Batch(x, np.cumsum(x, axis=0) % 2, mask)


SWITCHES = Switches()


class Watched(Task):
    """Temporal order that remembers what it was asked for: (n, seq_len, bytes of x), of training and of tests."""

    name, input_size, output_size = "watched", ORDER.input_size, ORDER.output_size

    def __init__(self, n_training=BLOCK * SMALL["batch_size"]):
        self.drawn, self.n_training = [], n_training

    def sample(self, rng, n, seq_len):
        batch = ORDER.sample(rng, n, seq_len)
        self.drawn.append((n, seq_len, batch.x.tobytes()))
        return batch

    @property
    def training(self):
        return [row for row in self.drawn if row[0] == self.n_training]

    @property
    def tests(self):
        return [row for row in self.drawn if row[0] != self.n_training]


class Poisoned(Task):
    """The first number of a sequence, told at its end; in update `at`, a block's number, one input is not finite."""

    name, input_size, output_size, symbols, loss = "poisoned", 2, 1, False, "mse"

    def __init__(self, at, value, n_training=BLOCK * SMALL["batch_size"]):
        self.at, self.value, self.n_training, self.blocks = at, value, n_training, 0

    def sample(self, rng, n, seq_len):
        x = rng.standard_normal((seq_len, n, 2))
        target = x[:1, :, :1].copy()
        if n == self.n_training:
            if self.blocks == self.at // BLOCK:
                x[1, (self.at % BLOCK) * (n // BLOCK) + 1, 1] = self.value
            self.blocks += 1
        return Batch(x, target)


class Silent(Task):
    """Nothing in, nothing out, but once: an answer so large that a finite gradient makes a weight infinite."""

    name, input_size, output_size, symbols, loss = "silent", 2, 1, False, "mse"

    def sample(self, rng, n, seq_len):
        batch = Batch(np.zeros((seq_len, n, 2)), np.zeros((1, n, 1)))
        batch.x[-1, 97:], batch.target[0, 97:] = 1, 1e32  # of 100: in the last update of a block
        return batch


def bytes_of(net):
    return net.net.flat.tobytes()


def same(one, other):
    """Return whether two Trained are the same to the bit, nan and all."""
    return bytes_of(one) == bytes_of(other) and repr(one[:-1]) == repr(other[:-1])
