"""Recurrent cells, each by the equations of one unit."""

from rnnkit.cells.cell import Cell
from rnnkit.cells.elman import Identity, Relu, Sigmoid, Tanh
from rnnkit.cells.expressions import exp, log1p, relu, sigmoid, tanh, where
from rnnkit.cells.files import CELLS, as_cell
from rnnkit.cells.gru import GRU
from rnnkit.cells.lstm import LSTM

__all__ = ["CELLS", "GRU", "LSTM", "Cell", "Identity", "Relu", "Sigmoid", "Tanh", "as_cell",
           "exp", "log1p", "relu", "sigmoid", "tanh", "where"]  # fmt: skip
