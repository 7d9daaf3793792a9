"""Training of many networks at once, without the interpreter between updates, to an outcome that is counted.

protocol      how a training goes: updates, batches, clip, tests; loop: the training itself
checkpoints   what it needs to resume, on disk
optimizers    sgd, momentum, nesterov, rmsprop, adam for loops of your own; schedules: learning rates
"""

from rnnkit.training import optimizers, schedules
from rnnkit.training.loop import Trained, train
from rnnkit.training.optimizers import Optimizer
from rnnkit.training.protocol import Protocol

__all__ = ["Optimizer", "Protocol", "Trained", "optimizers", "schedules", "train"]
