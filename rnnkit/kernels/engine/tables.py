"""The tables of addresses that a cell's loops read: a row for each pointer, in the order of `rnnkit.cells.source`.

The first state stands elsewhere at every step; its addresses are set there. apart: blocks stand in room, all numbers of
one after the other; else where products write them or read them, and the loops go through each row.
"""

from rnnkit._compile.jit import jit
from rnnkit.cells.descriptor import BLOCKS, ORDER, SAVED, STATES, UNITS
from rnnkit.kernels.engine.steps import element, element_of
from rnnkit.kernels.engine.words import set_row


@jit
def forward_table(table, d, a, room, apart, inner, saved, first, n_rows, H, reverse):
    """Fill the rows but those of the first state. room: blocks, units, each n_rows rows of H."""
    n, of_step, k = n_rows * H, inner.shape[2] * H, d[BLOCKS]
    for position in range(d[BLOCKS]):
        block = d[d[ORDER] + position]
        if apart:
            set_row(table, block, room, block * n, 0, H)
        else:
            set_row(table, block, a, position * H, 0, a.shape[1])
    for state in range(1, d[STATES]):
        set_row(table, k + state, inner, element_of(inner, state - 1, 2 * reverse, first), of_step, H)
    k += d[STATES]
    for unit in range(d[UNITS]):
        set_row(table, k + unit, room, (d[BLOCKS] + unit) * n, 0, H)
    k += d[UNITS]
    for state in range(1, d[STATES]):
        set_row(table, k + state, inner, element_of(inner, state - 1, 1, first), of_step, H)
    k += d[STATES]
    for i in range(d[SAVED]):
        set_row(table, k + i, saved, element_of(saved, 0, i, first), d[SAVED] * saved.shape[2] * H, H)


@jit
def backward_table(table, d, room, apart, h, column, inner, saved, hidden, first, n_rows, H, reverse):
    """Fill the rows but those of blocks that are not apart.

    room: n_rows rows of H for each adjoint; the first state before and after; totals; gradients of blocks; units and
    their gradients. hidden: where totals go, or without steps.
    """
    S, n, of_step = d[STATES], n_rows * H, inner.shape[2] * H
    for state in range(S):
        set_row(table, state, room, state * n, 0, H)
        if state > 0:
            set_row(table, S + state, inner, element_of(inner, state - 1, 2 * reverse, first), of_step, H)
            set_row(table, 2 * S + state, inner, element_of(inner, state - 1, 1, first), of_step, H)
    if apart:
        set_row(table, S, room, S * n, 0, H)
        set_row(table, 2 * S, room, (S + 1) * n, 0, H)
    else:
        set_row(table, S, h, element(h, 2 * reverse, first) + column, h.shape[1] * h.shape[2], h.shape[2])
        set_row(table, 2 * S, h, element(h, 1, first) + column, h.shape[1] * h.shape[2], h.shape[2])
    k, at = 3 * S, (S + 2) * n
    for i in range(d[SAVED]):
        set_row(table, k + i, saved, element_of(saved, 0, i, first), d[SAVED] * saved.shape[2] * H, H)
    k += d[SAVED]
    of_units, at = at + (S + d[BLOCKS]) * n, at
    for unit in range(d[UNITS]):
        set_row(table, k + unit, room, of_units + unit * n, 0, H)
    k += d[UNITS]
    for state in range(S):
        if hidden.shape[1] > 0:
            set_row(table, k + state, hidden, element_of(hidden, state, 0, first), hidden.shape[2] * H, H)
        else:
            set_row(table, k + state, room, at + state * n, 0, H)
    k, at = k + S, at + S * n
    for i in range(d[BLOCKS]):
        set_row(table, k + i, room, at + i * n, 0, H)
    for unit in range(d[UNITS]):
        set_row(table, k + d[BLOCKS] + unit, room, of_units + (d[UNITS] + unit) * n, 0, H)


@jit
def spread_units(room, at, units, n_rows, H):
    """Copy the numbers of units to every row: n_rows rows of each."""
    for unit in range(units.size // H):
        for r in range(n_rows):
            for j in range(H):
                room[(at // H) + unit * n_rows + r, j] = units[unit * H + j]
