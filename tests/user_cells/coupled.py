"""An LSTM whose gates are coupled, and which shows all of its memory: h is made of the new c alone."""

from rnnkit.cells import Cell, sigmoid, tanh


class Coupled(Cell):
    blocks = {"f": ("x", "h", "b"), "g": ("x", "h", "b")}
    states = ("h", "c")
    keeps = "f"

    @staticmethod
    def step(f, g, h, c):
        c_t = sigmoid(f) * c + (1 - sigmoid(f)) * tanh(g)
        return tanh(c_t), c_t
