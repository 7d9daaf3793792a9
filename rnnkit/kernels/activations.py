"""The activations of Elman cells by integer code: the handles of these cells."""

from rnnkit.kernels.cells import CELLS

ACTIVATIONS = {name: CELLS[name] for name in ("tanh", "relu", "sigmoid", "identity")}
TANH, RELU, SIGMOID, IDENTITY = ACTIVATIONS.values()
