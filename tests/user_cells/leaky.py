from rnnkit.cells import Cell, tanh


class Leaky(Cell):
    """Leaky tanh unit."""

    blocks = {"a": ("x", "h", "b")}
    states = ("h",)
    constants = {"alpha": 0.1}

    @staticmethod
    def step(a, h, alpha):
        return (1 - alpha) * h + alpha * tanh(a)
