"""How much memory a training takes, and how much there is."""

import os

import numpy as np

from rnnkit.cells import Cell
from rnnkit.tasks import Task
from rnnkit.training.protocol import BLOCK


def bytes_of_memory() -> float:
    """Return what this machine has, inf where the system does not say so."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else np.inf


def bytes_of_net(task: Task, cell: Cell, seq_len: int, batch_size: int, hidden_size: int, dtype: str) -> int:
    """Return the least that a net in training takes: a block of batches, all states of one batch, the weights."""
    T, B, H, size = task.steps(seq_len), batch_size, hidden_size, np.dtype(dtype).itemsize
    S = T if task.output == "every" else 1
    numbers = T * (1 if task.symbols else task.input_size) + S * (1 if task.loss == "softmax" else task.output_size)
    drawn = 2 * 8 * BLOCK * B * numbers  # as the task draws it, and batch by batch
    states = size * B * (T * H * (len(cell.blocks) + 2 * len(cell.states)) + 2 * S * task.output_size)
    weights = 4 * size * len(cell.blocks) * H * (H + task.input_size)  # beside them gradients and moments
    return drawn + states + weights
