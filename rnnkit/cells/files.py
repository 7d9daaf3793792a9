"""A cell by name, by a file of its own, as a class or as an instance."""

from functools import cache
from hashlib import sha256
from types import CodeType
from typing import Any

from rnnkit._with_constants import as_instance
from rnnkit.cells.cell import Cell
from rnnkit.cells.checks import fail
from rnnkit.cells.co_rnn import CoRNN
from rnnkit.cells.elman import Identity, Relu, Sigmoid, Tanh
from rnnkit.cells.gru import GRU
from rnnkit.cells.ind_rnn import IndRNN
from rnnkit.cells.leaky import Leaky
from rnnkit.cells.lru import LRU
from rnnkit.cells.lstm import LSTM
from rnnkit.cells.lt_rnn import LTRNN
from rnnkit.cells.min_gru import MinGRU
from rnnkit.cells.min_lstm import MinLSTM
from rnnkit.cells.peephole import Peephole
from rnnkit.cells.plan import Plan
from rnnkit.cells.residual import Residual
from rnnkit.cells.source import forward_source
from rnnkit.cells.symbolic import symbolic

# By name; the first four stand for activations in `rnnkit.kernels`, and the first six have functions there.
_ALL = (Tanh, Relu, Sigmoid, Identity, LSTM, GRU, Leaky, Residual, Peephole, MinGRU, MinLSTM, IndRNN, LRU, CoRNN, LTRNN)
CELLS = {cls.__name__.lower(): cls for cls in _ALL}
WITH_KERNELS = ("tanh", "relu", "sigmoid", "identity", "lstm", "gru")

_steps: dict[type[Cell], CodeType] = {}


def as_cell(cell: Any) -> Cell:
    """Return the cell of that name, of the .py file at that path, of that class, or itself.

    A file defines one subclass of Cell; it is run once, and anew when it has changed. Raises ValueError: with file and
    line for a class that is no cell.
    """
    found = as_instance("cell", cell, Cell, CELLS)
    cls = type(found)
    symbolic(cls)
    if _steps.setdefault(cls, cls.step.__code__) is not cls.step.__code__:  # as IPython's autoreload replaces it
        fail(cls, "step cannot be replaced in a class whose loops are compiled: define the class anew")
    return found


@cache
def digest(cls: type[Cell]) -> str:
    """Return what tells two cells apart: their parts and their equations, not their files or the text of these."""
    blocks = {name: sorted(inputs) for name, inputs in cls.blocks.items()}
    parts = blocks, list(cls.states), list(cls.per_unit), list(cls.constants), forward_source(Plan(cls)).text
    return sha256(repr(parts).encode()).hexdigest()[:16]
