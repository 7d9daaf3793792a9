"""Answers of a network beside their targets, in compiled code: the loss, and how many sequences are wrong.

A target is a pair, (numbers (S, B, O), classes (S, B)), of which one is empty; see `network.py`. Nothing is checked.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.kernels.losses import _as_rows, _mse_rows, _softmax_cross_entropy_rows


@jit
def loss_into(y, target, mask, dy):
    """Return the mean loss and fill dy: softmax where target holds classes, else mse."""
    numbers, classes = target
    if classes.size > 0:
        return _softmax_cross_entropy_rows(_as_rows(y), classes.reshape(-1), mask.reshape(-1), _as_rows(dy))
    return _mse_rows(_as_rows(y), _as_rows(numbers), mask.reshape(-1), _as_rows(dy))


@jit
def class_is_wrong(logits, label):
    """Return whether another logit is as large as that of the label, or one is nan."""
    if not 0 <= label < logits.size:  # no class: nothing is read
        return True
    bad = 0
    for o in range(logits.size):
        bad += o != label and not logits[o] < logits[label]
    return bad > 0


@jit
def numbers_are_wrong(y, target, tolerance):
    """Return whether a squared error is above the tolerance, or nan."""
    bad = 0
    for o in range(y.size):
        error = np.float64(y[o]) - np.float64(target[o])
        bad += not error * error <= tolerance
    return bad > 0


@jit
def output_is_wrong(y, target, s, b, tolerance):
    """Return whether one output is: its largest logit, or a squared error above tolerance; a nan is wrong."""
    numbers, classes = target
    if classes.size > 0:
        return class_is_wrong(y[s, b], classes[s, b])
    return numbers_are_wrong(y[s, b], numbers[s, b], tolerance)


@jit
def count_wrong(y, target, mask, tolerance):
    """Return how many sequences have a counted output that is wrong."""
    (S, B, _), wrong = y.shape, 0
    for b in range(B):
        for s in range(S):
            if mask[s, b] and output_is_wrong(y, target, s, b, tolerance):
                wrong += 1
                break
    return wrong
