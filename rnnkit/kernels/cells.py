"""The shipped cells by their handles; the first four are Elman cells, by their activation."""

from rnnkit.cells import CELLS as _CELLS
from rnnkit.cells.handles import handle_of

CELLS = {name: handle_of(cls()) for name, cls in _CELLS.items()}
LSTM, GRU = CELLS["lstm"], CELLS["gru"]
