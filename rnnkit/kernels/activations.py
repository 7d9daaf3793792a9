"""Activations by integer code, and their derivative from the state; `rnnkit.cells.functions` has the formulas."""

from rnnkit._simd.apart import of_pointers
from rnnkit.cells.functions import sigmoid, tanh

TANH, RELU, SIGMOID, IDENTITY = 0, 1, 2, 3
ACTIVATIONS = {"tanh": TANH, "relu": RELU, "sigmoid": SIGMOID, "identity": IDENTITY}


@of_pointers("rnnkit_activate", "PIIII")
def activate(z, row, rows, columns, activation):
    """Set the first columns of rows, each `row` elements after the one before, to phi(z); a nan stays a nan."""
    for start in range(0, rows * row, row):
        if activation == TANH:
            for j in range(columns):
                z[start + j] = tanh(z[start + j])
        elif activation == SIGMOID:
            for j in range(columns):
                z[start + j] = sigmoid(z[start + j])
        elif activation == RELU:
            for j in range(columns):
                z[start + j] = 0 if z[start + j] < 0 else z[start + j]


@of_pointers("rnnkit_times_derivative", "PIPIPIIII")
def times_derivative(d, d_row, h, h_row, out, out_row, rows, H, activation):
    """Set out to d * phi'(a), with phi' from the state h = phi(a): 1 - h^2, h > 0, h (1 - h) or 1.

    d_row, h_row, out_row: from one row to the next; of each H columns are meant; out may be d.
    """
    one = type(h[0])(1)  # a plain 1 is an int64, and the difference a float64: half the speed
    for r in range(rows):
        k, i, o = r * d_row, r * h_row, r * out_row
        if activation == TANH:
            for j in range(H):
                out[o + j] = d[k + j] * (one - h[i + j] * h[i + j])
        elif activation == SIGMOID:
            for j in range(H):
                out[o + j] = d[k + j] * (h[i + j] * (one - h[i + j]))
        else:
            for j in range(H):
                open_ = activation == IDENTITY or h[i + j] > 0
                out[o + j] = d[k + j] if open_ else h[i + j] * 0  # 0, and nan where the state is nan
