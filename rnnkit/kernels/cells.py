"""The cells that have functions of their own here, by their handles; the first four are Elman cells."""

from rnnkit.cells import CELLS as _CELLS
from rnnkit.cells.files import WITH_KERNELS
from rnnkit.cells.handles import handle_of

CELLS = {name: handle_of(_CELLS[name]()) for name in WITH_KERNELS}
LSTM, GRU = CELLS["lstm"], CELLS["gru"]
