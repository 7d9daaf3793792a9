"""Recurrent cells, each by the equations of one unit."""

from rnnkit.cells.cell import Cell
from rnnkit.cells.co_rnn import CoRNN
from rnnkit.cells.elman import Identity, Relu, Sigmoid, Tanh
from rnnkit.cells.expressions import exp, log1p, relu, sigmoid, tanh, where
from rnnkit.cells.files import CELLS, as_cell
from rnnkit.cells.gru import GRU
from rnnkit.cells.ind_rnn import IndRNN
from rnnkit.cells.leaky import Leaky
from rnnkit.cells.lru import LRU
from rnnkit.cells.lstm import LSTM
from rnnkit.cells.lt_rnn import LTRNN
from rnnkit.cells.min_gru import MinGRU
from rnnkit.cells.min_lstm import MinLSTM
from rnnkit.cells.peephole import Peephole
from rnnkit.cells.residual import Residual

__all__ = ["CELLS", "GRU", "LRU", "LSTM", "LTRNN", "Cell", "CoRNN", "Identity", "IndRNN", "Leaky", "MinGRU", "MinLSTM",
           "Peephole", "Relu", "Residual", "Sigmoid", "Tanh", "as_cell",
           "exp", "log1p", "relu", "sigmoid", "tanh", "where"]  # fmt: skip
