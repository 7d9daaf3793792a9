from rnnkit.cells import Cell, sigmoid


class MinGRU(Cell):
    """Feng et al. (2024): no state enters a product."""

    blocks = {"z": ("x", "b"), "n": ("x", "b")}
    states = ("h",)

    @staticmethod
    def step(z, n, h):
        return h + sigmoid(z) * (n - h)
