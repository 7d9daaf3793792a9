"""Parts of one step of some rows of a layer, for any cell: what `forward.py` and `backward.py` repeat.

t: the step; before, after: where the states before and after it stand. first, n_rows: the rows of the batch. d, g: the
cell's words and the layer's (`rnnkit.cells.descriptor`, `geometry.py`). Where a function takes an array and then a
number, that is the element it begins at. No tuples: to unpack one counts references, and with four of them a step of 16
units took twice as long.
"""

from rnnkit._compile.jit import jit, jit_inlined
from rnnkit._compile.simd.rows import move_rows
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.cells.descriptor import BLOCKS, DIRECT, GROUPS, IN_ROWS, ORDER, STATES
from rnnkit.kernels.engine.geometry import (
    BACK_PACK,
    BACK_VECTORS,
    CLEAR,
    COLUMN,
    COLUMNS,
    HAS_X,
    KEEP,
    ONE,
    PACK,
    ROWS,
    VECTORS,
    U,
    of_entry,
    of_product,
)
from rnnkit.kernels.engine.team import share_product
from rnnkit.kernels.products import tile_for
from rnnkit.kernels.rows import copy_columns, move_symbol_rows

LEAST_ROW = 64  # numbers of a row from which on a loop over each costs less than to copy them


@jit
def element(a, t, first):
    """Return the element of a (., B, columns) where row `first` of a[t] begins."""
    return (t * a.shape[1] + first) * a.shape[2]


@jit
def element_of(a, k, t, first):
    """Return the element of a (., ., B, H) where row `first` of a[k, t] begins."""
    return ((k * a.shape[1] + t) * a.shape[2] + first) * a.shape[3]


@jit
def fill_tiles(d, g, n_rows, tiles):
    """Set tiles (products, 6) to (rows, vectors) of the tiles of each product: forward, back, and of its sums."""
    for k in range(d[GROUPS]):
        _, p = of_product(d, g, k)
        tiles[k, 0], tiles[k, 1] = tile_for(n_rows, g[p + VECTORS])
        tiles[k, 2], tiles[k, 3] = tile_for(n_rows, max(g[p + BACK_VECTORS], 1))
        tiles[k, 4], tiles[k, 5] = tile_for(g[p + ROWS], g[p + VECTORS])


@jit_inlined
def enter_states(u, row, h, column, inner, before, first, n_rows, H, d, g):
    """Write the states before a step to where they enter u, in its rows from `row` on."""
    for k in range(d[GROUPS]):
        w, _ = of_product(d, g, k)
        for e in range(d[w + 4], d[w + 4] + d[w + 2]):
            entry, at = of_entry(d, g, e)
            to = row * u.shape[1] + at
            if d[entry] == 0:
                copy_columns(u, to, h, element(h, before, first) + column, n_rows, H)
            else:
                copy_columns(u, to, inner, element_of(inner, d[entry] - 1, before, first), n_rows, H)


@jit_inlined
def enter_x(u, row, x, t, first, n_rows, d, g):
    """Write x_t, and 1 for every product, in the rows of u from `row` on."""
    for k in range(d[GROUPS]):
        w, p = of_product(d, g, k)
        if x.ndim == 3 and d[w + 3] == 1:  # the former known when compiled: what is not taken is not in the code
            _, at = of_entry(d, g, d[w + 4] + d[w + 5] - 1)
            copy_columns(u, row * u.shape[1] + at, x, element(x, t, first), n_rows, x.shape[2])
        for r in range(row, row + n_rows):
            u[r, g[p + ONE]] = 1


@jit_inlined
def make_blocks(a, u, row, x, t, first, n_rows, W_xh, packed, tiles, d, g, team):
    """Set a to the pre-activations of the rows of u from `row` on, with the rows of W_xh that symbols pick."""
    for k in range(d[GROUPS]):
        _, p = of_product(d, g, k)
        keep, end = g[p + KEEP], g[p + COLUMN] + g[p + COLUMNS]
        if keep == 1:
            for r in range(n_rows):
                for j in range(g[p + CLEAR], end):
                    a[r, j] = 0
        if x.ndim == 2 and g[p + HAS_X] == 1:
            move_symbol_rows(a, g[p + COLUMN], W_xh, x, t, first, n_rows, keep)
            keep = 1
        at, tile = row * u.shape[1] + g[p + U], (tiles[k, 0], tiles[k, 1])
        start, vectors = g[p + PACK], g[p + VECTORS]
        share_product(team, a, g[p + COLUMN], u, at, n_rows, packed, start, vectors, g[p + ROWS], tile, keep)


@jit
def stand_apart(d, H, bytes_):
    """Return whether blocks stand apart for the loops, not in rows of whole vectors that are worth a loop each."""
    return d[IN_ROWS] == 0 and (H < LEAST_ROW or H % (VECTOR_BYTES // bytes_) > 0)


@jit
def part_blocks(room, at, a, n_rows, H, d):
    """Copy each block of a, which stand side by side, to the n_rows rows of its own in room from `at` on."""
    for position in range(d[BLOCKS]):
        copy_columns(room, at + d[d[ORDER] + position] * n_rows * H, a, position * H, n_rows, H)


@jit
def join_blocks(delta, row, room, at, n_rows, H, d):
    """Copy the gradients of blocks, n_rows rows each from `at` on, to their columns of delta."""
    for position in range(d[BLOCKS]):
        copy_columns(
            delta, row * delta.shape[1] + position * H, room, at + d[d[ORDER] + position] * n_rows * H, n_rows, H
        )


@jit_inlined
def take_back(out, delta, row, n_rows, packed, tiles, d, g, k, team):
    """Set out to delta W^T of product k: what its inputs' gradients get from it, side by side."""
    _, p = of_product(d, g, k)
    at, tile = row * delta.shape[1] + g[p + COLUMN], (tiles[k, 2], tiles[k, 3])
    vectors, start = g[p + BACK_VECTORS], g[p + BACK_PACK]
    share_product(team, out, 0, delta, at, n_rows, packed, start, vectors, g[p + COLUMNS], tile, 0)


@jit
def give_back(adjoints, out, n_rows, H, given, d, g, k):
    """Hand what product k gives to its states, and mark them: the first writes where a state had nothing yet."""
    w, _ = of_product(d, g, k)
    for i in range(d[w + 2]):
        entry, _ = of_entry(d, g, d[w + 4] + i)
        state = d[entry]
        keep = 1 if d[d[DIRECT] + state] == 1 or given[state] == 1 else 0
        to = state * n_rows * H
        move_rows(adjoints, to, H, out, i * H, out.shape[1], n_rows, H, keep)
        given[state] = 1


@jit
def clear_rest(adjoints, n_rows, H, given, d):
    """Set to zero the gradients of states before a step that nothing leads to."""
    for state in range(d[STATES]):
        if given[state] == 0 and d[d[DIRECT] + state] == 0:
            for r in range(state * n_rows, (state + 1) * n_rows):
                for j in range(H):
                    adjoints[r, j] = 0
        given[state] = 0


@jit_inlined
def write_dx(dx, t, first, n_rows, source, at, add):
    """Write dL/dx_t, or add to it."""
    move_rows(dx, element(dx, t, first), dx.shape[2], source, at, source.shape[1], n_rows, dx.shape[2], add)
