"""The activations of Elman cells by integer code: the handles of these cells."""

from rnnkit._compile.jit import jit
from rnnkit.kernels.cells import CELLS

ACTIVATIONS = {name: CELLS[name] for name in ("tanh", "relu", "sigmoid", "identity")}
TANH, RELU, SIGMOID, IDENTITY = ACTIVATIONS.values()


@jit
def check_code(activation):
    """Raise ValueError, in compiled code, for what is none of these: another cell has weights of another shape."""
    if activation < TANH or activation > IDENTITY:
        raise ValueError("activation must be one of TANH=0, RELU=1, SIGMOID=2, IDENTITY=3")
