"""Which cell a layer is made of, by integer code; the codes of the four activations are Elman cells.

The gates stand in PyTorch's order: LSTM i, f, g, o; GRU r, z, n. A step has the pre-activations of a GRU in four
blocks, q, r, z, n, where q is the candidate's share of the state: what h enters (q, r, z) and what x enters (r, z, n)
are then one product each.
"""

from rnnkit._jit import jit
from rnnkit.kernels.activations import ACTIVATIONS

LSTM, GRU = 4, 5
CELLS = ACTIVATIONS | {"lstm": LSTM, "gru": GRU}


@jit
def count_gates(cell):
    """Return how many columns W_xh and W_hh have for each unit."""
    return 4 if cell == LSTM else 3 if cell == GRU else 1


@jit
def count_blocks(cell):
    """Return how many pre-activations each unit has."""
    return 1 if cell < LSTM else 4
