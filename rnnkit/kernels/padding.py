"""Rows of a batch that are shorter than it: a step beyond a row's length hands its state on, and its gradient back.

lengths: (B,) int64, or (0,) where all rows are full. Else as in `steps.py`.
"""

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.rows import move_rows
from rnnkit.kernels.rows import copy_columns


@jit
def keep_padded(out, o, a, first_of_a, first, n_rows, H, lengths, t):
    """Where step t is beyond a row's length, copy the state in a to out."""
    for r in range(n_rows):
        if t >= lengths[first + r]:
            copy_columns(out, o + r * out.shape[-1], a, first_of_a + r * a.shape[-1], 1, H)


@jit
def clear_padded(u, delta, row, first, n_rows, lengths, t):
    """Let steps beyond a row's length count for nothing, whatever x holds there."""
    for r in range(n_rows):
        if t >= lengths[first + r]:
            u[row + r].fill(0)
            delta[row + r].fill(0)


@jit
def hand_over_padded(d, start, d_row, carry, c, first, n_rows, H, lengths, t):
    """Keep rows of d, each d_row elements long, in carry; where t is beyond a row's length, give them back."""
    for r in range(n_rows):
        at, kept = start + r * d_row, c + r * H
        if t >= lengths[first + r]:
            move_rows(d, at, d_row, carry, kept, H, 1, H, 0)
        else:
            move_rows(carry, kept, H, d, at, d_row, 1, H, 0)
