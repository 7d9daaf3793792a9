"""The tables of addresses that a cell's loops read: a row for each pointer, in the order of `rnnkit.cells.source`.

The first state stands elsewhere at every step; its addresses are set there.
"""

from rnnkit._compile.jit import jit
from rnnkit.cells.descriptor import BLOCKS, SAVED, STATES, UNITS
from rnnkit.kernels.engine.steps import element_of
from rnnkit.kernels.engine.words import set_row


@jit
def forward_table(table, d, a, room, in_rows, inner, saved, first, n_rows, H, reverse):
    """Fill the rows but those of the first state. room: blocks, units, each n_rows rows of H."""
    n, of_step, k = n_rows * H, inner.shape[2] * H, 0
    for block in range(d[BLOCKS]):
        if in_rows:
            set_row(table, k, a, 0, 0, a.shape[1])
        else:
            set_row(table, k, room, block * n, 0, 0)
        k += 1
    for state in range(1, d[STATES]):
        set_row(table, k + state, inner, element_of(inner, state - 1, 2 * reverse, first), of_step, 0)
    k += d[STATES]
    for unit in range(d[UNITS]):
        set_row(table, k + unit, room, (d[BLOCKS] + unit) * n, 0, 0)
    k += d[UNITS]
    for state in range(1, d[STATES]):
        set_row(table, k + state, inner, element_of(inner, state - 1, 1, first), of_step, 0)
    k += d[STATES]
    for i in range(d[SAVED]):
        set_row(table, k + i, saved, element_of(saved, 0, i, first), d[SAVED] * saved.shape[2] * H, 0)


@jit
def backward_table(table, d, room, inner, saved, hidden, first, n_rows, H, reverse):
    """Fill the rows but those that a step in rows of u has.

    room: n_rows rows of H for each adjoint; the first state before and after; totals; gradients of blocks; units and
    their gradients. hidden: where totals go, or without steps.
    """
    S, n, of_step = d[STATES], n_rows * H, inner.shape[2] * H
    for state in range(S):
        set_row(table, state, room, state * n, 0, 0)
        if state > 0:
            set_row(table, S + state, inner, element_of(inner, state - 1, 2 * reverse, first), of_step, 0)
            set_row(table, 2 * S + state, inner, element_of(inner, state - 1, 1, first), of_step, 0)
    set_row(table, S, room, S * n, 0, 0)
    set_row(table, 2 * S, room, (S + 1) * n, 0, 0)
    k, at = 3 * S, (S + 2) * n
    for i in range(d[SAVED]):
        set_row(table, k + i, saved, element_of(saved, 0, i, first), d[SAVED] * saved.shape[2] * H, 0)
    k += d[SAVED]
    of_units, at = at + (S + d[BLOCKS]) * n, at
    for unit in range(d[UNITS]):
        set_row(table, k + unit, room, of_units + unit * n, 0, 0)
    k += d[UNITS]
    for state in range(S):
        if hidden.shape[1] > 0:
            set_row(table, k + state, hidden, element_of(hidden, state, 0, first), hidden.shape[2] * H, 0)
        else:
            set_row(table, k + state, room, at + state * n, 0, 0)
    k, at = k + S, at + S * n
    for i in range(d[BLOCKS]):
        set_row(table, k + i, room, at + i * n, 0, 0)
    for unit in range(d[UNITS]):
        set_row(table, k + d[BLOCKS] + unit, room, of_units + (d[UNITS] + unit) * n, 0, 0)


@jit
def spread_units(room, at, units, n_rows, H):
    """Copy the numbers of units to every row: n_rows rows of each."""
    for unit in range(units.size // H):
        for r in range(n_rows):
            for j in range(H):
                room[(at // H) + unit * n_rows + r, j] = units[unit * H + j]
