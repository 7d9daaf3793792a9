"""Answers of a network beside their targets, in compiled code: the loss, and how many sequences are wrong.

A target is a pair, (numbers (S, B, O), classes (S, B)), of which one is empty; see `network.py`. A loss is a number,
its place in `losses.LOSSES`. Nothing is checked.
"""

import numpy as np

from rnnkit._compile.jit import jit
from rnnkit.kernels.losses import _as_rows, _mse_rows, _sigmoid_cross_entropy_rows, _softmax_cross_entropy_rows

MSE, SOFTMAX, SIGMOID = range(3)


@jit
def terms(loss, O):  # noqa: E741
    """Return how many of the O terms of an output are summed in training's loss: sigmoid's all; of mse it is a mean."""
    return O if loss == SIGMOID else 1


@jit
def loss_into(y, target, mask, loss, dy):
    """Return the mean loss over the counted outputs, each the sum of its `terms`, and fill dy."""
    (numbers, classes), rows, flags, d_rows = target, _as_rows(y), mask.reshape(-1), _as_rows(dy)
    if loss == SOFTMAX:
        return _softmax_cross_entropy_rows(rows, classes.reshape(-1), flags, d_rows)
    if loss == MSE:
        return _mse_rows(rows, _as_rows(numbers), flags, d_rows)
    n_terms, value = terms(loss, rows.shape[1]), _sigmoid_cross_entropy_rows(rows, _as_rows(numbers), flags, d_rows)
    for n in range(rows.shape[0]):
        for o in range(rows.shape[1]):
            d_rows[n, o] *= n_terms
    return n_terms * value


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
def flags_are_wrong(logits, target):
    """Return whether a logit is not on the side of 0 that its target, 0 or 1, is of 1/2, or is nan."""
    bad = 0
    for o in range(logits.size):
        bad += not (logits[o] > 0 if target[o] > 0.5 else logits[o] < 0)
    return bad > 0


@jit
def output_is_wrong(y, target, s, b, loss, tolerance):
    """Return whether one output is: its largest logit, a squared error above tolerance, a flag; a nan is wrong."""
    numbers, classes = target
    if loss == SOFTMAX:
        return class_is_wrong(y[s, b], classes[s, b])
    if loss == MSE:
        return numbers_are_wrong(y[s, b], numbers[s, b], tolerance)
    return flags_are_wrong(y[s, b], numbers[s, b])


@jit
def count_wrong(y, target, mask, loss, tolerance):
    """Return how many sequences have a counted output that is wrong."""
    (S, B, _), wrong = y.shape, 0
    for b in range(B):
        for s in range(S):
            if mask[s, b] and output_is_wrong(y, target, s, b, loss, tolerance):
                wrong += 1
                break
    return wrong
