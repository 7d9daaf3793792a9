"""Recurrent cells, each by the equations of one unit."""

from rnnkit.cells.cell import Cell
from rnnkit.cells.elman import Identity, Relu, Sigmoid, Tanh
from rnnkit.cells.expressions import exp, log1p, relu, sigmoid, tanh, where
from rnnkit.cells.gru import GRU
from rnnkit.cells.lstm import LSTM

CELLS = {"tanh": Tanh, "relu": Relu, "sigmoid": Sigmoid, "identity": Identity, "lstm": LSTM, "gru": GRU}

__all__ = ["CELLS", "GRU", "LSTM", "Cell", "Identity", "Relu", "Sigmoid", "Tanh",
           "exp", "log1p", "relu", "sigmoid", "tanh", "where"]  # fmt: skip
