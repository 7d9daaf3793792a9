"""Truncated backpropagation through time, BPTT(k2; k1) of Williams and Peng (1990).

Every k1 steps the losses of the last k1 steps are taken back through the last k2 steps, k2 >= k1. The states are
carried on and never cut: what is cut is the gradient. With k1 = 2, k2 = 4 over T = 6 steps, the loss at s reaches the
states at t where there is an x:

    t      1  2  3  4  5  6
    s = 1  x  .  .  .  .  .   window 1: losses of steps 1-2, taken back through steps 1-2
        2  x  x  .  .  .  .
        3  x  x  x  .  .  .   window 2: losses of steps 3-4, taken back through steps 1-4
        4  x  x  x  x  .  .
        5  .  .  x  x  x  .   window 3: losses of steps 5-6, taken back through steps 3-6
        6  .  .  x  x  x  x

Full BPTT has the whole triangle; k1 = k2 = T is full BPTT, bit for bit. k1 = k2 cuts the sequence into chunks; k1 = 1
takes every loss back through exactly k2 steps, at k2 times the cost. The windows are the batch's: where its rows are
shorter (lengths), they lie where they lie for T.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rnnkit._arguments import integer


class Window(NamedTuple):
    """Steps start .. end - 1, of which those from first_loss on have their losses taken back."""

    start: int
    first_loss: int
    end: int


def windows(T: int, k1: int, k2: int) -> Iterator[Window]:
    """Yield the windows of T steps in order; a loss lies in exactly one of them."""
    T, k1, k2 = integer("T", T, 1), integer("truncation's k1", k1, 1), integer("truncation's k2", k2, 1)
    if k2 < k1:
        raise ValueError(f"truncation must have k1 <= k2, got k1 = {k1}, k2 = {k2}: some steps would have no gradient")
    for first_loss in range(0, T, k1):
        end = min(first_loss + k1, T)
        yield Window(max(0, end - k2), first_loss, end)
